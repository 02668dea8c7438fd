"""Which device caused an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .device import Device


def caused_by(device: Device | None) -> dict[str, Any]:
    """Returns the part of an event's data that names the device; empty without one."""
    return {"device": device.mark} if device else {}
