"""Fills in the environment for `manage.py dev`, such as a secret key and a database. A deployment
gets none of it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import environ

from streams.postgres import embedded

BASE_DIR = Path(__file__).resolve().parent.parent.parent
NOWHERE = "postgresql:///"
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "version",
}

# The variables that hold a placeholder, so that the settings load and nothing else works.
stand_ins: set[str] = set()


def fill_in(arguments: Sequence[str]) -> None:
    """Complete the environment of a manage.py command.

    Without DATABASE_URL every command that reads or writes data uses the embedded
    PostgreSQL. Raises EmbeddedPostgresError.
    """
    environ.Env.read_env(BASE_DIR / ".env")
    if arguments[:1] in (["dev"], ["benchmark"]):
        stand_in()
    elif os.environ.get("DATABASE_URL"):
        return
    elif needs_database(arguments):
        folder = data_folder()
        os.environ["DATABASE_URL"] = embedded.start(folder)
        os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or secret_key(folder)
    else:
        stand_in()


def stand_in() -> None:
    placeholders = {"DATABASE_URL": NOWHERE, "SECRET_KEY": secrets.token_urlsafe(50)}
    for name, value in placeholders.items():
        if not os.environ.get(name):
            os.environ[name] = value
            stand_ins.add(name)


def needs_database(arguments: Sequence[str]) -> bool:
    if {"--help", "-h", "--version"} & set(arguments):
        return False
    if "--database" in arguments:
        return True
    return bool(arguments) and arguments[0] not in WITHOUT_DATABASE


def data_folder() -> Path:
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data")


def secret_key(folder: Path) -> str:
    """This folder's own key, made once: a new one would sign everybody out."""
    path = folder / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(50)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
        return key
