"""The list of devices, signing each of them out, and a new password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from streams import access
from streams.models import Device, DeviceSession
from streams.views.relative_time import ago
from tests.factories import PASSWORD, ConversationFactory, DeviceFactory, UserFactory

from .conftest import Api, browser_of

pytestmark = pytest.mark.django_db
NEW = "battery staple 9"


def signed_in(user):
    """Which of the user's devices are, by name."""
    return [each.name for each in user.streams_devices.signed_in().order_by("pk")]


def test_devices_are_listed_with_this_one_first_and_where_each_stands(
    api, laptop, phone, conversation
):
    conversation.change(laptop, title="Soup")
    DeviceSession.visit(phone, ConversationFactory(owner=laptop.user))
    DeviceSession.visit(phone, conversation)
    first, second = api("get", "/devices/").json()["devices"]
    assert (first["name"], first["this"], first["conversation"]) == ("Laptop", True, None)
    assert (second["name"], second["this"], second["kind"]) == ("Phone", False, "phone")
    assert second["conversation"]["name"] == "Soup"
    assert api("get", f"/devices/{phone.uuid}/").json() == second


def test_a_deleted_conversation_is_no_place_to_be(api, page, phone, conversation, laptop):
    before = ConversationFactory(owner=laptop.user, title="Bread")
    DeviceSession.visit(phone, before)
    conversation.change(laptop, title="Soup")
    DeviceSession.visit(phone, conversation)
    conversation.delete_softly(laptop)
    assert api("get", f"/devices/{phone.uuid}/").json()["conversation"]["name"] == "Bread"
    assert "Soup" not in page.get("/devices/").content.decode()
    before.delete_softly(laptop)
    assert api("get", f"/devices/{phone.uuid}/").json()["conversation"] is None


def test_the_page_says_it_in_words(page, phone, conversation, laptop):
    conversation.post("What is in the soup?", laptop)
    DeviceSession.visit(phone, conversation)
    Device.objects.filter(pk=phone.pk).update(
        last_seen_at=phone.last_seen_at - timedelta(minutes=5)
    )
    html = page.get("/devices/").content.decode()
    assert "This device" in html
    assert "Seen 5 minutes ago, last in" in html
    assert "What is in the soup?</a>" in html


def test_a_list_costs_the_same_with_many_devices(api, anna, django_assert_max_num_queries):
    for _ in range(20):
        DeviceSession.visit(DeviceFactory(user=anna), ConversationFactory(owner=anna))
    with django_assert_max_num_queries(6):
        api("get", "/devices/")


def test_a_device_is_renamed(api, page, phone):
    path = f"/devices/{phone.uuid}/"
    assert api("patch", path, {"name": "  Anna's   phone "}).status_code == 204
    phone.refresh_from_db()
    assert phone.name == "Anna's phone"
    refused = api("patch", path, {"name": " "})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "name")
    assert api("patch", path, {"name": "x" * 81}).status_code == 422
    assert page.post(path, {"_method": "PATCH", "name": "By form"})["Location"] == "/devices/"
    assert "needs a name" in page.post(path, {"_method": "PATCH", "name": ""}).content.decode()


def test_someone_elses_device_is_not_there(bert_api, phone):
    for method, path in (("get", ""), ("patch", ""), ("post", "revoke")):
        answer = bert_api(method, f"/devices/{phone.uuid}/{path}", {} if method != "get" else None)
        assert answer.status_code == 404
    phone.refresh_from_db()
    assert phone.revoked_at is None


