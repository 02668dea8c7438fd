"""A device's subscription to notifications is its owner's alone, and only public addresses are
accepted.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from streams.models import PushSubscription
from tests.factories import DeviceFactory

from .conftest import Api, browser_of

pytestmark = pytest.mark.django_db

POINT = urlsafe_b64encode(b"\4" + bytes(64)).decode().rstrip("=")
AUTH = urlsafe_b64encode(bytes(16)).decode().rstrip("=")
GIVEN = {"endpoint": "https://push.example/abc", "p256dh": POINT, "auth": AUTH}


@pytest.fixture(autouse=True)
def _set_up(settings):
    push = {
        "private_key": "x0BeeyKmZaEH7Kdl9lZGx7gIZHQXXnXS-o8mR-G0MOE",
        "subject": "mailto:us@example.com",
    }
    settings.STREAMS = {**settings.STREAMS, "push": push}


def test_a_device_subscribes_again_and_leaves(api, laptop):
    place = f"/devices/{laptop.uuid}/push"
    assert api("put", place, GIVEN).status_code == 204
    assert api("put", place, GIVEN | {"endpoint": "https://push.example/new"}).status_code == 204
    assert api("get", place).json()["subscribed"] is True
    assert [it.endpoint for it in laptop.push_subscriptions.all()] == ["https://push.example/new"]
    assert api("delete", place).status_code == 204
    assert api("get", place).json()["subscribed"] is False


def test_a_browser_that_another_person_uses_now_is_told_of_theirs_alone(api, laptop, bert):
    theirs = DeviceFactory(user=bert)
    api("put", f"/devices/{laptop.uuid}/push", GIVEN)
    Api(browser_of(theirs))("put", f"/devices/{theirs.uuid}/push", GIVEN)
    assert [it.device for it in PushSubscription.objects.all()] == [theirs]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpoint", "http://push.example/abc"),
        ("endpoint", "https://127.0.0.1/abc"),
        ("endpoint", "https://[::ffff:10.0.0.1]/abc"),
        ("endpoint", "https://169.254.169.254/latest"),
        ("endpoint", "https://push.example:8443/abc"),
        ("endpoint", "https://user@push.example/abc"),
        ("endpoint", "https://[push.example/abc"),
        ("endpoint", "https://push.example/" + "a" * 1000),
        ("endpoint", "https://push.example/é"),
        ("endpoint", ""),
        ("p256dh", AUTH),
        ("p256dh", "A" * 87),
        ("p256dh", "é"),
        ("auth", POINT),
        ("auth", "!" * 22),
    ],
)
def test_what_no_browser_gives_is_refused(api, laptop, name, value):
    said = api("put", f"/devices/{laptop.uuid}/push", GIVEN | {name: value})
    assert (said.status_code, said.json()["error"]["field"]) == (422, name)
    assert not PushSubscription.objects.exists()


def test_a_device_that_is_revoked_takes_its_subscription_along(api, laptop, phone):
    api("put", f"/devices/{phone.uuid}/push", GIVEN)
    phone.revoke()
    assert not PushSubscription.objects.exists()


def test_the_script_is_of_this_origin_and_in_the_browsers_language(page):
    script = page.get("/devices/push.js", headers={"Accept-Language": "de"})
    assert script["Content-Type"].startswith("text/javascript")
    words = script.content.decode()
    assert "Deine Antwort ist da." in words or "Ihre Antwort ist da." in words
    assert '"/c/00000000' in words
    assert "fetch" not in words
    assert "caches" not in words


@pytest.mark.parametrize(
    "push",
    [
        {"private_key": "no key", "subject": "mailto:us@example.com"},
        {"private_key": "A" * 43, "subject": "mailto:us@example.com"},
        {"private_key": "x0BeeyKmZaEH7Kdl9lZGx7gIZHQXXnXS-o8mR-G0MOE"},
    ],
    ids=["no base64", "no key of the curve", "no subject"],
)
def test_notifications_that_cannot_be_signed_are_not_offered(settings, api, laptop, push):
    settings.STREAMS = {**settings.STREAMS, "push": push}
    place = f"/devices/{laptop.uuid}/push"
    page = browser_of(laptop).get("/devices/", headers={"accept": "text/html"})
    assert (page.status_code, b"streams-push" in page.content) == (200, False)
    assert api("get", place).json() == {"key": "", "subscribed": False}
    assert api("put", place, GIVEN).status_code == 404
