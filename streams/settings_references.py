"""Checks what `STREAMS` refers to: providers, code by its dotted path, the base template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from django.core.checks import CheckMessage, Error
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.module_loading import import_string

from . import vapid
from .conf import Settings
from .providers import registry
from .providers.base import UnknownModel
from .providers.builtin_providers import ENTRIES
from .settings_validation import nearest

HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d+)?", re.IGNORECASE)


def check(streams: Settings) -> Iterable[CheckMessage]:
    yield from providers(streams)
    yield from importable("policy", streams.policy, ("may_use", "models_for"))
    yield from importable("context", streams.context, ("__call__",))
    yield from importable("authenticate", streams.authenticate, ("__call__",))
    yield from agents(streams)
    yield from webhooks(streams)
    yield from push(streams)
    yield from pages(streams)
    yield from image_hosts(streams)


def providers(streams: Settings) -> Iterable[CheckMessage]:
    """Checks that providers exist, and that their packages or classes can be imported."""
    for name, options in streams.models.items():
        if options.get("class"):
            yield from importable(f"models {name} class", options["class"], ("stream", "aclose"))
        elif name not in ENTRIES:
            yield Error(
                f"STREAMS models has no provider {name!r}.",
                hint=nearest(name, ENTRIES),
                id="streams.E005",
            )
        elif registry.configured(name) and registry.lacking(name):
            yield Error(
                registry.not_installed(name),
                hint=registry.how_to_install(name),
                id="streams.E013",
            )


def agents(streams: Settings) -> Iterable[CheckMessage]:
    """Checks that agents can be imported and that their models are set up."""
    for name, path in streams.agents.items():
        unimportable = list(importable(f"agents {name}", path, ("toolset",)))
        yield from unimportable
        if not unimportable:
            try:
                registry.check_name(f"agent:{name}")
            except UnknownModel as error:
                yield Error(
                    f"STREAMS agents {name} cannot be asked: {error}",
                    hint="Set its model up in STREAMS models, or name another.",
                    id="streams.E021",
                )


def webhooks(streams: Settings) -> Iterable[CheckMessage]:
    """Checks the packages, addresses and secrets of webhooks."""
    if streams.webhooks and not (find_spec("standardwebhooks") and find_spec("aiohttp")):
        yield Error(
            "STREAMS webhooks needs packages that are not installed.",
            hint='pip install "chatstream[webhooks]"',
            id="streams.E022",
        )
        return
    for name, options in streams.webhooks.items():
        if lacking := wrong_with(options.get("url", ""), options.get("secret", "")):
            yield Error(
                f"STREAMS webhooks {name} {lacking}.",
                hint='Make it {"url": "https://…", "secret": "whsec_…"}; a secret is 24 random '
                "bytes or more in base64.",
                id="streams.E023",
            )


def push(streams: Settings) -> Iterable[CheckMessage]:
    """Checks the packages, key and contact of notifications."""
    if not streams.push:
        return
    if not vapid.is_installed():
        yield Error(
            "STREAMS push needs packages that are not installed.",
            hint='pip install "chatstream[push]"',
            id="streams.E024",
        )
        return
    if not vapid.can_sign(streams.push):
        yield Error(
            "STREAMS push cannot sign.",
            hint="`manage.py vapidkeys` makes a private_key; subject is how push services reach "
            "you: mailto:… or https://….",
            id="streams.E025",
        )


def wrong_with(url: str, secret: str) -> str:
    from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

    if not url.startswith(("https://", "http://")):
        return "has no url of http"
    try:
        Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        return "has no secret that can sign"
    return ""


def importable(where: str, path: str, needed: Sequence[str]) -> Iterable[CheckMessage]:
    """Tells whether a dotted path leads to something with the methods that will be called."""
    if not path:
        return
    wrong = ""
    try:
        found = import_string(path)
    except Exception as error:  # whatever the module itself raises
        wrong = f"cannot be imported: {error}"
    else:
        if lacking := [name for name in needed if not callable(getattr(found, name, None))]:
            wrong = f"has no {' and no '.join(lacking)}"
    if wrong:
        yield Error(
            f"STREAMS {where} is {path!r}, which {wrong}.",
            hint="Make it the dotted path of one that docs/reference/api.md describes.",
            id="streams.E016",
        )


def pages(streams: Settings) -> Iterable[CheckMessage]:
    try:
        get_template(streams.base_template)
    except TemplateDoesNotExist:
        yield Error(
            f"STREAMS base_template is {streams.base_template!r}, and there is no such template.",
            hint="Name one with the blocks title, head and content, or leave it out.",
            id="streams.E020",
        )


def image_hosts(streams: Settings) -> Iterable[CheckMessage]:
    for host in streams.image_hosts:
        if not HOST.fullmatch(host):
            yield Error(
                f"STREAMS image_hosts has {host!r}, which is no host, and no image is from there.",
                hint="Name each by itself, as images.example.com: without https://, a path or *, "
                "and others than ASCII as xn--….",
                id="streams.E027",
            )
