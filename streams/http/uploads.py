"""Decides which requests may carry files, and how many bytes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from .. import early_routing
from ..conf import conf
from .script_prefix import placed

Scope = Mapping[str, Any]

AROUND = 65_536  # bytes of a form around its files


def most_bytes(scope: Scope) -> int:
    """Returns how many bytes of files a request may bring, by its address and the kind of its body;
    0 for one that brings none.

    A view says so in `takes_files`: "file" for one as the body, "form" for a form with files,
    "data" for files inside of JSON, which are longer by a third.
    """
    if scope.get("method") != "POST":
        return 0
    takes = early_routing.takes_files(placed(dict(scope))[1])
    one, several = conf().attachment_bytes, conf().attachments_per_message
    if takes == "file":
        return one + AROUND
    if takes == "form" and is_form(scope):
        return one * several + AROUND + (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    if takes == "data":
        return conf().base64_bytes + (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    return 0


def is_form(scope: Scope) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return bool(kind.lower().startswith(b"multipart/form-data"))
