"""The sizes on the page about scale follow from the rates that it names."""

from __future__ import annotations

import re

from .pages import DOCS, tables

TEXT = (DOCS / "production" / "scale.md").read_text()


def number(text: str) -> float:
    return float(re.match(r"[\d.,]+", text)[0].replace(",", ""))


def test_the_cores_for_so_many_people_follow_from_what_a_core_does():
    known = dict(tables(TEXT))
    rates = [number(row[1]) for row in known["what"][:3]]
    sizes = known["people"]
    assert sizes
    for people, answers, tokens, *cores in ([number(cell) for cell in row] for row in sizes):
        asked = people / 18
        assert abs(answers / asked - 1) < 0.02
        assert abs(tokens / (asked * 30) - 1) < 0.03
        for needed, rate in zip(cores, rates, strict=True):
            assert abs(needed / (asked * 30 / rate) - 1) < 0.15
