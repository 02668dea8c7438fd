"""Exceptions of tools, and the one that names an optional package which is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured


class ToolError(Exception):
    """A failure whose words the model is told, and so may be repeated to the person.

    Of any other exception it learns only that the tool failed.
    """


class NotInstalled(ImproperlyConfigured):
    """A package is needed that is not installed; the message says which extra brings it."""


def need(module: str, extra: str) -> Any:
    """Imports a module of one of our extras. Raises NotInstalled if it is not there."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not f"{module}.".startswith(f"{error.name}."):
            raise
        raise NotInstalled(
            f"This needs {module.partition('.')[0]}, not installed here. Run: "
            f'pip install "chatstream[{extra}]".'
        ) from error
