"""Django's PostgreSQL, for settings' `ENGINE`: it notices sooner that nobody is there."""
