"""`{% load streams %}`: what templates, a site's own among them, may ask of the app."""

from __future__ import annotations

from django import template

from streams.conf import conf

register = template.Library()


@register.simple_tag
def brand() -> str:
    """The name at the top of the list and in the title of each page: `STREAMS["brand"]`."""
    return conf().brand
