"""NOTIFY channels: hints between processes, never facts.

A signal that is lost delays but loses nothing, since every receiver also looks on a slow timer.
"""

from __future__ import annotations

from typing import Any

from streams.user_model import key_text

from .database import connection

FEED = "streams_feed"  # "<user's key>", also sent by the append statement: their list has changed
PRESENCE = "streams_presence"  # who is here, and nothing but that: see `streams.realtime.presence`
LOG = "streams_log"  # "<conversation>:<head> …", sent by the append statement
WORK = "streams_work"  # "queued", sent with its event, or "cancel <run>" or "decided <run>"
ACCESS = "streams_access"  # "conversation <id>", "devices <id>[:<sign-outs>] …": must end

ROLL_CALL = "roll call"  # in PRESENCE: each hub is to repeat what it was told itself

HUBS = (LOG, ACCESS, FEED, PRESENCE)


def send(channel: str, payload: str) -> None:
    """Sends a notification when the transaction commits, and none if it rolls back."""
    with connection().cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def cancel_requested(run_id: int) -> None:
    send(WORK, f"cancel {run_id}")


def decided(run_id: int) -> None:
    send(WORK, f"decided {run_id}")


def conversation_gone(conversation_id: int) -> None:
    send(ACCESS, f"conversation {conversation_id}")


def devices_gone(device_ids: list[int]) -> None:
    """Announces ended devices, in several notifications since a payload holds at most 8000
    bytes.
    """
    for first in range(0, len(device_ids), 300):
        part = device_ids[first : first + 300]
        send(ACCESS, " ".join(["devices", *map(str, part)]))


def signed_out(device_id: int, sign_outs: int) -> None:
    """Announces which sign-in of the device has ended: the next may be heard of before this one."""
    send(ACCESS, f"devices {device_id}:{sign_outs}")


def list_changed(user_id: Any) -> None:
    send(FEED, key_text(user_id))
