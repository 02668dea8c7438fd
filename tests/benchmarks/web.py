"""One uvicorn process as README.md runs it, telling its port; on a leash."""

import asyncio
import os
import socket

import uvicorn

from tests.benchmarks.loop_gauge import watch
from tests.benchmarks.parent_death import leash

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.gauge = asyncio.create_task(watch("web"))


def main() -> None:
    leash()
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        "chatstream.asgi:application",
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    print("on", listening.getsockname()[1], flush=True)
    Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
