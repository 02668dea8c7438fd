"""Parses request bodies, forms or JSON, into checked values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext

from streams.exceptions import BadRequest, Invalid, TooLarge, Unsupported
from streams.text_cleaning import clean

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
FILES = "files"  # the field of a form's file inputs
OURS = ("csrfmiddlewaretoken", "_method")
LARGEST = 2**63 - 1
TRUE, FALSE = ("true", "on", "1"), ("false", "off", "0", "")
KINDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list"}


def fields(request: HttpRequest, **kinds: type) -> dict[str, Any]:
    """Returns the fields that were sent, each checked to be of its kind; none is required.

    Raises BadRequest, Unsupported, TooLarge, or Invalid with the name of the field.
    """
    given = sent(request)
    if unknown := sorted(set(given) - set(kinds)):
        raise Invalid(f"There is no field {unknown[0]!r} here.", field=unknown[0])
    if is_form(request) and request.method == "POST":  # the one way in which forms have lists
        lists = {name: request.POST.getlist(name) for name in given if kinds[name] is list}
        given = {**given, **lists}
    return {name: checked(name, value, kinds[name]) for name, value in given.items()}


def sent(request: HttpRequest) -> Mapping[str, Any]:
    try:
        if is_form(request):
            return form_of(request)
        body = request.body
    except RequestDataTooBig as error:
        raise TooLarge(gettext("That is too long to send.")) from error
    if not body:
        return {}
    if request.content_type != "application/json":
        raise Unsupported("Send a form or JSON.")
    return json_of(body)


def is_form(request: HttpRequest) -> bool:
    return request.content_type in FORMS


def form_of(request: HttpRequest) -> Mapping[str, Any]:
    if request.method == "POST":
        form = request.POST
    elif request.content_type == "multipart/form-data":
        raise Unsupported("Send this as a plain form or as JSON.")
    else:  # Django reads no form but a POST's
        form = QueryDict(request.body)
    # A file input in which nothing was chosen is sent as a field without a value.
    named = [name for name in form if name not in OURS and (name != FILES or form[name])]
    # Browsers send every line break of a textarea as two characters.
    return {name: form[name].replace("\r\n", "\n") for name in named}


def json_of(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadRequest("This is not JSON.") from error
    if not isinstance(given, dict):
        raise Invalid("Send a JSON object.")
    return given


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def checked(name: str, value: Any, kind: type) -> Any:
    """Returns the value as `kind`; a form sends text, which is converted."""
    if kind is str and isinstance(value, str):
        return clean(value)
    if kind is int and (number := whole(value)) is not None:
        return number
    if kind is bool and (isinstance(value, bool) or value in TRUE + FALSE):
        return value if isinstance(value, bool) else value in TRUE
    if kind is list and isinstance(value, list):
        return value
    raise Invalid(f"{name} must be {KINDS[kind]}.", field=name)


def whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # as JSON has it
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LARGEST else None
