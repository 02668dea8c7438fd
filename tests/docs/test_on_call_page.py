"""The page for the person on call knows every word that `/readyz` may say."""

from __future__ import annotations

import re

from streams import queue_health
from streams.postgres import error_diagnosis

from .pages import sections, tables

KNOWN = {
    it.word for it in vars(error_diagnosis).values() if isinstance(it, error_diagnosis.Trouble)
}
BESIDE = {error_diagnosis.DISK_FULL.word}  # reading goes on


def test_the_words_of_the_probe_are_those_on_the_page():
    section = sections("production/on-call.md", level=2)["Is it up?"]
    said = {
        head.split(",")[0]: {word for row in rows for word in re.split(r", ", row[0].strip("| "))}
        for head, rows in tables(section)
    }

    assert said["status"] == KNOWN - BESIDE | {"migrations to run", "no static files"}
    full, stuck = {"running": 2, "waiting": 1}, {"running": 1, "waiting": 1}
    rows = (
        {"workers": 0, "running": 0, "waiting": 0},
        {"workers": 1, **full},
        {"workers": 1, **stuck},
    )
    worries = {word for row in rows for word in queue_health.worries(room=2, longest=60.0, **row)}
    assert said["worries"] == worries | BESIDE
