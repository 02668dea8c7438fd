"""A new release, as it is documented: systemd keeps the socket, the service restarts."""

from __future__ import annotations

import asyncio
import re
import shlex
import socket
import subprocess
import time

import httpx
import pytest
from django.conf import settings

from tests.client import Client
from tests.processes import Process, debian_program

UNITS = settings.BASE_DIR / "docs/production"


def test_systemd_knows_every_line_of_the_units(tmp_path):
    analyze = debian_program("systemd-analyze", package="systemd")
    names = [path.name for path in UNITS.glob("chatstream-*")]
    assert len(names) == 3
    for name in names:
        text = (UNITS / name).read_text().replace("/srv/chatstream/.venv/bin/", "/usr/bin/env ")
        (tmp_path / name).write_text(text)
    found = subprocess.run(
        [analyze, "verify", *(name.replace("@.", "@1.") for name in names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    told = [line for line in found.stderr.splitlines() if "chatstream" in line]
    assert (found.returncode, told) == (0, []), found.stderr


HANDED = """
import os, sys
number, *arguments = sys.argv[1:]
os.dup2(int(number), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])
"""


class Service(Process):
    """The web's service as systemd starts it: the socket is descriptor 3."""

    def __init__(self, listening: socket.socket, **environment: str) -> None:
        unit = (UNITS / "chatstream-web.service").read_text().replace("\\\n", "")
        program, *arguments = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M)[1])
        assert program.endswith("/gunicorn")
        arguments[arguments.index("--workers") + 1] = "1"
        number = listening.fileno()
        super().__init__(
            "-c", HANDED, str(number), *arguments, descriptors=(number,), **environment
        )
        self.wait_for("Application startup complete", within=60)


@pytest.mark.django_db(transaction=True)
async def test_a_restart_refuses_nobody_and_loses_nothing(
    tmp_path, conversation, laptop, settled, capsys
):
    client = await Client.of(laptop)
    place = str(tmp_path / "web.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(2048)
        service = await asyncio.to_thread(Service, listening)
        try:
            asking = asyncio.create_task(ask_on(place, client, conversation, told := []))
            while len(told) < 5:
                await asyncio.sleep(0.05)
            began = time.monotonic()
            assert await asyncio.to_thread(service.stop) == 0
            stopped = time.monotonic()
            service = await asyncio.to_thread(Service, listening)
            ready, before = time.monotonic(), len(told)
            while len(told) < before + 5:
                await asyncio.sleep(0.05)
            asking.cancel()
        finally:
            await asyncio.to_thread(service.stop)
    assert {status for status, _ in told} == {201}
    longest = max(took for _, took in told)
    with capsys.disabled():
        print(
            f"\nrestarted on systemd's socket: gone in {stopped - began:.1f} s, ready"
            f" {ready - stopped:.1f} s later; {len(told)} prompts, the slowest {longest:.1f} s"
        )
    assert longest < ready - began + 5


async def ask_on(place, client, conversation, told):
    """Prompts on new connections, one after the other."""
    headers = {"X-CSRFToken": "t" * 32, "Accept": "application/json"}
    while True:
        began = time.monotonic()
        async with httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=place),
            base_url="http://localhost",
            cookies=client.cookies,
            headers=headers,
            timeout=60,
        ) as http:
            answer = await http.post(f"/c/{conversation.uuid}/messages", json={"content": "Hello"})
        told.append((answer.status_code, time.monotonic() - began))
