"""The admin: what is running, what is stuck, what failed and why.

The admin cannot register a model with a composite key, such as Event: the page of a run reads the
run's events through `streams.log`.
"""

from . import attachments, conversations, devices, runs, usage, webhooks, workers

__all__ = ["attachments", "conversations", "devices", "runs", "usage", "webhooks", "workers"]
