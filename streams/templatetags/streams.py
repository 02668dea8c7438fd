"""`{% load streams %}`: what templates, a site's own among them, may ask of the app."""

from __future__ import annotations

from django import template

from streams import account_links
from streams.conf import conf

register = template.Library()


@register.simple_tag
def brand() -> str:
    """The name at the top of the list and in the title of each page: `STREAMS["brand"]`."""
    return conf().brand


register.simple_tag(account_links.sign_in, name="sign_in_url")
register.simple_tag(account_links.sign_out, name="sign_out_url")
register.simple_tag(account_links.password, name="password_url")
