"""Stores a prompt and the run that will answer it, rows and events, in one statement: round trips
are most of what a new chat costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

from streams import log
from streams.log import NewEvent
from streams.postgres import database
from streams.user_model import key_text

if TYPE_CHECKING:
    from .conversation import Conversation
    from .device import Device
    from .message import Message
    from .run import Run

# The rest of a statement whose CTE `accepted` is the conversation; its `head` counts both events.
ROWS = f"""
messages AS (
    INSERT INTO streams_message
           (uuid, conversation_id, seq, role, blocks, device_id, client_key, created_at)
    SELECT m.uuid, a.id, a.head - 2 + m.nth, m.role, m.blocks, m.device_id, m.client_key,
           statement_timestamp()
      FROM accepted a, (VALUES
           (1, %(prompt)s::uuid, 'user', %(blocks)s::jsonb, %(device)s::bigint, %(client_key)s),
           (2, %(answer)s::uuid, 'assistant', '[]'::jsonb, NULL, NULL)
           ) AS m(nth, uuid, role, blocks, device_id, client_key)
     ORDER BY m.nth
    RETURNING id, conversation_id, role, created_at
), run AS (
    INSERT INTO streams_run
           (uuid, conversation_id, prompt_id, answer_id, model, status, rank, attempt, usage,
            stop_reason, error_code, error_message, retryable)
    SELECT %(run)s::uuid, prompt.conversation_id, prompt.id, answer.id, %(model)s, 'queued',
           %(rank)s, 0, '{{}}'::jsonb, '', '', '', false
      FROM messages prompt, messages answer
     WHERE prompt.role = 'user' AND answer.role = 'assistant'
    RETURNING id, prompt_id, answer_id, queued_at
), numbered AS (
    SELECT a.id, a.owner_id, a.head - 1 AS seq, NULL::bigint AS run_id,
           'message.created' AS type, %(created)s::jsonb AS data FROM accepted a
     UNION ALL
    SELECT a.id, a.owner_id, a.head, run.id, 'run.queued', %(queued)s::jsonb
      FROM accepted a, run
), {log.WRITTEN}
SELECT a.id, a.head, a.updated_at, run.id, run.prompt_id, run.answer_id, run.queued_at,
       (SELECT max(created_at) FROM messages),
       pg_notify('streams_work', 'queued'), {log.TOLD}
  FROM accepted a, run
"""

# Into a conversation whose row the caller has locked.
IN_HELD = f"""
WITH accepted AS (
    UPDATE streams_conversation
       SET last_seq = last_seq + 2, updated_at = statement_timestamp()
     WHERE id = %(conversation)s
    RETURNING id, owner_id, last_seq AS head, updated_at
), {ROWS}
"""

# Into a new conversation; does nothing if its UUID is taken.
IN_NEW = f"""
WITH accepted AS (
    INSERT INTO streams_conversation
           (uuid, owner_id, title, model, system, on_busy, last_seq, lease_token,
            created_at, updated_at)
    VALUES (%(conversation)s, %(owner)s, %(title)s, %(model)s, %(system)s, %(on_busy)s, 2, 0,
            statement_timestamp(), statement_timestamp())
    ON CONFLICT (uuid) DO NOTHING
    RETURNING id, owner_id, last_seq AS head, updated_at
), {ROWS}
"""


def drafted(
    here: Conversation, content: str, device: Device | None, client_key: str | None, rank: int = 0
) -> tuple[Message, Message, Run]:
    """Returns a prompt, its answer to come and the run, all unsaved; `here` may be unsaved too."""
    message, run = apps.get_model("streams", "Message"), apps.get_model("streams", "Run")
    prompt = message.prompt(here, content, device, client_key)
    answer = message(conversation=here, role=message.Role.ASSISTANT)
    return (
        prompt,
        answer,
        run(conversation=here, prompt=prompt, answer=answer, model=here.model, rank=rank),
    )


def post(here: Conversation, prompt: Message, answer: Message, run: Run) -> None:
    """Stores a prompt, its answer to come and the run in a conversation whose row is locked, and
    updates the given objects. Raises SetAside if the log has used these numbers.
    """
    with log.numbered(here.pk):
        row = asked(IN_HELD, {"conversation": here.pk} | rows(prompt, answer, run))
    assert row is not None
    stored(here, prompt, answer, run, row)


def begin(new: Conversation, prompt: Message, answer: Message, run: Run) -> bool:
    """Stores a conversation with its first prompt; returns False if its UUID is taken."""
    known = {
        "conversation": new.uuid,
        "owner": key_text(new.owner_id),
        "title": new.title,
        "system": new.system,
        "on_busy": new.on_busy,
    }
    row = asked(IN_NEW, known | rows(prompt, answer, run))
    if row is not None:
        stored(new, prompt, answer, run, row)
        new.created_at = new.updated_at
    return row is not None


def asked(query: str, known: dict[str, Any]) -> tuple[Any, ...] | None:
    with database.connection().cursor() as cursor:
        cursor.execute(query, known)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def rows(prompt: Message, answer: Message, run: Run) -> dict[str, Any]:
    data = {"prompt": str(prompt.uuid), "message": str(answer.uuid), "model": run.model}
    first = {"rank": run.rank} if run.rank else {}
    queued: NewEvent = run.event("run.queued", **data, **first)
    return {
        "prompt": prompt.uuid,
        "blocks": log.dumps(prompt.blocks),
        "device": prompt.device_id,
        "client_key": prompt.client_key,
        "answer": answer.uuid,
        "run": run.uuid,
        "model": run.model,
        "rank": run.rank,
        "created": prompt.created().json,
        "queued": queued.json,
    }


def stored(
    here: Conversation, prompt: Message, answer: Message, run: Run, row: tuple[Any, ...]
) -> None:
    """Updates the objects with what the database made of them."""
    here.pk, here.last_seq, here.updated_at, run.pk, prompt.pk, answer.pk, run.queued_at, at = row[
        :8
    ]
    prompt.seq, answer.seq = here.last_seq - 1, here.last_seq
    prompt.created_at = answer.created_at = at
    run.deaths, run.vendor_error = 0, ""
    where = database.alias()
    for each in (here, prompt, answer, run):
        each._state.adding, each._state.db = False, where
    prompt.conversation = answer.conversation = run.conversation = here
    run.prompt, run.answer = prompt, answer
