"""Tools that clients bring along are bounded before anything is kept of them."""

from __future__ import annotations

import pytest

from streams.dialects.posted_tools import tools_in
from streams.exceptions import Invalid, TooLarge

TOOL = {"name": "locate"}


def test_a_tool_is_kept_as_models_take_it():
    assert tools_in(None) == tools_in([]) == []
    (kept,) = tools_in([{**TOOL, "description": None, "more": 1}])
    assert kept == {**TOOL, "description": "", "parameters": {"type": "object", "properties": {}}}


def test_what_models_want_said_of_parameters_is_added():
    (kept,) = tools_in([{**TOOL, "parameters": {"required": []}}])
    assert kept["parameters"] == {"type": "object", "properties": {}, "required": []}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, Invalid),
        (["locate"], Invalid),
        ([{}], Invalid),
        ([{"name": "a b"}], Invalid),
        ([{"name": "a" * 65}], Invalid),
        ([TOOL, TOOL], Invalid),
        ([{**TOOL, "description": 1}], Invalid),
        ([{**TOOL, "description": "a" * 9000}], Invalid),
        ([{**TOOL, "parameters": "{}"}], Invalid),
        ([{**TOOL, "parameters": {"type": "string"}}], Invalid),
        ([{**TOOL, "parameters": {"anyOf": [{"type": "object"}]}}], Invalid),
        ([{**TOOL, "parameters": {"type": "object", "oneOf": [{"required": ["a"]}]}}], Invalid),
        ([{"name": f"n{n}"} for n in range(129)], Invalid),
        ([{**TOOL, "parameters": {"title": "a" * 100_000}}], TooLarge),
    ],
)
def test_a_tool_that_does_not_fit_is_refused(given, error):
    with pytest.raises(error) as refused:
        tools_in(given)
    assert refused.value.field == "tools"
