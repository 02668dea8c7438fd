"""Signing in and out, health, and Markdown on demand."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.test import Client

from streams import access
from tests.factories import PASSWORD

from .conftest import Api

pytestmark = pytest.mark.django_db


def test_signing_in_by_form_leads_on(anna):
    client = Client()
    given = {"username": "anna", "password": PASSWORD}
    assert client.post("/sign-in/?next=/c/", given)["Location"] == "/c/"
    assert anna.streams_devices.count() == 1
    assert client.get("/c/").status_code == 200
    assert anna.streams_devices.count() == 1


@pytest.mark.parametrize("as_program", [False, True])
def test_a_session_nobody_has_used_yet_ends_with_all_the_others(page, anna, as_program):
    """It is on the list from its first moment, and not only once it asks for something."""
    dormant = Client(headers={"Accept": "application/json"} if as_program else {})
    given = {"username": "anna", "password": PASSWORD}
    kind = {"content_type": "application/json"} if as_program else {}
    dormant.post("/sign-in/", given, **kind)
    assert anna.streams_devices.count() == 2
    page.post("/devices/revoke-others")
    assert Api(dormant)("get", "/c/").status_code == 401


def test_signing_in_as_another_person_is_a_device_of_theirs(page, anna, bert, laptop):
    page.post("/sign-out/")
    page.post("/sign-in/", {"username": "bert", "password": PASSWORD})
    assert bert.streams_devices.count() == 1
    assert Api(page)("get", "/devices/").json()["devices"][0]["this"] is True


def test_signing_in_nowhere_else_than_here(anna):
    given = {"username": "anna", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post("/sign-in/", given)["Location"] == "/c/"


def test_a_wrong_password_is_said_once_and_the_name_stays(anna):
    response = Client().post("/sign-in/", {"username": "anna", "password": "wrong"})
    assert "belong together" in response.content.decode()
    assert 'value="anna"' in response.content.decode()


def test_after_a_wrong_password_it_is_the_password_one_types_again(anna):
    focused = re.compile(r'<input name="(\w+)"[^>]*autofocus')
    client = Client()
    assert focused.findall(client.get("/sign-in/").content.decode()) == ["username"]
    again = client.post("/sign-in/", {"username": "anna", "password": "wrong"})
    assert focused.findall(again.content.decode()) == ["password"]


def test_who_was_thrown_out_is_told_why_until_signing_in_again(page, anna, laptop):
    why = "This device was signed out from another one"
    assert why not in Client().get("/sign-in/").content.decode()
    laptop.revoke()
    assert page.get("/c/").headers["Location"] == "/sign-in/?next=/c/"
    assert why in page.get("/sign-in/?next=/c/").content.decode()
    page.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    page.post("/sign-out/")
    assert why not in page.get("/sign-in/").content.decode()


def test_signing_in_and_out_as_a_program(stranger, anna):
    given = {"username": "anna", "password": PASSWORD}
    wrong = stranger("post", "/sign-in/", given | {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "not_signed_in")
    assert stranger("post", "/sign-in/", {"username": 1}).status_code == 422
    assert stranger("post", "/sign-in/", given).json() == {"username": "anna"}
    assert stranger("get", "/c/").status_code == 200
    assert stranger("post", "/sign-out/").status_code == 204
    assert stranger("get", "/c/").status_code == 401


def test_a_session_survives_a_new_secret_also_where_the_first_answer_is_a_refusal(api, settings):
    """Django gives such a session a new key, whose cookie travels with whatever is answered."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new-" + "k" * 50
    assert api("get", "/nowhere").status_code == 404
    assert api("get", "/c/").status_code == 200


def test_a_refusal_says_what_it_depends_on(api):
    assert {"Accept", "Cookie"} <= set(api("get", "/nowhere")["Vary"].split(", "))


def test_signing_out_by_form(page):
    assert page.post("/sign-out/")["Location"] == "/sign-in/"
    assert page.get("/c/").status_code == 302


def test_home_is_the_list(page):
    assert page.get("/")["Location"] == "/c/"


def test_health_needs_nobody(stranger):
    assert stranger("get", "/healthz").json() == {"status": "ok"}
    assert stranger("get", "/readyz").json()["status"] == "ok"


def test_health_asks_no_cookie_no_host_name_and_no_database(
    page, settings, django_assert_num_queries
):
    settings.SECURE_SSL_REDIRECT = True
    with django_assert_num_queries(0):
        answer = page.get("/healthz", headers={"Host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_not_ready_until_the_migrations_have_run(stranger):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="streams").order_by("name").last().delete()
    response = stranger("get", "/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "migrations to run")


def test_markdown_closes_what_is_closed_and_counts_as_javascript_does(api):
    answer = api("post", "/render", {"text": "😀 *a*\n\nb **c"}).json()
    assert answer["length"] == 0  # "b" stands in a line that is not finished
    answer = api("post", "/render", {"text": "😀 *a*\n\nb **c\n"}).json()
    assert answer["closed"] == '<p dir="auto">😀 <em>a</em></p>\n'
    assert answer["length"] == len("😀 *a*\n\n") + 1
    assert answer["open"] == '<p dir="auto">b **c</p>\n'


def test_growing_text_reads_as_it_most_likely_will_and_ended_text_as_it_is(api):
    growing = api("post", "/render", {"text": "b **c"}).json()
    assert growing["open"] == '<p dir="auto">b <strong>c</strong></p>\n'
    ended = api("post", "/render", {"text": "b **c", "ended": True}).json()
    assert ended["open"] == '<p dir="auto">b **c</p>\n'


def test_markdown_is_bounded_and_touches_no_conversation(api, django_assert_num_queries):
    with django_assert_num_queries(1):  # session, user and device
        api("post", "/render", {"text": "x"})
    assert api("post", "/render", {"text": "x" * 100_001}).status_code == 413
    assert api("post", "/render", {}).status_code == 422


def test_a_session_of_an_older_secret_key_goes_on_and_is_signed_anew(page, settings, anna, laptop):
    old = page.session[HASH_SESSION_KEY]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 60
    assert page.get("/c/").status_code == 200
    assert page.session[HASH_SESSION_KEY] not in ("", old)
    assert anna.streams_devices.get() == laptop


def test_a_session_goes_on_though_its_devices_cookie_was_lost(page, anna, laptop):
    del page.cookies[access.DEVICE_COOKIE]
    assert page.get("/c/").status_code == 200
    assert access.DEVICE_COOKIE in page.cookies
    assert anna.streams_devices.get() == laptop


def test_anothers_device_cookie_speaks_for_nobody(page, bert_api, anna, laptop):
    page.cookies[access.DEVICE_COOKIE] = bert_api.client.cookies[access.DEVICE_COOKIE].value
    assert page.get("/c/").status_code == 200
    known = {access.DEVICE_COOKIE: page.cookies[access.DEVICE_COOKIE].value}
    assert access.device_key(known) == laptop.key


def test_a_session_of_a_backend_no_longer_in_use_speaks_for_nobody(api, settings):
    assert api("get", "/c/").status_code == 200
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert api("get", "/c/").status_code == 401
