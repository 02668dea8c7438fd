"""The snippets of the pages about dialects, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.processes import Web

from .clients import passed, run_script

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = Path(settings.BASE_DIR) / "docs" / "dialects"


def snippets(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)


def test_the_react_page_sends_shows_stops_and_resumes(spawn, worker, token):
    web = spawn(Web, DEFAULT_MODEL="scripted:count-300@20")
    (page,) = snippets("ai-sdk.md", "jsx")
    (loading,) = snippets("ai-sdk.md", "js")
    walk = (Path(__file__).parent / "ai_sdk" / "page.mjs").read_text()
    script = walk.replace("/* LOADING */", loading)
    passed(run_script("ai-7", script, web.url, token, beside={"page.jsx": page}), at_least=1)


def test_agui_runs_and_stops(web, token):
    agent, stopping, chat = snippets("ag-ui.md", "js")
    given = "const [server, token, model] = process.argv.slice(2);\n"
    asked = f"{given}{agent}console.log(JSON.stringify(agent.messages.at(-1).content));"
    assert run_script("ag-ui", asked, web.url, token, "scripted:echo@0") == "Hello"
    once = agent.replace("await agent.runAgent", "const ended = agent.runAgent")
    stopped = (
        (
            f"{given}{once.replace('console.log', 'void ')}"
            "while (!agent.messages.at(-1).content?.startsWith('1')) await new Promise((done) =>"
            " setTimeout(done, 20));\n"
            f"{stopping}await ended;\nconsole.log(JSON.stringify(agent.messages.at(-1).content));"
        )
        .replace('"run-1"', '"run-2"')
        .replace("run-1/", "run-2/")
        .replace("support-42", "other")
    )
    assert run_script("ag-ui", stopped, web.url, token, "scripted:stall").startswith("1")
    text = "console.log(JSON.stringify(chat.getMessages().at(-1).parts.at(-1).content));"
    text += "process.exit(0);"
    chatted = f"{given}{chat}{text}"
    assert run_script("tanstack", chatted, web.url, token, "scripted:echo@0") == "Hello"
