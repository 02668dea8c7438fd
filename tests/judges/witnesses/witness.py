"""Clients that report the answer as they show it: while it grows, and at its end.

Each is asked for one answer, and deals with every cut as its own documentation says. At the end it
tells `pieces`, the texts of the answer that it shows one after the other; `stands`, the answer as
its protocol gives it to a client that comes later; `messages`, how many it shows; and `end`, the
word of its protocol for how the answer has ended.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import openai

from tests.judges.clients import environment, installed
from tests.processes import Process, eventually

HERE = Path(__file__).parent
OVER = ("response.completed", "response.incomplete", "response.failed")
LEFT_AFTER = 5  # events: with the first word
CUT = (httpx.HTTPError, openai.APIConnectionError)


@dataclass(frozen=True)
class Asked:
    """Where a witness asks, as whom, and for an answer to what: its name is its prompt. One that
    only joins is given the id of the run."""

    url: str
    token: str
    name: str
    model: str
    joins: str = ""


class Witness:
    """`lines` are what it has told; `name` is its prompt."""

    name: str
    lines: list[str]

    def told(self, key: str) -> Any:
        """Returns what it has told last of this, or None."""
        return next(reversed(self.all_told(key)), None)

    def all_told(self, key: str) -> list[Any]:
        found = (json.loads(line).get(key) for line in [*self.lines] if line.startswith('{"'))
        return [it for it in found if it is not None]

    @property
    def shown(self) -> str:
        return self.told("shown") or ""

    @property
    def ended(self) -> dict[str, Any] | None:
        return self.told("ended")

    def end(self) -> None:
        """Ends it, if it has not ended."""


class InNode(Witness, Process):
    """A script of this folder, with its client beside it."""

    def __init__(self, asked: Asked, client: str, script: str) -> None:
        self.name = asked.name
        self.folder = tempfile.TemporaryDirectory(dir=installed(client))
        for name in (script, "told.mjs"):
            (Path(self.folder.name) / name).write_text((HERE / name).read_text())
        self.watch(
            ["node", script, asked.url, asked.token, asked.name, asked.model, asked.joins],
            cwd=self.folder.name,
            env=environment(),
            stdin=PIPE,
        )

    def end(self) -> None:
        if self.popen.poll() is None:
            self.kill()
        self.folder.cleanup()


class InThread(Witness):
    """A function here that is given the client and a place to tell."""

    def __init__(self, asked: Asked, witness: Callable[..., None]) -> None:
        self.name, self.lines = asked.name, []
        self.asked, self.witness = asked, witness
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        base = f"{self.asked.url}/v1"
        try:
            with openai.OpenAI(base_url=base, api_key=self.asked.token, timeout=60) as client:
                self.witness(client, self.asked, self._tell)
        except BaseException:
            self.lines += [traceback.format_exc()]
            raise

    def _tell(self, **what: Any) -> None:
        self.lines.append(json.dumps(what))


def responses(client: openai.OpenAI, asked: Asked, tell: Callable[..., None]) -> None:
    """openai-python in background mode, which goes on behind the last event. One that joins leaves
    once itself, too."""
    events: list[Any] = []
    items: dict[str, str] = {}

    def read(stream: Any, most: int = 10**9) -> None:
        with contextlib.suppress(*CUT), stream:
            for event in stream:
                events.append(event)
                if event.type == "response.output_text.delta":
                    items[event.item_id] = items.get(event.item_id, "") + event.delta
                    tell(shown="|".join(items.values()))
                if len(events) == most:
                    break

    if asked.joins:
        read(client.responses.retrieve(f"resp_{asked.joins}", stream=True), most=LEFT_AFTER)
    else:
        read(
            client.responses.create(
                model=asked.model, input=asked.name, background=True, stream=True
            )
        )
    while events[-1].type not in OVER:
        id, seen = events[0].response.id, events[-1].sequence_number
        read(client.responses.retrieve(id, stream=True, starting_after=seen))
    last = events[-1].response
    gapless = [event.sequence_number for event in events] == [*range(len(events))]
    tell(
        ended={
            "pieces": [*items.values()],
            "stands": client.responses.retrieve(last.id).output_text,
            "messages": 2,
            "end": last.status if gapless else "the numbers have gaps",
        }
    )


def completions(client: openai.OpenAI, asked: Asked, tell: Callable[..., None]) -> None:
    """openai-python by Chat Completions, where nothing resumes: its error is its end."""
    said, end = "", "a clean end"
    sent = [{"role": "user", "content": asked.name}]
    try:
        with client.chat.completions.create(
            model=asked.model,
            messages=sent,  # type: ignore[arg-type]
            stream=True,
        ) as pieces:
            for piece in pieces:
                said += piece.choices[0].delta.content or ""
                tell(shown=said)
    except CUT:
        end = "cut"
    except openai.APIError as error:
        end = str(error)
    tell(ended={"pieces": [said], "stands": None, "messages": 2, "end": end})


WITNESSES: dict[str, Callable[[Asked], Witness]] = {
    "openai-python, Responses": lambda asked: InThread(asked, responses),
    "openai-python, Chat Completions": lambda asked: InThread(asked, completions),
    "openai-node": lambda asked: InNode(asked, "openai-node", "openai_node.mjs"),
    "AI SDK 7, useChat": lambda asked: InNode(asked, "ai-7", "use_chat.mjs"),
    "AG-UI": lambda asked: InNode(asked, "ag-ui", "ag_ui.mjs"),
    "TanStack AI": lambda asked: InNode(asked, "tanstack", "tanstack.mjs"),
}
FOLLOWING = ("openai-python, Responses", "AG-UI")  # that can join what another has begun
RESUMED = {name: made for name, made in WITNESSES.items() if "Chat Completions" not in name}


def all_show(text: str, *witnesses: Witness) -> None:
    """Waits until each shows this text; a failure names those that do not."""

    def check() -> bool:
        others = {each.name: each.lines[-40:] for each in witnesses if each.shown != text}
        assert not others, f"not {text!r}: {others}"
        return True

    eventually(check)


def all_ended(*witnesses: Witness) -> None:
    def check() -> bool:
        others = {each.name: each.lines[-40:] for each in witnesses if not each.ended}
        assert not others, others
        return True

    eventually(check)


def wrong(witness: Witness, **expected: Any) -> dict[str, tuple[Any, Any]]:
    """Returns what it has told at its end and what it should have, where they differ."""
    told = witness.ended or {}
    return {
        key: (told.get(key), value) for key, value in expected.items() if told.get(key) != value
    }
