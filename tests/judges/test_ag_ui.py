"""The clients of AG-UI and of TanStack AI, unmodified, against real processes."""

from __future__ import annotations

import pytest

from .clients import judge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("client", "script", "most"),
    [("ag-ui", "ag_ui/judge.mjs", 13), ("tanstack", "ag_ui/tanstack.mjs", 5)],
)
def test_the_client_finds_what_it_expects(client, script, most, web, token, foreign):
    told = judge(client, script, web.url, token, foreign)
    assert {name: said for name, said in told.items() if said != "ok"} == {}
    assert len(told) > most
