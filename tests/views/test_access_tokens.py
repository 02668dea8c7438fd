"""Access tokens: made once, sent as `Authorization: Bearer`, revoked like any device."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client

from streams import access_tokens
from streams.exceptions import NotSignedIn
from streams.models import Device

from .conftest import Api

pytestmark = pytest.mark.django_db


class Program:
    """Sends a token and no cookie, and checks CSRF as a browser's client would be."""

    def __init__(self, token: str, **headers: str) -> None:
        self.client = Client(
            enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token}", **headers}
        )

    def __call__(self, method: str, path: str, body=None, **extra):
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(path, **data, **extra)


@pytest.fixture
def issued(anna):
    return Device.issue_token(anna.pk, "Script")


@pytest.fixture
def program(issued):
    return Program(issued[1])


def code(response):
    return response.status_code, response.json()["error"]["code"]


def test_a_token_is_made_on_the_page_and_never_shown_again(page, anna):
    shown = page.post("/devices/", {"name": " My  script ", "expires_days": "30"})
    device = anna.streams_devices.get(kind="api")
    token = shown.context["token"]
    assert token in shown.content.decode()
    assert (device.name, device.read_only) == ("My script", False)
    assert device.expires_at - device.created_at > timedelta(days=29)
    assert device.key == access_tokens.key_of(token) != token
    again = page.get("/devices/").content.decode()
    assert token not in again
    assert "My script" in again
    assert "Expires on" in again
    assert Program(token)("get", "/c/").status_code == 200


def test_a_token_is_made_by_json(api):
    made = api("post", "/devices/", {"name": "Backup", "read_only": True})
    assert made.status_code == 201
    device = made.json()["device"]
    assert (device["kind"], device["read_only"], device["expires_at"]) == ("api", True, None)
    assert device in api("get", "/devices/").json()["devices"]
    for wrong, field in (
        ({"name": " "}, "name"),
        ({"name": "x", "expires_days": 3651}, "expires_days"),
    ):
        refused = api("post", "/devices/", wrong)
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


def test_a_token_is_made_by_the_command(anna):
    out = StringIO()
    call_command("createtoken", "anna", name="CI", read_only=True, days=7, stdout=out)
    device = anna.streams_devices.get(name="CI")
    assert (device.kind, device.read_only) == ("api", True)
    assert Program(out.getvalue().strip())("get", "/c/").status_code == 200
    for wrong in ({"user": "nobody"}, {"user": "anna", "days": 0}, {"user": "anna", "name": ""}):
        with pytest.raises(CommandError):
            call_command("createtoken", wrong.pop("user"), **wrong)


def test_a_program_speaks_for_its_person_without_a_csrf_token(program, issued, anna):
    made = program("post", "/c/", {"content": "Hello", "model": "scripted:demo"})
    assert made.status_code == 201
    conversation = anna.streams_conversations.get()
    prompt = program("get", f"/c/{conversation.uuid}/").json()["messages"][0]
    assert prompt["device"] == issued[0].mark
    assert not made.cookies


def test_a_token_counts_whatever_cookies_are_sent_with_it(page, issued, laptop):
    headers = {"Authorization": f"Bearer {issued[1]}", "Accept": "text/html"}
    listed = page.get("/devices/", headers=headers).json()["devices"]
    assert [each["name"] for each in listed if each["this"]] == ["Script"]
    refused = page.get("/c/", headers=headers | {"Authorization": "Bearer cs_made_up"})
    assert code(refused) == (401, "not_signed_in")


def test_a_token_of_the_sites_own_is_left_to_the_site(page):
    assert page.get("/c/", headers={"Authorization": "Bearer of-the-site"}).status_code == 200


def test_a_token_that_may_only_read_changes_nothing(anna, conversation):
    _, token = Device.issue_token(anna.pk, "Backup", read_only=True)
    reader, here = Program(token), f"/c/{conversation.uuid}/"
    assert reader("get", here).status_code == 200
    assert reader("post", "/render", {"text": "*so*"}).status_code == 200
    for method, path in (
        ("post", "/c/"), ("patch", here), ("delete", here), ("post", f"{here}messages"),
        ("put", f"{here}read"), ("post", f"{here}presence"),
    ):  # fmt: skip
        assert code(reader(method, path, {})) == (403, "read_only")
    assert not conversation.messages.exists()


def test_a_token_opens_no_other_way_in(program, issued, conversation, laptop):
    here = f"/c/{conversation.uuid}/"
    for method, path in (
        ("post", "/devices/"), ("post", f"{here}pair"), ("post", "/pair/"),
        ("post", "/devices/revoke-others"), ("patch", f"/devices/{laptop.uuid}/"),
        ("post", f"/devices/{laptop.uuid}/revoke"), ("post", "/password/"),
        ("post", "/sign-in/"), ("post", "/sign-out/"),
    ):  # fmt: skip
        assert code(program(method, path, {})) == (403, "not_by_token")
    assert Device.objects.signed_in().count() == 2


@pytest.mark.parametrize("end", ["revoked", "expired", "deactivated"])
def test_a_token_ends(api, program, issued, anna, end):
    device, _ = issued
    if end == "revoked":
        assert api("post", f"/devices/{device.uuid}/revoke").status_code == 204
    elif end == "expired":
        Device.objects.filter(pk=device.pk).update(expires_at=Now() - timedelta(minutes=1))
        assert (
            "Expired on"
            in api.client.get("/devices/", headers={"Accept": "text/html"}).content.decode()
        )
    else:
        type(anna).objects.filter(pk=anna.pk).update(is_active=False)
    assert code(program("get", "/c/")) == (401, "not_signed_in")


def test_the_key_of_a_browser_is_no_token(laptop, monkeypatch):
    monkeypatch.setattr(access_tokens, "key_of", lambda token: laptop.key)
    from streams import access

    with pytest.raises(NotSignedIn):
        access.by_token("cs_x")


def test_it_says_when_a_token_was_last_used(program, issued):
    device = issued[0]
    Device.objects.filter(pk=device.pk).update(last_seen_at=Now() - timedelta(days=2))
    program("get", "/c/")
    before = device.last_seen_at
    device.refresh_from_db()
    assert device.last_seen_at >= before


def test_a_long_body_is_taken_from_whoever_sends_a_token(settings):
    token = access_tokens.new_token()
    assert access_tokens.is_signed(token)
    assert not access_tokens.is_signed(token[:-1] + ("0" if token[-1] != "0" else "1"))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 9
    assert access_tokens.is_signed(token)
    settings.SECRET_KEY_FALLBACKS = []
    assert not access_tokens.is_signed(token)


def test_a_foreign_page_is_let_in_by_setting_alone(issued, settings):
    app = {"Origin": "https://app.example.com"}
    program = Program(issued[1], **app)
    assert "access-control-allow-origin" not in program("get", "/c/").headers
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    assert program("get", "/c/").headers["access-control-allow-origin"] == app["Origin"]
    assert program("post", "/c/", {}).status_code == 201
    asked = app | {"Access-Control-Request-Method": "POST"}
    allowed = Api(Client())("options", "/c/", headers=asked).headers
    assert "authorization" in allowed["access-control-allow-headers"]


@pytest.mark.parametrize("meant", ["PUT", "DELETE"])
def test_a_form_that_means_another_method_is_no_way_round(program, laptop, meant):
    """Such a form could subscribe an address to notifications, which outlive the token."""
    form = {"_method": meant, "endpoint": "https://elsewhere.example/", "p256dh": "a", "auth": "b"}
    refused = program.client.post(f"/devices/{laptop.uuid}/push", form)
    assert code(refused) == (403, "not_by_token")
