"""The policy that a site may subclass: who may use the chat, and which models they are offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.utils.module_loading import import_string

from .conf import conf
from .exceptions import NotAllowed, UnknownModelName
from .providers import registry


class Policy:
    """Everybody may, and is offered every model. A site subclasses it and names that in
    `STREAMS["policy"]`; methods may ask the database.

    It speaks for pages and JSON; a site's own code decides for itself. A conversation keeps the
    model it has, and streams that are open go on.
    """

    def may_use(self, user: Any) -> bool:
        """Tells whether this signed-in person may open the pages, and have anything
        answered there.
        """
        return True

    def models_for(self, user: Any) -> Sequence[str]:
        """The `provider:model` names they choose from, the default first; no others are taken."""
        return registry.offered()


def policy() -> Policy:
    """The site's, as its settings name it."""
    path = conf().policy
    return cast(Policy, import_string(path)()) if path else Policy()


def check_may_use(user: Any) -> None:
    """Raises NotAllowed."""
    if conf().policy and not policy().may_use(user):
        raise NotAllowed("You may not use this here.")


def check_model(user: Any, name: str) -> None:
    """Checks that the policy offers this model to this person. Raises UnknownModelName."""
    if conf().policy and name not in policy().models_for(user):
        raise UnknownModelName(f"{name} is not one of the models for you here.", field="model")


def default_model(user: Any) -> str:
    """Returns the model of this person's new conversations."""
    offered = policy().models_for(user) if conf().policy else ()
    return next(iter(offered), registry.default_model())
