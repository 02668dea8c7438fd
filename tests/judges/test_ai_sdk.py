"""The AI SDK's own clients, unmodified, against real processes."""

from __future__ import annotations

import pytest

from .clients import EARLIER, judge, passed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("client", [pytest.param("ai-6", marks=EARLIER), "ai-7"])
def test_use_chat_finds_what_it_expects(client, web, token, foreign):
    told = judge(client, "ai_sdk/judge.mjs", web.url, token, foreign)
    passed(told, at_least=21)
