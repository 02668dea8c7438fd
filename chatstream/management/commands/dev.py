from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatstream.dev.child import NotStarted
from chatstream.dev.environment import data_folder
from chatstream.dev.supervisor import Household


class Command(BaseCommand):
    help = "Everything at once: PostgreSQL, a model, a worker and the web, to try it out here."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
        parser.add_argument("--data", type=Path, help="folder of the data (.data)")

    def handle(self, *args: Any, host: str, port: int, data: Path | None, **options: Any) -> None:
        listening = listen(host, port)
        folder = (data or data_folder()).resolve()
        make(folder)
        try:
            asyncio.run(Household(listening, folder, self.say).run())
        except NotStarted as error:
            raise CommandError(str(error)) from error

    def say(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:<12}{text}" if name else text)
        self.stdout.flush()


def listen(host: str, port: int) -> socket.socket:
    """The socket the web process will answer on; a busy port is known before anything starts."""
    if not 0 <= port < 2**16:
        raise CommandError("A port is a number from 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}:{port} ({error.strerror}): "
            "choose another with --port or --host."
        ) from error
    return listening


def make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"The data folder {folder} cannot be used ({error.strerror}): "
            "choose another with --data."
        ) from error
