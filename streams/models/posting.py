"""Stores prompts and the runs that will answer them, rows and events, in one statement: round trips
are most of what a new chat costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.utils.translation import gettext

from streams import log, quotas
from streams.exceptions import Invalid
from streams.postgres import database
from streams.text_cleaning import clean
from streams.user_model import key_text

from .busy_rule import ANYWHERE, Place

if TYPE_CHECKING:
    from .attachment import Attachment
    from .conversation import Conversation
    from .device import Device
    from .message import Message
    from .run import Run

# What is to be stored, each in another conversation, in the order in which it was sent; `new` is a
# new conversation's row.
ASKED = """
WITH asked AS (
    SELECT * FROM ROWS FROM (jsonb_to_recordset(%(asked)s::jsonb) AS (
               conversation uuid, new jsonb, prompt uuid, parent bigint, blocks jsonb,
               device bigint, client_key text, answer uuid, run uuid, model text, rank bigint,
               steers bool, created jsonb, queued jsonb))
               WITH ORDINALITY AS asked(conversation, new, prompt, parent, blocks, device,
                                        client_key, answer, run, model, rank, steers, created,
                                        queued, nth)
)"""

# The rest of a statement whose CTE `accepted` is the conversations; their `head` counts both
# events. Runs are claimed in the order of their keys, so they are stored in the order sent.
ROWS = f"""
messages AS (
    INSERT INTO streams_message
           (uuid, conversation_id, seq, parent_seq, role, blocks, device_id, client_key, created_at)
    SELECT m.uuid, a.id, a.head - 2 + m.nth, m.parent_seq, m.role, m.blocks, m.device_id,
           m.client_key, statement_timestamp()
      FROM accepted a JOIN asked ON asked.conversation = a.uuid
     CROSS JOIN LATERAL (VALUES
           (1, asked.prompt, asked.parent, 'user', asked.blocks, asked.device, asked.client_key),
           (2, asked.answer, NULL, 'assistant', '[]'::jsonb, NULL, NULL)
           ) AS m(nth, uuid, parent_seq, role, blocks, device_id, client_key)
     ORDER BY asked.nth, m.nth
    RETURNING id, uuid, conversation_id
), run AS (
    INSERT INTO streams_run
           (uuid, conversation_id, prompt_id, answer_id, model, status, rank, steers, attempt,
            usage, stop_reason, error_code, error_message, retryable)
    SELECT asked.run, prompt.conversation_id, prompt.id, answer.id, asked.model, 'queued',
           asked.rank, asked.steers, 0, '{{}}'::jsonb, '', '', '', false
      FROM asked JOIN messages prompt ON prompt.uuid = asked.prompt
      JOIN messages answer ON answer.uuid = asked.answer
     ORDER BY asked.nth
    RETURNING id, conversation_id, prompt_id, answer_id, queued_at
), numbered AS (
    SELECT a.id, a.owner_id, a.head - 1 AS seq, NULL::bigint AS run_id,
           'message.created' AS type, asked.created AS data
      FROM accepted a JOIN asked ON asked.conversation = a.uuid
     UNION ALL
    SELECT a.id, a.owner_id, a.head, run.id, 'run.queued', asked.queued
      FROM accepted a JOIN asked ON asked.conversation = a.uuid
      JOIN run ON run.conversation_id = a.id
), {log.WRITTEN}
SELECT a.uuid, a.id, a.head, a.updated_at, run.id, run.prompt_id, run.answer_id, run.queued_at,
       (SELECT pg_notify('streams_work', 'queued')), {log.TOLD}
  FROM accepted a JOIN run ON run.conversation_id = a.id
