"""The path below which the site lies, such as /chat: said by FORCE_SCRIPT_NAME or by the server.

Proxies pass that prefix on or take it away, and uvicorn puts its --root-path before whatever
it is given. From here on a path always has it, once.
"""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import get_script_prefix


def placed(scope: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The scope with the prefix in its path, and the path without it."""
    prefix = get_script_prefix(scope).rstrip("/")
    path = scope["path"]
    for added in (scope.get("root_path", "").rstrip("/"), prefix):
        if added and f"{path}/".startswith(f"{added}/"):
            path = path[len(added) :] or "/"
    return scope | {"path": prefix + path}, path
