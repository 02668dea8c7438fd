"""The admin: what is running, what is stuck, what failed and why.

Events have a composite key, which the admin cannot register; a run's page reads its own
through `streams.log`.
"""

from . import attachments, conversations, devices, runs, usage, webhooks, workers

__all__ = ["attachments", "conversations", "devices", "runs", "usage", "webhooks", "workers"]
