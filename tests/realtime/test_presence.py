"""Notifications of presence between processes, also between different releases."""

from __future__ import annotations

import orjson
import pytest

from streams.conf import Settings
from streams.realtime.presence import Beat, Presence, pages_of

BEAT = Beat(7, "anna-phone", "Phone", "phone", typing=True)


@pytest.fixture
def presence():
    return Presence(Settings(), None, lambda _: None)


def test_what_one_process_tells_another_hears(presence):
    (page,) = pages_of([BEAT])
    presence.heard(page)
    assert presence.frame(7) == hearer_of(BEAT).frame(7)
    assert b'"typing":true' in presence.frame(7)


def test_a_field_of_another_release_is_left_out(presence):
    told = BEAT.to_wire() | {"mood": "calm"}
    del told["typing"]
    presence.heard(orjson.dumps([told]).decode())
    assert b'"id":"anna-phone"' in presence.frame(7)
    assert b'"typing":false' in presence.frame(7)


def test_a_beat_without_its_device_is_skipped_and_the_others_count(presence):
    presence.heard(orjson.dumps([{"conversation_id": 7}, [7, "x"], BEAT.to_wire()]).decode())
    assert presence.frame(7).count(b'"id"') == 1


def hearer_of(beat: Beat) -> Presence:
    one = Presence(Settings(), None, lambda _: None)
    one.say(beat)
    return one
