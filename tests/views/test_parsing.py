"""Values of fields, as JSON and forms send them."""

from __future__ import annotations

import pytest

from streams.dialects.openai_input import typed
from streams.exceptions import Invalid
from streams.views.parsing import checked


@pytest.mark.parametrize("sent", [7, "7", 7.0])
def test_a_whole_number_is_one_however_it_is_written(sent):
    """In JSON Schema 7.0 is an integer, and some languages write all numbers so."""
    assert repr(checked("n", sent, int)) == "7"


@pytest.mark.parametrize("sent", [7.5, "7.0", -1, True, 1e300, float("inf"), "x", None, [7]])
def test_anything_else_is_refused(sent):
    with pytest.raises(Invalid):
        checked("n", sent, int)


def test_so_it_is_in_other_protocols():
    assert repr(typed({"n": 7.0}, "n", int, None)) == "7"
    with pytest.raises(Invalid):
        typed({"n": 7.5}, "n", int, None)
