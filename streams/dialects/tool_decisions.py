"""Decisions about an answer's calls, as clients of other protocols post them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q

from streams import log
from streams.exceptions import AlreadyDecided
from streams.models import Conversation, Device, Run, ToolCall

from . import client_ids


class Decided(NamedTuple):
    """A decision about a call, or its result if the client has run it. Its `id` names the call,
    or its `block` if the id is "".
    """

    id: str
    block: int
    decision: str
    note: str = ""
    result: str = ""


def decide(run: Run, device: Device, decisions: Iterable[Decided]) -> int:
    """Records decisions; one that came first, from another device, stands.

    Returns the number of the event at which the run waited for them, where what the client has of
    it ends; of the newest event if it never did.
    """
    decisions = list(decisions)
    newest = Conversation.objects.values_list("last_seq", flat=True).get(pk=run.conversation_id)
    for each in decisions:
        if call := call_of(run, each):
            try:
                call.decide(each.decision, device, note=each.note, result=each.result)
            except AlreadyDecided:
                continue
    return waited_for(run, decisions) or newest


def waited_for(run: Run, decisions: Iterable[Decided]) -> int:
    """Returns the number of the event at which the run waited for these, whatever has become of
    them; 0 if it never did."""
    return log.waited_for(run.conversation_id, run.pk, known_by(run, decisions))


def call_of(run: Run, decided: Decided) -> ToolCall | None:
    """Returns the call that is decided about, while it waits."""
    waiting = run.calls.filter(status=ToolCall.Status.WAITING)
    if decided.id:
        uuid = client_ids.as_uuid(decided.id)
        return waiting.filter(uuid=uuid).first() if uuid else None
    return waiting.filter(client=True, block=decided.block).first()


def known_by(run: Run, decisions: Iterable[Decided]) -> list[str]:
    """Returns the ids of the calls that are decided about, whatever has become of them."""
    ids = [client_ids.as_uuid(each.id) for each in decisions if each.id]
    blocks = [each.block for each in decisions if not each.id and each.block >= 0]
    meant = run.calls.filter(Q(uuid__in=[id for id in ids if id]) | Q(block__in=blocks))
    return list(meant.values_list("call_id", flat=True))


def block_in(id: str, separator: str) -> int:
    """Returns the number of a block at the end of a call's id; -1 where there is none."""
    _, _, block = id.rpartition(separator)
    return int(block) if block.isascii() and block.isdigit() and len(block) < 9 else -1


def text_of(result: Any) -> str:
    return result if isinstance(result, str) else log.dumps(result)
