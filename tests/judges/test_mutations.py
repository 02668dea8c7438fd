"""The faults that show that checks can fail are still possible, and name checks that are there."""

from __future__ import annotations

import pytest

from .mutations import HERE, ROOT, SCRIPTS, mutations
from .table import CHECKS, PAGE, as_markdown

ALL = mutations()


def checks_there():
    """Returns the text of the scripts and the tests, to be searched."""
    found = [*HERE.glob("*/*.mjs"), *HERE.glob("test_*.py")]
    return {str(path.relative_to(HERE)): path.read_text() for path in found}


def test_what_each_replaces_stands_there_once():
    assert {each.name: each.count(ROOT) for each in ALL if each.count(ROOT) != 1} == {}
    assert len({each.name for each in ALL}) == len(ALL) > 40
    assert all(each.new != each.old for each in ALL)


@pytest.mark.parametrize("mutation", ALL, ids=lambda each: each.name)
def test_a_server_with_the_fault_can_be_started(mutation):
    compile(mutation.made(ROOT), mutation.file, "exec")


def test_each_names_a_check_that_is_there():
    text = checks_there()
    for each in ALL:
        file, _, test = each.test.partition("::")
        assert f"def {test.partition('[')[0]}(" in text[file], each.name
        script = each.fails.partition(": ")[0]
        if script in SCRIPTS:
            assert named(each.check, text[script]), each.name


def named(check, script):
    plain = script.replace('${approved ? "approved" : "denied"}', "approved")
    return any(f"{quote}{check.replace('denied', 'approved')}" in plain for quote in "\"'`")


FAILED = "FAILED tests/judges/test_ai_sdk.py::test_use_chat_finds_what_it_expects[ai-7]"


@pytest.mark.parametrize(
    ("status", "output", "verdict"),
    [
        (0, "1 passed", "SURVIVED"),
        (1, f"plain: AssertionError\n{FAILED}", "seen"),
        (1, f"other: AssertionError\n{FAILED}", "NOT RUN"),
        (1, "ERROR tests/judges/test_ai_sdk.py plain", "NOT RUN"),
        (2, "", "NOT RUN"),
    ],
)
def test_only_a_check_that_has_failed_itself_has_seen_a_fault(status, output, verdict):
    plain = next(each for each in ALL if each.fails == "ai_sdk/judge.mjs: plain")
    assert plain.verdict(status, output) == verdict


def test_each_check_of_the_table_has_a_fault_to_see():
    assert as_markdown() in PAGE.read_text(), "uv run python -m tests.judges.table"
    tried = {each.fails for each in ALL}
    unseen = {
        f"{check}, {client}: {name}"
        for check, cells in CHECKS.items()
        for client, name in cells.items()
        if not any(name.startswith(fails) or fails.startswith(name) for fails in tried)
    }
    assert unseen == set()
