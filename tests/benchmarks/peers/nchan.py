"""Answers over nchan: nginx keeps and sends what this process publishes to it, token by token.

python -m tests.benchmarks.peers.nchan MODULE PORT_OF_THE_VENDOR
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import uvloop

CONFIG = """
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location ~ ^/told/(.+)$ {{
      nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 10000;
    }}
    location ~ ^/c/(.+)/events$ {{
      nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message oldest;
    }}
    location / {{ proxy_pass http://127.0.0.1:{ours}; }}
  }}
}}
"""


class Publisher(asyncio.Protocol):
    """A prompt's connection: it is answered at once, and its tokens are published."""

    nginx = vendor = 0
    publishing: set[asyncio.Future[None]] = set()  # a loop alone would forget them

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if not found or len(body) < length:
            return
        id = uuid.uuid4()
        told = json.dumps({"url": f"/c/{id}/"})
        answer = f"HTTP/1.0 201 Created\r\ncontent-length: {len(told)}\r\n\r\n{told}"
        self.transport.write(answer.encode())
        self.transport.close()
        task = asyncio.ensure_future(self.publish(str(id), json.loads(body)))
        self.publishing.add(task)
        task.add_done_callback(self.publishing.discard)

    async def publish(self, id: str, asked: dict[str, Any]) -> None:
        answers, told = await asyncio.open_connection("127.0.0.1", self.nginx)
        taken = asyncio.ensure_future(taken_away(answers))
        read, ask = await asyncio.open_connection("127.0.0.1", self.vendor)
        content = [{"role": "user", "content": asked["content"]}]
        body = json.dumps({"model": asked["model"], "messages": content})
        ask.write(f"POST / HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        last = b""
        while not last:
            line = await read.readline()
            said = line.removeprefix(b"data: ").rstrip()
            if line.startswith(b"data: ") or not line:
                last = b"connection: close\r\n" if said in (b"[DONE]", b"") else b""
                head = f"POST /told/{id} HTTP/1.1\r\nhost: n\r\ncontent-length: {len(said)}\r\n"
                told.write(head.encode() + last + b"\r\n" + said)
        ask.close()
        await taken
        told.close()


async def taken_away(answers: asyncio.StreamReader) -> None:
    """Reads and drops nginx's answer to each token, which would delay the next ones."""
    while await answers.read(65_536):
        pass


async def serve(module: str, vendor: str) -> None:
    loop = asyncio.get_running_loop()
    Publisher.vendor = int(vendor)
    with socket.create_server(("127.0.0.1", 0)) as free:
        Publisher.nginx = free.getsockname()[1]
    server = await loop.create_server(Publisher, "127.0.0.1", 0, backlog=2048)
    folder = tempfile.mkdtemp(prefix="chatstream-nchan-")
    config = Path(folder) / "nginx.conf"
    known = {"module": module, "folder": folder, "port": Publisher.nginx}
    config.write_text(CONFIG.format(**known, ours=server.sockets[0].getsockname()[1]))
    nginx = begun(config)

    def leave() -> None:
        nginx.terminate()
        nginx.wait()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    loop.add_signal_handler(signal.SIGTERM, leave)
    await reached(Publisher.nginx)
    print("on", Publisher.nginx, flush=True)
    await asyncio.to_thread(sys.stdin.read)  # closed when whoever started us is gone
    leave()


def begun(config: Path) -> subprocess.Popen[bytes]:
    path = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    return subprocess.Popen(["nginx", "-c", str(config)], env=path)


async def reached(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
