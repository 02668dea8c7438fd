"""The site's own pages for signing in and out and for a new password, to which ours lead."""

from __future__ import annotations

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

from .conf import conf


def sign_in() -> str:
    return resolve_url(settings.LOGIN_URL)


def sign_out() -> str:
    """Takes a POST, as Django's own does; empty where the site has no such page."""
    return found(conf().sign_out_url)


def password() -> str:
    """Empty where the site has no such page."""
    return found(conf().password_url)


def found(name: str) -> str:
    if not name:
        return ""
    try:
        return resolve_url(name)
    except NoReverseMatch:
        return ""
