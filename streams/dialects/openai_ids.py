"""Ids as OpenAI writes them: a word for the kind, then ours; pure."""

from __future__ import annotations

import re
from uuid import UUID

from streams.exceptions import NotFound

CALL = re.compile(r"call_([0-9a-f]{32})_([0-9]{1,8})")
SINCE = re.compile(r"_([1-9][0-9]{0,17})\Z")
RESPONSE, COMPLETION, CONVERSATION, MESSAGE = "resp_", "chatcmpl-", "conv_", "msg_"
ITEMS = {
    "text": MESSAGE,
    "refusal": MESSAGE,
    "reasoning": "rs_",
    "tool_call": "fc_",
    "tool_result": "fco_",
}


def response_id(run: UUID | str, since: int = 0) -> str:
    """Returns the id of the response that a run is, or of the one that it is from an event on."""
    return RESPONSE + UUID(str(run)).hex + (f"_{since}" if since else "")


def completion_id(run: UUID | str, since: int = 0) -> str:
    """Returns the same of a chat completion."""
    return COMPLETION + UUID(str(run)).hex + (f"_{since}" if since else "")


def conversation_id(conversation: UUID | str) -> str:
    return CONVERSATION + UUID(str(conversation)).hex


def message_id(message: UUID | str) -> str:
    return MESSAGE + UUID(str(message)).hex


def item_id(kind: str, run: UUID | str, seq: int) -> str:
    """Returns the id of a part of an answer, which began with event number `seq`."""
    return f"{ITEMS.get(kind, MESSAGE)}{UUID(str(run)).hex}_{seq}"


def call_id(run: UUID | str, block: int) -> str:
    """Returns the id of a call, by the block of its run's answer that it is. The model's services
    give ids that are unique within one answer at most."""
    return f"call_{UUID(str(run)).hex}_{block}"


def call_of(id: str) -> tuple[UUID, int] | None:
    """Returns the run and the block of a call's id; None for what is no such id."""
    found = CALL.fullmatch(id)
    return (UUID(hex=found[1]), int(found[2])) if found else None


def run_of(response: str) -> tuple[UUID, int]:
    """Returns the run of a response's id, and the event since which it is that. Raises NotFound."""
    found = SINCE.search(response)
    return parsed(RESPONSE, response[: found.start()] if found else response), (
        int(found[1]) if found else 0
    )


def parsed(prefix: str, id: str) -> UUID:
    """Returns our id in one of OpenAI's. Raises NotFound."""
    try:
        if not id.startswith(prefix):
            raise ValueError(id)
        return UUID(hex=id.removeprefix(prefix))
    except ValueError:
        raise NotFound(f"There is nothing with the id {id[:80]!r}.") from None