def test_a_revoked_device_is_refused_from_then_on(api, phone):
    theirs = browser_of(phone)
    assert theirs.get("/c/").status_code == 200
    for _ in range(2):
        assert api("post", f"/devices/{phone.uuid}/revoke").status_code == 204
    refused = Api(theirs)("get", "/c/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "not_signed_in")
    assert theirs.get("/c/")["Location"] == "/sign-in/?next=/c/"
    assert [each["name"] for each in api("get", "/devices/").json()["devices"]] == ["Laptop"]


def test_a_device_may_revoke_itself(page, laptop):
    assert page.post(f"/devices/{laptop.uuid}/revoke")["Location"] == "/sign-in/"
    assert page.get("/devices/").status_code == 302


def test_a_device_that_signs_in_again_is_another_with_the_same_name(page, anna, phone):
    phone.rename("Anna's phone")
    theirs = browser_of(phone)
    page.post(f"/devices/{phone.uuid}/revoke")
    theirs.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    theirs.get("/c/")
    again = anna.streams_devices.get(name="Anna's phone", revoked_at=None)
    assert again.pk != phone.pk
    assert again.key != phone.key


def test_a_device_that_signed_out_is_known_when_its_person_comes_back(page, anna, laptop):
    laptop.rename("Desk")
    page.post("/sign-out/")
    assert signed_in(anna) == []
    page.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    shown = Api(page)("get", "/devices/").json()["devices"]
    assert [(each["id"], each["name"], each["this"]) for each in shown] == [
        (str(laptop.uuid), "Desk", True)
    ]
    assert anna.streams_devices.get() == laptop


def test_another_person_at_the_same_browser_has_a_device_of_their_own(page, anna, bert, laptop):
    page.post("/sign-out/")
    page.post("/sign-in/", {"username": "bert", "password": PASSWORD})
    page.get("/c/")
    own = bert.streams_devices.get()
    assert own.key != laptop.key
    assert signed_in(anna) == []
    assert Api(page)("get", f"/devices/{laptop.uuid}/").status_code == 404


def test_a_key_that_is_remembered_lets_nobody_in(page, laptop):
    session = page.cookies["sessionid"].value
    page.post("/sign-out/")
    assert page.cookies[access.DEVICE_COOKIE].value
    for cookie in ("", session):
        page.cookies["sessionid"] = cookie
        assert page.get("/c/")["Location"] == "/sign-in/?next=/c/"
        assert Api(page)("get", "/devices/").status_code == 401
    laptop.refresh_from_db()
    assert laptop.signed_out_at


def test_a_device_that_was_revoked_does_not_come_back_by_signing_out(page, anna, laptop):
    page.post(f"/devices/{laptop.uuid}/revoke")
    laptop.sign_out()
    page.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    page.get("/c/")
    laptop.refresh_from_db()
    assert laptop.revoked_at
    assert anna.streams_devices.signed_in().get() != laptop


def test_signing_out_everywhere_else_leaves_those_that_have_signed_out(api, anna, phone):
    phone.sign_out()
    assert api("post", "/devices/revoke-others").json() == {"signed_out": 0}
    phone.refresh_from_db()
    assert phone.revoked_at is None


def test_signing_out_is_for_good_for_a_copy_of_the_session_too(page, anna, laptop):
    copy = browser_of(laptop)
    page.post("/sign-out/")
    assert signed_in(anna) == []
    page.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    assert page.get("/c/").status_code == 200
    assert copy.get("/c/").status_code == 302


def test_signing_out_everywhere_else(api, page, anna, bert, phone):
    DeviceFactory(user=anna, name="Tablet")
    DeviceFactory(user=bert, name="Bert's")
    assert api("post", "/devices/revoke-others").json() == {"signed_out": 2}
    assert signed_in(anna) == ["Laptop"]
    assert signed_in(bert) == ["Bert's"]
    assert (
        "signed out everywhere else"
        in page.post("/devices/revoke-others", follow=True).content.decode()
    )


def test_a_new_password_signs_out_every_other_device(page, anna, phone):
    theirs = browser_of(phone)
    response = page.post("/password/", {"old": PASSWORD, "new": NEW}, follow=True)
    assert "Every other device is signed out" in response.content.decode()
    assert signed_in(anna) == ["Laptop"]
    assert page.get("/c/").status_code == 200
    assert theirs.get("/c/").status_code == 302


def test_a_wrong_or_weak_password_changes_nothing(api, page, anna, phone):
    wrong = api("post", "/password/", {"old": "wrong", "new": NEW})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "old")
    weak = api("post", "/password/", {"old": PASSWORD, "new": "12345"})
    assert (weak.status_code, weak.json()["error"]["field"]) == (422, "new")
    assert api("post", "/password/", {}).status_code == 422
    response = page.post("/password/", {"old": "wrong", "new": NEW})
    assert (response.status_code, "incorrectly" in response.content.decode()) == (422, True)
    assert signed_in(anna) == ["Laptop", "Phone"]
    assert api("post", "/password/", {"old": PASSWORD, "new": NEW}).status_code == 204


