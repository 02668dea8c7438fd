"""Django's PostgreSQL backend with a pool that stops waiting once the server is away."""

from __future__ import annotations

import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from streams.conf import conf
from streams.postgres import database
from streams.postgres.availability import availability


class DatabaseWrapper(base.DatabaseWrapper):
    """Waits as long as the setting `pool_wait` says for a connection in a burst. The pool's own
    `timeout` is the interval at which reachability is checked meanwhile.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        # Another database than the app's is none of its business.
        if not self.pool or self.alias != database.alias():
            return super().get_new_connection(conn_params)
        availability.check()
        until = time.monotonic() + conf().pool_wait
        while True:
            try:
                return super().get_new_connection(conn_params)
            except PoolTimeout:
                if availability.is_lost() or time.monotonic() >= until:
                    raise
