"""Requests that are too large are refused early, and unfinished ones end, at every server that the
README names.
"""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager, suppress
from functools import partial

import psutil
import pytest

from streams import access
from tests import sample_files
from tests.client import cookies_of, header_of
from tests.processes import Process, Web, eventually

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "00000000-0000-4000-8000-000000000000"
QUICK = {"head_seconds": 0.5, "request_seconds": 1, "title_within": 0}
BEGUN = [b"GET / HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n"]
MEGABYTE = b"x" * 1_000_000


class Gunicorn(Process):
    def __init__(self, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        super().__init__(
            *("-m", "gunicorn", "chatstream.asgi:application", "--bind", f"127.0.0.1:{port}"),
            *("--worker-class", "uvicorn_worker.UvicornWorker", "--workers", "1"),
            **environment,
        )
        self.wait_for("startup complete")
        self.url = f"http://127.0.0.1:{port}"


SERVERS = {"uvicorn": Web, "gunicorn": Gunicorn, "h11": partial(Web, "0", "--http", "h11")}


def at_servers(name, values, elsewhere):
    """All of them at the first server, and some at the others, which differ in little."""
    first, *others = SERVERS
    cases = [(first, value) for value in values]
    cases += [(server, value) for server in others for value in elsewhere]
    known = [f"{server}-{values.index(value)}" for server, value in cases]
    return pytest.mark.parametrize(("server", name), cases, ids=known, indirect=["server"])


@pytest.fixture(scope="module")
def _servers(django_db_setup):
    started = {}

    def server(kind):
        if kind not in started:
            started[kind] = SERVERS[kind](STREAMS=json.dumps(QUICK))
        return started[kind]

    yield server
    for process in started.values():
        process.stop()


@pytest.fixture
def server(request, _servers):
    return _servers(request.param)


everywhere = pytest.mark.parametrize("server", SERVERS, indirect=True)


@contextmanager
def calling(server):
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        yield connection


def head(method="GET", path="/c/", *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def pour(connection, piece, times):
    """All of it, or as much as is taken."""
    with suppress(ConnectionError):
        for _ in range(times):
            connection.sendall(piece)


def heard(connection):
    """Everything up to the end of the connection, or of what comes for now."""
    said = b""
    with suppress(ConnectionError, TimeoutError):
        while piece := connection.recv(65536):
            said += piece
    return said


def heard_to_the_end(connection):
    """Raises TimeoutError where the server does not end the connection."""
    said = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            said += piece
    return said


def status_of(said):
    return int(said.split(b" ", 2)[1]) if said else None


def memory(server):
    here = psutil.Process(server.popen.pid)
    return sum(each.memory_info().rss for each in [here, *here.children(recursive=True)])


@at_servers("path", ["/c/", f"/c/{NOWHERE}/events", "/healthz", "/nowhere"], ["/c/"])
def test_long_headers_are_431(server, path):
    for long in (f"Cookie: {'a' * 33_000}", "\r\n".join(["X: a"] * 9000)):
        with calling(server) as connection:
            connection.sendall(head("GET", path, long, "Connection: close"))
            assert status_of(heard(connection)) == 431


@at_servers("header", ["Content-Type", "Accept"], [])
def test_a_header_with_parameters_has_a_bound_of_its_own(server, header):
    with calling(server) as connection:
        connection.sendall(head("GET", "/c/", f"{header}: a/b{';' * 2000}", "Connection: close"))
        assert status_of(heard(connection)) == 431


@at_servers("begin", BEGUN, BEGUN[:1])
def test_headers_without_an_end_are_neither_kept_nor_awaited(server, begin):
    before, began = memory(server), time.monotonic()
    with calling(server) as connection:
        connection.sendall(begin)
        pour(connection, b"a: b\r\n" * 170_000 if begin.endswith(b"\n") else MEGABYTE, 57)
        assert status_of(heard(connection)) in (400, 431)
    assert time.monotonic() - began < 15
    assert memory(server) - before < 30_000_000


@at_servers("chunked", [False, True], [True])
@pytest.mark.parametrize("path", ["/c/", "/sign-in/", "/nowhere"])
def test_a_body_of_any_size_is_413_before_it_is_kept(server, path, chunked):
    before = memory(server)
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 400000000"
    with calling(server) as connection:
        connection.sendall(head("POST", path, length, "Content-Type: application/json"))
        piece = b"f4240\r\n" + MEGABYTE + b"\r\n" if chunked else MEGABYTE
        pour(connection, piece, 40)
        assert status_of(heard(connection)) == 413
    assert memory(server) - before < 30_000_000


@everywhere
def test_a_device_of_ours_may_send_more_than_a_stranger(server, laptop):
    cookies = header_of(cookies_of(laptop))
    body = json.dumps({"content": "x" * 99_000}).encode()
    headers = [
        *(f"Content-Length: {len(body)}", "Content-Type: application/json"),
        *("Accept: application/json", "X-CSRFToken: " + "t" * 32, "Connection: close"),
    ]
    for cookie, status in ((cookies, 201), (cookies.replace(access.DEVICE_COOKIE, "no"), 413)):
        with calling(server) as connection:
            connection.sendall(head("POST", "/c/", f"Cookie: {cookie}", *headers) + body)
            assert status_of(heard(connection)) == status


@everywhere
def test_a_device_of_ours_may_send_a_file_and_take_its_time(server, laptop):
    cookies, before = header_of(cookies_of(laptop)), memory(server)
    body = sample_files.header(1, 1) + sample_files.part(b"IDAT", b"x" * 9_000_000)
    more = ("Content-Type: image/png", "Accept: application/json", "X-CSRFToken: " + "t" * 32)

    def send(cookie, body, path="/attachments/?name=a.png", length=0, pause=0.0):
        named = (f"Cookie: {cookie}", f"Content-Length: {length or len(body)}", "Connection: close")
        with calling(server) as connection:
            connection.sendall(head("POST", path, *named, *more))
            time.sleep(pause)  # longer than another request may take
            with suppress(OSError):
                connection.sendall(body)
            return status_of(heard(connection))

    assert send(cookies, body, pause=1.3) == 201
    assert memory(server) - before < 30_000_000
    assert send(cookies.replace(access.DEVICE_COOKIE, "no"), body[:99_000]) == 413
    assert send(cookies, b"", length=11_000_000) == 413
    assert send(cookies, body, path="/c/") == 413


BY_BYTE = [b"GET / HTTP/1.1\r\nX: ", head("POST", "/c/", "Content-Length: 99")]
HALVES = {
    "nothing": (b"", None),
    "half a line": (b"GET /c/", 408),
    "half the headers": (b"GET /c/ HTTP/1.1\r\nHost: localhost\r\nX: ", 408),
    "half a body": (head("POST", "/sign-in/", "Content-Length: 10") + b"12345", 408),
    "half of what is not asked for": (head("GET", "/healthz", "Content-Length: 10"), 408),
}


@at_servers("half", list(HALVES), ["half the headers", "half a body"])
def test_a_request_that_is_sent_by_half_ends(server, half):
    sent, status = HALVES[half]
    with calling(server) as connection:
        connection.sendall(sent)
        assert status_of(heard_to_the_end(connection)) == status


@at_servers("half", BY_BYTE, BY_BYTE)
def test_one_that_is_sent_byte_by_byte_ends_too(server, half):
    began = time.monotonic()
    with calling(server) as connection:
        connection.sendall(half)
        connection.settimeout(0.2)

        def ended():
            with suppress(TimeoutError):
                connection.sendall(b"a")
                return not connection.recv(65536) or True
            return False

        eventually(ended, 15)
    assert time.monotonic() - began < 10


@everywhere
def test_what_comes_whole_is_left_in_peace(server, laptop, conversation):
    """A stream may be silent for longer than a request may take; a kept connection serves on."""
    cookie = f"Cookie: {header_of(cookies_of(laptop))}"
    with calling(server) as connection:
        for _ in range(3):
            connection.sendall(head("GET", "/healthz"))
            said = b""
            while not said.endswith(b"}"):
                said += connection.recv(65536)
            assert status_of(said) == 200
        connection.sendall(head("GET", f"/c/{conversation.uuid}/events", cookie))
        said = connection.recv(65536)
        connection.settimeout(QUICK["request_seconds"] + QUICK["head_seconds"] + 1)
        with suppress(TimeoutError):
            while piece := connection.recv(65536):
                said += piece
            pytest.fail(f"the stream ended: {said!r}")
        assert b"event: sync" in said
