"""Django's PostgreSQL backend with quicker failure detection, for a database's `ENGINE`."""
