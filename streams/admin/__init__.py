"""The admin: what is running, what is stuck, what failed and why.

Events have a composite key, which the admin cannot register; a run's page reads its own
through `streams.log`.
"""

from . import conversations, devices, runs, workers

__all__ = ["conversations", "devices", "runs", "workers"]
