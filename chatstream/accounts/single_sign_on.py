"""Single sign-on by OpenID Connect, through django-allauth: what its settings are made of.

Accounts, names and sessions stay Django's own; allauth knows who came from which provider. Nothing
of it is loaded where no provider is named.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

APPS = (
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
)
MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
NEEDED = {"provider_id", "name", "client_id", "secret", "server_url"}


def providers(text: str) -> Sequence[dict[str, Any]]:
    """Returns the identity providers that SSO names, as allauth's apps; none for no text.

    Raises ImproperlyConfigured with what to write instead.
    """
    try:
        given = json.loads(text or "[]")
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(map(is_provider, given)):
        raise ImproperlyConfigured(
            "SSO cannot be read: write it as a JSON list of objects with "
            f"{', '.join(sorted(NEEDED))}, all of them texts."
        )
    return [
        {name: each[name] for name in NEEDED - {"server_url"}}
        | {"settings": {"server_url": each["server_url"]}}
        for each in given
    ]


def is_provider(given: Any) -> bool:
    known = isinstance(given, dict) and set(given) == NEEDED
    return known and all(value and isinstance(value, str) for value in given.values())


def settings_of(providers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns allauth's settings. Raises ImproperlyConfigured where it is not installed."""
    if find_spec("allauth") is None:
        raise ImproperlyConfigured("SSO needs django-allauth: uv sync --group sso.")
    return {
        "SOCIALACCOUNT_PROVIDERS": {
            "openid_connect": {"APPS": providers, "OAUTH_PKCE_ENABLED": True}
        },
        "SOCIALACCOUNT_ADAPTER": "chatstream.accounts.single_sign_on_adapter.Adapter",
        "SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX": "",
        # A form would be sent on to the provider, which `form-action 'self'` refuses; what begins
        # here ends with the `state` that only this browser's session knows.
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_UNIQUE_EMAIL": False,
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "email"],
    }