def test_a_password_is_not_guessed_by_whoever_has_the_session(api):
    for _ in range(10):
        assert api("post", "/password/", {"old": "wrong", "new": NEW}).status_code == 422
    assert api("post", "/password/", {"old": PASSWORD, "new": NEW}).status_code == 429


@pytest.fixture
def oncall(db):
    client = Client()
    client.force_login(UserFactory(username="oncall", is_staff=True, is_superuser=True))
    return client


def test_a_password_set_or_a_user_deactivated_in_the_admin_is_signed_out(oncall, anna, laptop):
    given = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    path = reverse("admin:auth_user_password_change", args=[anna.pk])
    assert oncall.post(path, given | {"password2": "other"}).status_code == 200
    assert signed_in(anna) == ["Laptop"]
    assert oncall.post(path, given).status_code == 302
    assert signed_in(anna) == []
    DeviceFactory(user=anna, name="Phone")
    path = reverse("admin:auth_user_change", args=[anna.pk])
    known = {"username": "anna", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert oncall.post(path, known | {"is_active": "on"}).status_code == 302
    assert signed_in(anna) == ["Phone"]
    assert oncall.post(path, known).status_code == 302
    assert signed_in(anna) == []


def test_the_admin_changes_ones_own_password_where_everyone_does(oncall):
    assert oncall.get("/admin/password_change/")["Location"] == "/password/"
    oncall.get("/c/")
    oncall.post("/admin/logout/")
    assert not Device.objects.signed_in().exists()


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ((5, 1, 12, 0), "1 minute ago"), ((5, 1, 11, 2), "58 minutes ago"),
        ((5, 1, 9, 0), "3 hours ago"), ((4, 30, 10, 0), "yesterday"),
        ((4, 27, 10, 0), "4 days ago"), ((3, 9, 10, 0), "on 9 March"),
    ],
)  # fmt: skip
def test_times_are_said_as_people_say_them(moment, words):
    now = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    assert ago(datetime(2026, *moment, tzinfo=UTC), now) == words


def test_last_year_is_said_with_its_year():
    now = datetime(2026, 1, 10, tzinfo=UTC)
    assert ago(datetime(2025, 12, 24, tzinfo=UTC), now) == "on 24 December 2025"


CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"


def test_two_devices_of_one_name_are_told_apart(anna, bert, api, page, laptop):
    first = Device.introduce(anna.pk, CHROME)
    second = Device.introduce(anna.pk, CHROME)
    third = Device.introduce(anna.pk, CHROME)
    names = ["Chrome on Linux", "Chrome on Linux (2)", "Chrome on Linux (3)"]
    assert [it.name for it in (first, second, third)] == names
    assert Device.introduce(bert.pk, CHROME).name == "Chrome on Linux"
    first.sign_out()
    assert Device.introduce(anna.pk, CHROME).name == "Chrome on Linux"
    first.come_back()
    assert Device.objects.get(pk=first.pk).name == "Chrome on Linux (4)"
    second.sign_out()
    second.come_back()
    assert Device.objects.get(pk=second.pk).name == "Chrome on Linux (2)"
    longest = Device.introduce(anna.pk, "", "x" * 80), Device.introduce(anna.pk, "", "x" * 80)
    assert [len(it.name) for it in longest] == [80, 75]
    Device.objects.filter(pk=third.pk).update(created_at=third.created_at - timedelta(days=3))
    html = page.get("/devices/").content.decode()
    assert "First signed in 3 days ago" in html
    assert "First signed in just now" in html


def test_a_device_is_named_in_the_language_of_who_signs_in(anna):
    with override("de"):
        assert Device.introduce(anna.pk, CHROME).name == "Chrome unter Linux"
        assert Device.introduce(anna.pk, "").name == "Unbekanntes Gerät"
