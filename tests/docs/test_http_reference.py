"""The HTTP reference names every address, field, shape and error there is, and no other."""

from __future__ import annotations

import re
import sys
from io import BytesIO

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView

from chatstream.middleware import HealthMiddleware
from streams import exceptions
from streams.models import Pairing, Share
from streams.realtime.presence_endpoint import told
from streams.views import errors, serializers
from tests.factories import ConversationFactory
from tests.sample_files import png
from tests.views.answers import waiting
from tests.views.conftest import Api, browser_of

from .pages import DOCS, fields, sections, tables

PAGE = "reference/http.md"
JSON = {"headers": {"Accept": "application/json"}}
NOT_OURS = ("admin/", "favicon.ico")
METHODS = ("get", "post", "put", "patch", "delete")


def addresses(patterns=None, before=""):
    """`METHOD /path` for all that is routed, as the page writes it."""
    for pattern in get_resolver("chatstream.urls").url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if route.startswith(NOT_OURS):
            continue
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            path = re.sub(r"<uuid:\w+>", "<id>", re.sub(r"<(?:str|path):(\w+)>", r"<\1>", route))
            yield from (f"{method} /{path}" for method in methods(pattern))


def methods(pattern: URLPattern) -> set[str]:
    view = getattr(pattern.callback, "view_class", None)
    if view is None:
        return {"GET"}
    if issubclass(view, RedirectView):
        return {"GET"}
    known = set(view.http_method_names) & set(METHODS)
    return {method.upper() for method in known if hasattr(view, method)}


def documented():
    return {title: text for title, text in sections(PAGE).items() if "/" in title}


def test_every_address_is_on_the_page_and_no_other():
    there = {*addresses(), *(f"GET {path}" for path in HealthMiddleware.probes)}
    assert set(documented()) == there


def test_every_error_is_on_the_page_and_no_other():
    there = {
        (kind.code, kind.status)
        for kind in vars(exceptions).values()
        if isinstance(kind, type)
        and issubclass(kind, exceptions.StreamsError)
        and not issubclass(kind, exceptions.CannotWait)
    } - {("error", 400)}
    there |= {(code, status) for status, code in errors.CODES.items()} | {("internal", 500)}

    (table,) = tables(sections(PAGE, level=2)["Errors"])

    assert {(row[0].strip("| "), int(row[1])) for row in table[1]} == there


def test_what_is_asked_in_an_address_is_on_the_page():
    text = (DOCS / PAGE).read_text()
    ours = "\n".join(path.read_text() for path in (settings.BASE_DIR / "streams").rglob("*.py"))
    asked = set(re.findall(r"GET\.get\(\"(\w+)\"|query\.get\(\"(\w+)\"", ours))
    assert asked
    assert {name for pair in asked for name in pair if name and f"?{name}=" not in text} == set()


@pytest.fixture
def taken(monkeypatch):
    """Which fields each view asks for: what it gives to `fields`."""
    asked = []
    for name, module in list(sys.modules.items()):
        if name.startswith(("streams.views.", "chatstream.accounts.")) and hasattr(
            module, "fields"
        ):
            real = module.fields

            def spy(request, real=real, **kinds):
                asked.append(set(kinds))
                return real(request, **kinds)

            monkeypatch.setattr(module, "fields", spy)
    return asked


CALLS = ("runs/<id>/calls/<id>/decision", "runs/<id>/calls/<id>/again")


@pytest.fixture
def places(conversation, laptop, phone):
    """A path for each address, with what belongs to Anna in it."""
    _, run, _ = conversation.post("Hello", laptop)
    doomed = ConversationFactory(owner=laptop.user)
    shared = Share.make(conversation, "Tea", [])
    opened = Pairing.open(laptop, conversation)
    return {
        "GET /pair/<id>/": f"/pair/{opened.pairing.uuid}/",
        "pair/<token>/": f"/pair/{opened.token}/",
        "DELETE /c/<id>/": f"/c/{doomed.uuid}/",
        "c/<id>/messages/<id>/edit": f"/c/{conversation.uuid}/messages/{run.prompt.uuid}/edit",
        "c/<id>/": f"/c/{conversation.uuid}/",
        **{
            path: f"/{path}".replace("<id>", "{}").format(run.uuid, waiting(run).uuid)
            for path in CALLS
        },
        "runs/<id>/": f"/runs/{run.uuid}/",
        "shares/<id>/": f"/shares/{shared.uuid}/",
        "devices/<id>/": f"/devices/{phone.uuid}/",
    }


def path_of(address, places):
    path = address.split()[1]
    if address in places:
        return places[address]
    for pattern, place in places.items():
        if path.startswith(f"/{pattern}"):
            return place + path.removeprefix(f"/{pattern}")
    return path


WRITING = [it for it in sorted(addresses()) if not it.startswith("GET") and "presence" not in it]


@pytest.mark.parametrize("address", WRITING)
@pytest.mark.django_db
def test_a_request_takes_the_fields_on_the_page(address, laptop, places, taken):
    signing = "sign-in" in address or "pair/" in address
    api = Api(Client() if signing else browser_of(laptop))
    method = address.split()[0].lower()

    api(method, path_of(address, places), {})

    assert (taken or [set()])[0] == fields(documented()[address])


def test_presence_takes_the_fields_on_the_page():
    assert set(told(b"{}")) == fields(documented()["POST /c/<id>/presence"])


@pytest.mark.django_db
def test_the_shapes_are_those_on_the_page(conversation, laptop):
    api = Api(browser_of(laptop))
    _, run, _ = conversation.post("Hello", laptop)
    here = f"/c/{conversation.uuid}/"
    whole = api("get", here).json()
    entry = api("get", "/c/").json()["conversations"][0]
    pairing = api("post", f"{here}pair").json()
    shapes = {
        "conversation": api("patch", here, {}).json(),
        "entry": entry,
        "message": whole["messages"][0],
        "answer": whole["runs"][0],
        "run": api("get", f"/runs/{run.uuid}/").json(),
        "call": api("post", serializers.call(waiting(run))["url"], {"decision": "denied"}).json(),
        "device": api("get", "/devices/").json()["devices"][0],
        "pairing": api("get", pairing["url"]).json(),
        "attachment": api.client.post("/attachments/", {"file": BytesIO(png())}, **JSON).json(),
    }

    said = sections(PAGE)

    assert {name: fields(said[name]) for name in shapes} == {
        name: set(shape) for name, shape in shapes.items()
    }
    assert set(whole) == fields(said["conversation"]) | {"messages", "runs"}
    secrets = documented()["POST /c/<id>/pair"]
    assert {
        it for it in pairing.keys() - shapes["pairing"].keys() if f"`{it}`" not in secrets
    } == set()
