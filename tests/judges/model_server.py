"""A model's service over HTTP (Chat Completions) that sends what the test tells it, when it
does.
"""

from __future__ import annotations

import json
import queue
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTHING_YET = 0.01  # seconds between two looks

Order = bytes | int | None
Orders = queue.Queue[Order] | list[Order]


class ToldModel:
    """`with ToldModel() as model`; orders are taken by whichever request is being answered.

    `requests` holds the bodies, and `closed` counts those whose client left before the end. After
    `to_all` every request is told the same instead, from the call before it came on.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.closed = 0
        self.answering = 0
        self._lock = threading.Lock()
        self.orders: Orders = queue.Queue()

    def to_all(self) -> ToldModel:
        self.orders = []
        return self

    def say(self, *words: str) -> ToldModel:
        for word in words:
            self._choice({"content": word})
        return self

    def think(self, *words: str) -> ToldModel:
        for word in words:
            self._choice({"reasoning_content": word})
        return self

    def call(self, name: str, arguments: str, id: str) -> ToldModel:
        """Calls a tool, its arguments in two pieces."""
        half = len(arguments) // 2
        known = {"id": id, "type": "function"}
        for piece in (
            {**known, "function": {"name": name, "arguments": arguments[:half]}},
            {"function": {"arguments": arguments[half:]}},
        ):
            self._choice({"tool_calls": [{"index": 0, **piece}]})
        return self.finish("tool_calls")

    def finish(self, reason: str = "stop") -> ToldModel:
        self._choice({}, reason)
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        self._chunk({"choices": [], "usage": usage})
        self._order(b"data: [DONE]\n\n")
        self._order(None)
        return self

    def answer(self, *words: str) -> ToldModel:
        return self.say(*words).finish()

    def refuse(self, status: int) -> ToldModel:
        self._order(status)
        return self

    def forget(self) -> None:
        """Ends what is still being answered; as new from here on."""
        while self.answering:
            self._order(None)
            time.sleep(NOTHING_YET)
        self.requests.clear()
        self.closed = 0
        self.orders = queue.Queue()

    def _order(self, order: Order) -> None:
        if isinstance(self.orders, list):
            self.orders.append(order)
        else:
            self.orders.put(order)

    def _choice(self, delta: dict[str, Any], reason: str | None = None) -> None:
        self._chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def _chunk(self, fields: dict[str, Any]) -> None:
        known = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self._order(b"data: %s\n\n" % json.dumps({**known, **fields}).encode())

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self.answering += 1
        try:
            yield
        finally:
            with self._lock:
                self.answering -= 1

    def __enter__(self) -> ToldModel:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                model.requests.append(json.loads(self.rfile.read(length)))
                with model.counted():
                    Answering(model, self).run()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Answering:
    """One request being answered."""

    def __init__(self, model: ToldModel, handler: BaseHTTPRequestHandler) -> None:
        self.model = model
        self.handler = handler
        self.orders = model.orders
        self.heard = 0
        self.begun = False

    def run(self) -> None:
        try:
            while (order := self._next()) is not None:
                if isinstance(order, int):
                    self._refuse(order)
                    return
                self._begin()
                self._write(order)
            self._begin()
            self._write(b"")
        except ConnectionError:
            self.model.closed += 1
            self.handler.close_connection = True

    def _next(self) -> Order:
        while not self._left():
            if isinstance(self.orders, queue.Queue):
                with suppress(queue.Empty):
                    return self.orders.get(timeout=NOTHING_YET)
            elif self.heard < len(self.orders):
                self.heard += 1
                return self.orders[self.heard - 1]
            else:
                time.sleep(NOTHING_YET)
        raise ConnectionError

    def _left(self) -> bool:
        connection = self.handler.connection
        ready, _, _ = select.select([connection], [], [], 0)
        return bool(ready) and not connection.recv(1, socket.MSG_PEEK)

    def _begin(self) -> None:
        if self.begun:
            return
        self.begun = True
        self.handler.send_response(200)
        self.handler.send_header("content-type", "text/event-stream")
        self.handler.send_header("transfer-encoding", "chunked")
        self.handler.end_headers()

    def _write(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def _refuse(self, status: int) -> None:
        body = json.dumps({"error": {"message": "no", "type": "x", "code": "x"}}).encode()
        self.handler.send_response(status)
        self.handler.send_header("content-type", "application/json")
        self.handler.send_header("content-length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)
