"""Which device caused an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .device import Device


def caused_by(device: Device | None) -> dict[str, Any]:
    """Returns what the event's data says of it; nothing of one that nobody's device caused."""
    return {"device": device.mark} if device else {}
