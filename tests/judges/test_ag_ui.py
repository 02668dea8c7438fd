"""The clients of AG-UI and of TanStack AI, unmodified, against real processes."""

from __future__ import annotations

import pytest

from .clients import judge, passed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("client", "script", "checks"),
    [("ag-ui", "ag_ui/judge.mjs", 16), ("tanstack", "ag_ui/tanstack.mjs", 7)],
    ids=["ag-ui", "tanstack"],
)
def test_the_client_finds_what_it_expects(client, script, checks, web, token, foreign):
    told = judge(client, script, web.url, token, foreign)
    passed(told, at_least=checks)
