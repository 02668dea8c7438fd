"""openai-node, unmodified; and the code of the pages about OpenAI, run as it is printed there."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from streams.models import Run

from .clients import judge, passed

pytestmark = pytest.mark.django_db(transaction=True)


def snippets(page, language):
    text = (settings.BASE_DIR / "docs" / "dialects" / f"{page}.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_openai_node_finds_what_it_expects(web, token, foreign, told):
    told.answer("A dot, and words")
    found = judge("openai-node", "openai_node/judge.mjs", web.url, token, foreign)
    passed(found, at_least=15)
    assert "CHECK" in os.environ or "words" in str(told.requests[-1]["messages"])


def test_what_the_pages_show_does_what_they_say(web, token):
    known = {"token": token, "web": web.url}
    for page in ("openai-responses", "openai-chat"):
        (code,) = snippets(page, "python")
        told = python(code, known)
        assert len(told) > 40, told
        (commands,) = snippets(page, "sh")
        told = subprocess.run(
            ["bash", "-euc", commands],
            env=os.environ | {"URL": web.url, "TOKEN": token},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        assert "response.completed" in told or '"chat.completion"' in told
    assert {run.status for run in Run.objects.all()} == {"completed"}
    assert Run.objects.count() == 4


def python(code, known):
    """What it prints, with a shorter model's answer at another address."""
    code = code.replace("http://127.0.0.1:8000", known["web"]).replace("scripted:demo", MODEL)
    begin = f"token = {known['token']!r}\n"
    ran = subprocess.run(
        [sys.executable, "-c", begin + code], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


MODEL = "scripted:count-40@100"
