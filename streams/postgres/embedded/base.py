"""Django's backend on the PostgreSQL that comes from a wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from streams.postgres import base

from . import DATABASE, EmbeddedPostgresError, join

_joined: dict[Path, Any] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """Starts or joins the server at the first connection. `HOST` is the folder of its data, and
    `NAME` a database in it, which is created if missing.
    """

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **options: Any) -> None:
        settings_dict["NAME"] = settings_dict["NAME"] or DATABASE
        super().__init__(settings_dict, *args, **options)

    def get_connection_params(self) -> dict[str, Any]:
        """Raises ImproperlyConfigured if the server cannot be started."""
        if not self.settings_dict["HOST"]:
            raise ImproperlyConfigured("Set HOST to a folder for the data of this database.")
        server = joined(Path(self.settings_dict["HOST"]), self.settings_dict["NAME"] or DATABASE)
        own = {"host": str(server.sockets), "user": server.postgres_user}
        return {**super().get_connection_params(), **own}


def joined(folder: Path, database: str) -> Any:
    if folder not in _joined:
        try:
            _joined[folder] = join(folder, database=database)
        except EmbeddedPostgresError as error:
            raise ImproperlyConfigured(str(error)) from error
    return _joined[folder]
