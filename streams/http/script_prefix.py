"""Handles the path below which the site is mounted, from FORCE_SCRIPT_NAME or the server.

Proxies keep or strip that prefix, and uvicorn puts its --root-path before whatever arrives. After
this, a path contains it exactly once.
"""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import get_script_prefix


def placed(scope: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Returns the scope with the prefix in its path, and the path without it."""
    prefix = get_script_prefix(scope).rstrip("/")
    path = scope["path"]
    for added in (scope.get("root_path", "").rstrip("/"), prefix):
        if added and f"{path}/".startswith(f"{added}/"):
            path = path[len(added) :] or "/"
    return scope | {"path": prefix + path}, path
