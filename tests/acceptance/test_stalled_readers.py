"""A client that no longer reads blocks neither a process that exits nor the places for streams."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import termios
import time

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams import log
from streams.realtime.subscription import PARTING
from tests.client import Client
from tests.processes import Web, eventually

from .chaos.device import head_of
from .test_rolling import READY, gunicorn
from .test_streams import append

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTES = 24  # more than both ends' buffers hold between them


@pytest.fixture
async def far_behind(conversation):
    """A conversation with more to say than fits on the way to who does not listen."""
    words = [log.NewEvent("conversation.updated", {"title": "x" * 1_000_000})] * MEGABYTES
    await append(conversation, *words)
    yield conversation
    await sync_to_async(connections.close_all)()


def stuck(port, path, cookies, **more):
    """A real socket that asks, reads the first bytes of the answer, and then no more."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    end.connect(("127.0.0.1", port))
    end.sendall(head_of("GET", path, cookies, **more))
    assert end.recv(12) == b"HTTP/1.1 200"
    return end


def unread(end):
    """Returns how many bytes have arrived and are not read."""
    return int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), sys.byteorder)


def clients_of(pid):
    """The other ends' ports of the connections a process holds."""
    return {it.raddr.port for it in psutil.Process(pid).net_connections("tcp") if it.raddr}


async def left_within(process, seconds, readers):
    """SIGTERM, and gone in time, though none of the sockets has been closed or read."""
    began = time.monotonic()
    process.send(signal.SIGTERM)
    await asyncio.to_thread(process.popen.wait, 30)
    took = time.monotonic() - began
    assert all(reader.fileno() >= 0 for reader in readers)
    assert took < seconds, process.output
    assert "Traceback" not in process.output
    return took


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
async def test_a_process_leaves_though_its_clients_have_stopped_reading(
    server, spawn, far_behind, laptop, capsys
):
    cookies = (await Client.of(laptop)).cookies
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        os.set_inheritable(listening.fileno(), True)
        if server == "gunicorn":
            process = spawn(gunicorn, listening.fileno())
            await asyncio.to_thread(process.wait_for, READY[server], 60)
        else:
            process = await asyncio.to_thread(spawn, Web)
            port = int(process.url.rpartition(":")[2])
        path = f"/c/{far_behind.uuid}/events"
        heads = [{}, {"Content-Length": "0"}] * 2
        readers = [await asyncio.to_thread(stuck, port, path, cookies, **more) for more in heads]
        for reader in readers:
            await asyncio.to_thread(eventually, lambda end=reader: unread(end) > 1000)
        took = await left_within(process, 3, readers)
        with capsys.disabled():
            print(f"\n{server}: {len(readers)} clients that read nothing; gone in {took:.1f} s")
        for reader in readers:
            reader.close()


async def test_who_is_thrown_out_while_not_reading_loses_the_connection(
    spawn, far_behind, laptop, phone
):
    """What the server has not sent yet is never sent, and the seat is free again."""
    web = spawn(Web, STREAMS='{"streams_per_device": 1}')
    port = int(web.url.rpartition(":")[2])
    path = f"/c/{far_behind.uuid}/events"
    reader = await asyncio.to_thread(stuck, port, path, (await Client.of(phone)).cookies)
    answer = await (await Client.of(laptop)).post(web.url, f"/devices/{phone.uuid}/revoke")
    assert answer.status_code == 204
    here = reader.getsockname()[1]
    await asyncio.to_thread(eventually, lambda: here not in clients_of(web.popen.pid))
    received = await asyncio.to_thread(drained, reader)
    assert received < MEGABYTES * 1_000_000


async def test_a_connection_that_went_on_to_another_answer_is_not_dropped(
    spawn, far_behind, anna, laptop, phone
):
    """A proxy keeps its connections, and the next answer on one may be anybody's."""
    web = spawn(Web)
    port = int(web.url.rpartition(":")[2])
    kept = await asyncio.to_thread(stuck, port, "/c/events", (await Client.of(phone)).cookies)
    answer = await (await Client.of(laptop)).post(web.url, f"/devices/{phone.uuid}/revoke")
    assert answer.status_code == 204
    await asyncio.to_thread(read_until, kept, b"\r\n0\r\n\r\n")
    asks = head_of("GET", f"/c/{far_behind.uuid}/events", (await Client.of(laptop)).cookies)
    began = time.monotonic()
    await asyncio.to_thread(kept.sendall, asks)
    await asyncio.to_thread(eventually, lambda: unread(kept) > 1000)
    await asyncio.sleep(max(0, began + PARTING + 0.5 - time.monotonic()))  # a slow reader
    with kept:
        assert kept.getsockname()[1] in clients_of(web.popen.pid)


def read_until(end, wanted):
    last = b""
    end.settimeout(20)
    while wanted not in last:
        last = last[-len(wanted) :] + end.recv(1 << 16)


def drained(end):
    """Returns how many bytes were on their way; the connection ends in the middle of them."""
    received = 0
    end.settimeout(10)
    with end:
        try:
            while data := end.recv(1 << 16):
                received += len(data)
        except ConnectionResetError:
            pass
    return received
