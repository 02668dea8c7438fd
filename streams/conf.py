"""All settings of the app: one typed `STREAMS` dictionary with defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .attachment_settings import AttachmentSettings
from .settings_validation import by_new_names, problems


@dataclass(frozen=True, slots=True)
class Settings(AttachmentSettings):
    """`settings.STREAMS`. The comment above each name is its entry in docs/reference/settings.md,
    which `docs/settings_reference.py` writes."""

    # Which models
    #: The providers there are, by name: `{"anthropic": {"key": "…"}}`. What each of them takes is
    #: said [above](#models).
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: What answers new conversations, such as `anthropic:claude-sonnet-5-5`. Empty: the first model
    #: of the first provider.
    default_model: str = ""
    #: Whether any script may be asked for, and not `scripted:demo` alone. The person who names one
    #: decides how much it says.
    scripts: bool = False

    # Code of your own
    #: A class that says who may use it and which models they are offered: a subclass of
    #: `streams.policy.Policy`.
    policy: str = ""
    #: A function that shapes what a model is told: `context(prompt, run)` returns the prompt that
    #: is sent.
    context: str = ""
    #: A function that says who asks, for clients without a session: `authenticate(request)`
    #: returns a user or `None`.
    authenticate: str = ""

    # Prompts before Django's handler
    #: Whether prompts that programs and scripts send as JSON are stored before Django's handler,
    #: many at a time, where nothing is left to decide. Everything else takes the way through it.
    direct_prompts: bool = True
    #: Your own middleware that looks at a request's address and headers alone, by dotted path: a
    #: prompt meets it before its session, user and view are known. With any other beside Django's,
    #: all prompts take the way through Django's handler, at three times the CPU.
    header_middleware: Sequence[str] = field(default_factory=list)

    # PostgreSQL
    #: Whether a pool in transaction mode, such as PgBouncer, stands before it: each transaction may
    #: reach another session, so nothing listens or stays prepared, and everything polls.
    pooler: bool = False
    #: Seconds a request waits for a connection of Django's own pool while PostgreSQL is there, with
    #: `streams.postgres` as the database's engine; while it is away, the request is told so at
    #: once.
    pool_wait: float = 5.0

    # Writer
    #: Milliseconds from the start of one flush to the start of the next, at least.
    flush_floor_ms: float = 3.0
    #: Milliseconds a writer rests at most after a flush; it rests three times as long as that took.
    flush_rest_ms: float = 20.0
    #: Events one flush takes at most.
    flush_rows: int = 4000
    #: Bytes of events one flush takes, but for the last of them.
    flush_bytes: int = 16_000_000
    #: Events a worker holds while PostgreSQL is away or slow; then its models wait. One run may
    #: hold a tenth of them.
    buffer_events: int = 20_000
    #: Bytes of events it holds, likewise. Each of them is held whole, however long it is.
    buffer_bytes: int = 64_000_000
    #: Seconds an event may wait to be stored; then its run fails as `storage`.
    buffer_seconds: float = 60.0

    # Worker
    #: Runs one worker has in hand at once; `runworker --concurrency` overrides it.
    concurrency: int = 100
    #: Seconds of silence after which a worker on another machine is taken for dead.
    lease: float = 10.0
    #: Seconds between a worker's signs of life; less than half of the lease.
    heartbeat: float = 3.0
    #: Seconds between a worker's looks for queued runs, stops and lost workers where no signal
    #: came.
    worker_rescan: float = 1.0
    #: Seconds until a worker looks again for a queued run whose conversation was locked.
    locked_retry: float = 0.05
    #: Workers that may die with one answer, before it fails as `worker_lost`.
    max_attempts: int = 3
    #: Seconds in which running answers may end after SIGTERM; `runworker --drain` overrides it.
    drain: float = 30.0
    #: Seconds a model may take to name a conversation. 0: they go by their first words.
    title_within: float = 15.0
    #: Titles that one worker asks for at once; beyond that conversations go by their first words.
    titles_at_once: int = 10

    # Provider
    #: Seconds until a model's first word, and between two signs that it is thinking. A server at
    #: home may read a long prompt for minutes without a word.
    first_token_timeout: float = 300.0
    #: Seconds between two words of an answer.
    next_token_timeout: float = 120.0
    #: Seconds without a word, at most, of a model whose service says that it is thinking.
    thinking_timeout: float = 600.0
    #: Tokens asked for at most, thoughts included.
    answer_tokens: int = 8192
    #: Characters of an answer that are kept at most, whatever was asked for; the names of the
    #: tools it calls count.
    answer_characters: int = 2_000_000
    #: Blocks of an answer at most: its texts, its thoughts and the tools it calls.
    answer_blocks: int = 500
    #: Requests made for one answer at most, while nothing of it has been shown.
    provider_retries: int = 3

    # Hub
    #: Events of one conversation that a web process keeps for those who follow it.
    tail_events: int = 1000
    #: Bytes of them at most.
    tail_bytes: int = 1_000_000
    #: Rows a client that is behind is sent per read.
    catch_up_rows: int = 5000
    #: Bytes of them at most.
    catch_up_bytes: int = 1_000_000
    #: Seconds of quiet on a stream before a `ping`.
    ping: float = 10.0
    #: Seconds between two looks for new events of which no signal came, and between two checks of
    #: who may read.
    stream_rescan: float = 5.0
    #: Seconds between two looks for new events while no signal can arrive, as behind a pooler.
    stream_rescan_unsignalled: float = 0.25
    #: Milliseconds a browser waits before it comes back, more or less by half.
    retry_ms: int = 1000
    #: Seconds between two readings of the lists of conversations that have changed.
    feed_floor: float = 0.05
    #: Seconds between two readings of all lists that are being followed.
    feed_rescan: float = 30.0

    # Presence
    #: Seconds for which a device counts as present after it last said so.
    presence: float = 15.0
    #: Seconds between two notifications of who is present.
    presence_floor: float = 0.1
    #: Devices a web process remembers as present at most.
    presence_most: int = 20_000

    # Requests, before anybody is known
    #: Bytes of a request's address and headers.
    head_bytes: int = 32_768
    #: Seconds until the headers of a request are there.
    head_seconds: float = 20.0
    #: Seconds from a request's first byte to its last.
    request_seconds: float = 60.0
    #: Bytes of a body from where nobody has signed in before; others may send
    #: `DATA_UPLOAD_MAX_MEMORY_SIZE`.
    stranger_bytes: int = 65_536

    # Limits; 0 is none
    #: Characters of a prompt, and of a conversation's instructions.
    prompt_characters: int = 100_000
    #: Messages of a conversation, answers included.
    conversation_messages: int = 2000
    #: Conversations of one person with nothing in them.
    empty_per_user: int = 100
    #: Conversations of one person that are being answered at once. One that waits only for a tool
    #: of its client's is not counted.
    running_per_user: int = 20
    #: Links to copies of one conversation.
    shares_per_conversation: int = 20
    #: Answers of one person that wait behind others of the same conversation.
    queued_per_user: int = 50
    #: Tokens, read and written, that one person's answers may take in a month; for whom another
    #: number goes is set in the admin. Answers count as they end. An agent's is looked at before
    #: each further request to its model, when steps of what is under way count too, and fails as
    #: `budget_spent`.
    budget_tokens: int = 0
    #: US dollars, likewise, by what the package genai-prices (the extra `agents`) knows of prices;
    #: a model whose price it does not know counts nothing. Each of a month's requests to one
    #: model is priced as their average.
    budget_dollars: float = 0.0
    #: Streams of one person in one web process.
    streams_per_user: int = 200
    #: Streams of one device in one web process.
    streams_per_device: int = 50
    #: Tries per window of one name from one address, and of one person's old password; one that
    #: succeeds starts the count anew.
    sign_ins: int = 10
    #: Tries to sign in from one address per window, whatever the name.
    sign_ins_per_address: int = 100
    #: Seconds after which those are counted anew.
    sign_in_window: float = 300.0

    # Pairing
    #: Seconds a code and its link live.
    pairing: float = 120.0
    #: Wrong tries of one code, before it is locked.
    pairing_tries: int = 5
    #: Tries of any code, from one address and by one person, per window.
    pairing_tries_per_address: int = 20
    #: Seconds after which those are counted anew.
    pairing_window: float = 600.0

    # Retention
    #: Seconds after its end at which an answer's tokens become one row a block.
    compact_after: float = 3600.0
    #: Answers compacted per step.
    compact_runs: int = 20
    #: Seconds for which a deletion can be taken back; then the conversation goes for good.
    purge_after: float = 30.0
    #: Seconds for which workers that have left stay in the admin's list.
    keep_workers: float = 7 * 24 * 3600.0
    #: Seconds for which the receivers of `streams.signals` are told again after one has failed.
    deliveries_kept: float = 24 * 3600.0
    #: Seconds between two rounds of compacting and deleting.
    retention_every: float = 60.0


# For one person at home, and for measuring.
UNLIMITED = {
    "empty_per_user": 0,
    "running_per_user": 0,
    "queued_per_user": 0,
    "budget_tokens": 0,
    "budget_dollars": 0.0,
    "streams_per_user": 0,
    "streams_per_device": 0,
    "attachment_bytes_per_user": 0,
    "attachments_unsent": 0,
}


# The dictionary that was read last, as it was then, and what was made of it.
_read: tuple[object, Settings] | None = None


def conf() -> Settings:
    """The settings as they are now (tests override them).

    Raises ImproperlyConfigured for a name that does not exist and for a value that cannot be,
    with what to write instead.
    """
    global _read
    given = getattr(settings, "STREAMS", {})
    if _read is None or _read[0] != given:
        if wrong := problems(named := by_new_names(given), Settings()):
            raise ImproperlyConfigured(" ".join(f"{each.what} {each.hint}" for each in wrong))
        _read = deepcopy(given), Settings(**deepcopy(named))
    return _read[1]
