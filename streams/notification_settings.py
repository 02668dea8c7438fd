"""The settings of webhooks and notifications, which `streams.conf.Settings` is a part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .page_settings import PageSettings


@dataclass(frozen=True, slots=True)
class NotificationSettings(PageSettings):
    """A part of `streams.conf.Settings`: the comment above each name is its entry in
    the reference.
    """

    # Telling people
    #: Addresses that are told by a signed request of each answer that ends or waits for somebody,
    #: by a name of yours: `{"crm": {"url": "https://…", "secret": "whsec_…"}}`.
    webhooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: What notifications to people's devices are signed with: `{"private_key": "…", "subject":
    #: "mailto:you@example.com"}`. `manage.py vapidkeys` makes a key. Empty: there are none.
    push: Mapping[str, str] = field(default_factory=dict)
    #: Seconds one request to a webhook, or to a browser's push service, may take.
    telling_seconds: float = 10.0