"""

# What the database gives a run that nobody has begun.
BY_DEFAULT = {
    **dict.fromkeys(("deaths", "step", "steps", "step_seq", "from_block", "compacted_steps"), 0),
    "vendor_error": "",
    "upstream": "",
    "worked": 0.0,
}

# Into conversations whose rows the caller has locked.
IN_HELD = f"""
{ASKED}, accepted AS (
    UPDATE streams_conversation c
       SET last_seq = last_seq + 2, updated_at = statement_timestamp()
      FROM asked WHERE c.uuid = asked.conversation
    RETURNING c.id, c.uuid, owner_id, last_seq AS head, updated_at
), {ROWS}
"""

# Into new conversations; does nothing for one whose UUID is taken.
IN_NEW = f"""
{ASKED}, accepted AS (
    INSERT INTO streams_conversation
           (uuid, owner_id, title, model, system, on_busy, last_seq, lease_token,
            created_at, updated_at)
    SELECT asked.conversation, new.owner_id, new.title, new.model, new.system, new.on_busy, 2, 0,
           statement_timestamp(), statement_timestamp()
      FROM asked, jsonb_populate_record(NULL::streams_conversation, asked.new) AS new
     ORDER BY asked.nth
    ON CONFLICT (uuid) DO NOTHING
    RETURNING id, uuid, owner_id, last_seq AS head, updated_at
), {ROWS}
"""


def checked(content: str, files: Sequence[object] = ()) -> str:
    """Returns a prompt's text as it is stored. Raises Invalid if there is neither any nor files
    with it, and TooLarge.
    """
    content = clean(content)
    quotas.check_text("content", content)
    if not content.strip() and not files:
        raise Invalid(gettext("Write something first."), field="content")
    return content


def drafted(
    here: Conversation,
    content: str,
    device: Device | None,
    client_key: str | None,
    place: Place = ANYWHERE,
    run_id: UUID | None = None,
    files: Sequence[Attachment] = (),
) -> tuple[Message, Message, Run]:
    """Returns a prompt, its answer to come and the run, all unsaved; `here` may be unsaved too."""
    message, run = apps.get_model("streams", "Message"), apps.get_model("streams", "Run")
    prompt = message.prompt(here, content, device, client_key, files)
    answer = message(conversation=here, role=message.Role.ASSISTANT)
    asks = {"conversation": here, "prompt": prompt, "answer": answer, "model": here.model}
    drafted = run(**asks, rank=place.rank, steers=place.steers)
    drafted.uuid = run_id or drafted.uuid
    return prompt, answer, drafted


def post(here: Conversation, prompt: Message, answer: Message, run: Run) -> None:
    """Stores a prompt, its answer to come and the run in a conversation whose row is locked, and
    updates the given objects. Raises SetAside if the log has used these numbers.
    """
    with log.numbered(here.pk):
        row = asked(IN_HELD, rows(here, prompt, answer, run))
    assert row is not None
    stored(here, prompt, answer, run, row)


def begin(new: Conversation, prompt: Message, answer: Message, run: Run) -> bool:
    """Stores a conversation with its first prompt; returns False if its UUID is taken."""
    row = asked(IN_NEW, rows(new, prompt, answer, run) | {"new": columns(new)})
    if row is not None:
        stored(new, prompt, answer, run, row)
        new.created_at = new.updated_at
    return row is not None


def asked(query: str, known: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with database.connection().cursor() as cursor:
        cursor.execute(query, {"asked": log.dumps([known])})
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def columns(new: Conversation) -> dict[str, Any]:
    known = ("title", "model", "system", "on_busy")
    return {"owner_id": key_text(new.owner_id)} | {name: getattr(new, name) for name in known}


def rows(here: Conversation, prompt: Message, answer: Message, run: Run) -> dict[str, Any]:
    """Returns what `ASKED` reads of one prompt."""
    data = {"prompt": str(prompt.uuid), "message": str(answer.uuid), "model": run.model}
    first = {"rank": run.rank} if run.rank else {}
    return {
        "conversation": here.uuid,
        "prompt": prompt.uuid,
        "parent": prompt.parent_seq,
        "blocks": prompt.blocks,
        "device": prompt.device_id,
        "client_key": prompt.client_key,
        "answer": answer.uuid,
        "run": run.uuid,
        "model": run.model,
        "rank": run.rank,
        "steers": run.steers,
        "created": prompt.created().data,
        "queued": run.event("run.queued", **data, **first).data,
    }


def stored(
    here: Conversation, prompt: Message, answer: Message, run: Run, row: Sequence[Any]
) -> None:
    """Updates the objects with a row that the statement has returned."""
    _, here.pk, here.last_seq, here.updated_at, run.pk, prompt.pk, answer.pk, run.queued_at = row[
        :8
    ]
    prompt.seq, answer.seq = here.last_seq - 1, here.last_seq
    prompt.created_at = answer.created_at = here.updated_at
    for name, value in BY_DEFAULT.items():
        setattr(run, name, value)
    where = database.alias()
    for each in (here, prompt, answer, run):
        each._state.adding, each._state.db = False, where
    prompt.conversation = answer.conversation = run.conversation = here
    run.prompt, run.answer = prompt, answer
