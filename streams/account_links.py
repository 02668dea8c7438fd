"""Links to the site's own pages for signing in, for signing out and for a new password."""

from __future__ import annotations

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

from .conf import conf


def sign_in() -> str:
    return resolve_url(settings.LOGIN_URL)


def sign_out() -> str:
    """Returns the address that signs out by POST, as Django's does; "" if the site has none."""
    return found(conf().sign_out_url)


def password() -> str:
    """Returns the address of the page for a new password; "" if the site has none."""
    return found(conf().password_url)


def found(name: str) -> str:
    if not name:
        return ""
    try:
        return resolve_url(name)
    except NoReverseMatch:
        return ""
