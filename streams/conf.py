"""Everything of ours that can be tuned: one typed `STREAMS` dictionary with defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Streams:
    """`settings.STREAMS`; times in seconds unless the name says otherwise."""

    # Writer
    flush_floor_ms: float = 3.0
    flush_rest_ms: float = 100.0
    flush_rows: int = 4000
    # What a worker holds while PostgreSQL is away or slow: this many events, then models wait;
    # for this long, then their runs fail as `storage`.
    buffer_events: int = 20_000
    buffer_seconds: float = 60.0
    # Worker
    concurrency: int = 100
    lease: float = 10.0
    heartbeat: float = 3.0
    poll: float = 1.0
    locked_retry: float = 0.05
    max_attempts: int = 3  # workers that die with an answer, before it fails as `worker_lost`
    drain: float = 30.0
    title_within: float = 15.0  # 0: conversations go by their first words
    titles_at_once: int = 10
    # Provider
    first_token_timeout: float = 60.0
    next_token_timeout: float = 30.0
    # A service that thinks and says so, by pings, may take longer; its socket is not dead.
    thinking_timeout: float = 600.0
    answer_tokens: int = 8192  # asked for at most, thoughts included
    answer_characters: int = 2_000_000  # kept at most, whatever was asked for
    provider_retries: int = 3
    # Hub
    tail_events: int = 1000
    tail_bytes: int = 1_000_000
    catch_up_rows: int = 5000
    catch_up_bytes: int = 1_000_000
    ping: float = 10.0
    rescan: float = 5.0
    polling: float = 0.25
    retry_ms: int = 1000
    feed_floor: float = 0.05
    feed_rescan: float = 30.0
    # Presence
    presence: float = 15.0
    presence_floor: float = 0.1
    presence_most: int = 20_000
    # Limits; 0 is none
    prompt_characters: int = 100_000
    conversation_messages: int = 2000
    running_per_user: int = 20
    queued_per_user: int = 50
    streams_per_user: int = 200
    streams_per_device: int = 50
    sign_ins: int = 10
    sign_ins_per_address: int = 100
    sign_in_window: float = 300.0
    # Pairing: how long a code lives, wrong tries of one code, tries of any from one address
    pairing: float = 120.0
    pairing_tries: int = 5
    pairing_tries_per_address: int = 20
    pairing_window: float = 600.0
    # Retention
    fold_after: float = 3600.0
    fold_runs: int = 20
    purge_after: float = 30.0
    keep_workers: float = 7 * 24 * 3600.0
    retention_every: float = 60.0
    # Pages
    page_size: int = 50
    render_seconds: float = 1.5  # of CPU for one page or one `/render`; the rest is plain text
    idle_in_transaction: float = 10.0


# For one person at home, and for measuring.
UNLIMITED = {
    "running_per_user": 0,
    "queued_per_user": 0,
    "streams_per_user": 0,
    "streams_per_device": 0,
}


def conf() -> Streams:
    """The settings as they are now (tests override them).

    Raises ImproperlyConfigured for a name that does not exist, listing those that do.
    """
    given = getattr(settings, "STREAMS", {})
    known = {field.name for field in fields(Streams)}
    if unknown := set(given) - known:
        raise ImproperlyConfigured(
            f"STREAMS has no setting {', '.join(sorted(unknown))}; "
            f"it has {', '.join(sorted(known))}."
        )
    return Streams(**given)
