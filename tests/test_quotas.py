"""Each quota of a person: its limit, status, code and Retry-After."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import Client
from django.utils import timezone

from chatstream.dev.supervisor import unlimited
from streams.conf import UNLIMITED, Settings
from streams.exceptions import TooManyRuns, TooManyStreams
from streams.http.client_address import network
from streams.models import Attempts, Conversation, Event, Message, Run
from streams.quotas import StreamQuota
from tests.client import Client as Device
from tests.factories import PASSWORD, ConversationFactory, DeviceFactory
from tests.processes import Web
from tests.views.answers import begin, complete, fail
from tests.views.conftest import Api, browser_of

JSON = {"Accept": "application/json"}


@pytest.fixture
def api(laptop):
    return Api(browser_of(laptop))


@pytest.fixture
def limit(settings):
    def set_to(**limits):
        settings.STREAMS = UNLIMITED | limits

    return set_to


def error_of(response):
    return response.status_code, response.json()["error"]["code"]


def prompt(api, conversation, content="Hi"):
    return api("post", f"/c/{conversation.uuid}/messages", {"content": content})


@pytest.mark.django_db
def test_a_long_prompt_is_413_and_names_the_field(api, conversation, limit):
    limit(prompt_characters=5)
    response = prompt(api, conversation, "x" * 6)
    assert error_of(response) == (413, "too_large")
    assert response.json()["error"]["field"] == "content"
    assert prompt(api, conversation, "x" * 5).status_code == 201


@pytest.mark.django_db
def test_a_long_system_prompt_is_413(api, conversation, limit):
    limit(prompt_characters=5)
    assert error_of(api("post", "/c/", {"system": "x" * 6})) == (413, "too_large")
    place = f"/c/{conversation.uuid}/"
    assert error_of(api("patch", place, {"system": "x" * 6})) == (413, "too_large")


@pytest.mark.django_db
def test_a_full_conversation_is_422_and_keeps_what_it_has(api, conversation, limit):
    limit(conversation_messages=4)
    assert prompt(api, conversation).status_code == 201
    assert prompt(api, conversation).status_code == 201
    assert error_of(prompt(api, conversation)) == (422, "conversation_full")
    assert Message.objects.count() == 4


@pytest.mark.django_db
def test_too_many_answers_at_once_are_429_until_one_ends(api, anna, limit):
    limit(running_per_user=2)
    places = ConversationFactory.create_batch(3, owner=anna)
    assert [prompt(api, place).status_code for place in places[:2]] == [201, 201]
    refused = prompt(api, places[2])
    assert error_of(refused) == (429, "too_many_runs")
    assert int(refused["Retry-After"]) > 0
    run = Run.objects.earliest("pk")
    begin(run)
    assert error_of(prompt(api, places[2])) == (429, "too_many_runs")
    assert prompt(api, places[0]).status_code == 201  # behind its own, where nothing else runs
    complete(run)
    Run.objects.filter(conversation=places[0]).exclude(pk=run.pk).get().cancel(None)
    assert prompt(api, places[2]).status_code == 201


@pytest.mark.django_db
def test_too_many_waiting_prompts_are_429_and_leave_nothing_behind(api, conversation, limit):
    limit(queued_per_user=2)
    answers = [prompt(api, conversation) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 429]
    assert answers[-1]["Retry-After"]
    conversation.refresh_from_db()
    assert (Message.objects.count(), conversation.last_seq) == (6, 6)


@pytest.mark.django_db
def test_a_first_prompt_that_is_refused_makes_no_conversation(api, conversation, limit):
    limit(running_per_user=1)
    prompt(api, conversation)
    assert error_of(api("post", "/c/", {"content": "Hi"})) == (429, "too_many_runs")
    assert Conversation.objects.count() == 1


@pytest.mark.django_db
def test_trying_again_counts_like_asking(api, anna, limit):
    failed, other = ConversationFactory.create_batch(2, owner=anna)
    _, run, _ = failed.post("Hi", None)
    begin(run)
    fail(run)
    limit(running_per_user=1)
    prompt(api, other)
    assert error_of(api("post", f"/runs/{run.uuid}/retry")) == (429, "too_many_runs")


@pytest.mark.django_db
def test_another_persons_answers_are_not_mine(api, anna, bert, limit):
    limit(running_per_user=1)
    prompt(api, ConversationFactory(owner=anna))
    ConversationFactory(owner=bert).post("Hi", None)
    with pytest.raises(TooManyRuns):
        ConversationFactory(owner=bert).post("Hi", None)


@pytest.mark.django_db
def test_a_repeated_send_is_answered_at_the_limit(api, conversation, limit):
    limit(running_per_user=1, queued_per_user=1, conversation_messages=2)
    body = {"content": "Hi", "client_key": "k"}
    place = f"/c/{conversation.uuid}/messages"
    assert [api("post", place, body).status_code for _ in range(2)] == [201, 200]


@pytest.mark.django_db(transaction=True)
def test_prompts_of_the_same_moment_are_counted_one_by_one(anna, limit):
    limit(running_per_user=3)
    places = ConversationFactory.create_batch(8, owner=anna)

    def ask(place):
        try:
            place.post("Hi", None)
        except TooManyRuns:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(ask, places)) == 3


@pytest.mark.django_db
def test_by_form_the_refusal_is_a_page_with_the_prompt_still_in_it(laptop, conversation, limit):
    limit(running_per_user=1)
    page = browser_of(laptop, headers={"Accept": "text/html"})
    page.post("/c/", {"content": "One"})
    for place in ("/c/", f"/c/{conversation.uuid}/messages"):
        response = page.post(place, {"content": "Two"})
        assert (response.status_code, response["Retry-After"]) == (429, "5")
        assert "Two</textarea>" in response.content.decode()


def test_seats_are_counted_by_person_and_device_and_freed():
    seats = StreamQuota(Settings(streams_per_user=3, streams_per_device=2))
    for device in (1, 1, 2):
        seats.take(7, device)
    for device, whose in ((1, "This device"), (2, "This account")):
        with pytest.raises(TooManyStreams, match=whose):
            seats.take(7, device)
    seats.take(8, 3)
    seats.free(7, 2)
    seats.take(7, 3)


def test_zero_is_no_limit():
    seats = StreamQuota(Settings(streams_per_user=0, streams_per_device=0))
    for _ in range(1000):
        seats.take(1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_stream_too_many_is_429_and_finds_room_when_another_ends(spawn, conversation, laptop):
    web = spawn(Web, STREAMS='{"streams_per_device": 2}')
    client = async_to_sync(Device.of)(laptop)
    place = f"{web.url}/c/{conversation.uuid}/events"
    with httpx.Client(cookies=client.cookies, timeout=20, trust_env=False) as http:
        first = http.send(http.build_request("GET", place), stream=True)
        with http.stream("GET", place) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            refused = http.get(place)
            assert error_of(refused) == (429, "too_many_streams")
            assert int(refused.headers["Retry-After"]) > 0
            first.close()
            while (response := http.send(http.build_request("GET", place), stream=True)).is_error:
                response.close()
            response.close()


@pytest.mark.django_db(transaction=True)
def test_one_persons_streams_take_no_seat_of_another(spawn, bert, conversation, laptop, phone):
    web = spawn(Web, STREAMS='{"streams_per_user": 2}')
    theirs = ConversationFactory(owner=bert)
    seats = [(laptop, conversation, 200), (phone, conversation, 200), (laptop, conversation, 429),
             (DeviceFactory(user=bert), theirs, 200)]  # fmt: skip
    with ExitStack() as opened:
        for device, place, status in seats:
            cookies = async_to_sync(Device.of)(device).cookies
            http = httpx.Client(base_url=web.url, cookies=cookies, timeout=20, trust_env=False)
            stream = opened.enter_context(http).stream("GET", f"/c/{place.uuid}/events")
            assert opened.enter_context(stream).status_code == status, device.user


def sign_in(password, name="anna", address="192.0.2.1", **headers):
    """Signs in as a program with its Accept header, else by form."""
    kind = {"content_type": "application/json"} if headers else {}
    given = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post("/sign-in/", given, headers=headers, **kind)


@pytest.mark.django_db
def test_guessing_a_password_is_429_with_a_time_and_in_both_faces(anna, limit):
    limit(sign_ins=3)
    guesses = [sign_in("wrong", **JSON) for _ in range(4)]
    assert [g.status_code for g in guesses] == [401, 401, 401, 429]
    assert error_of(guesses[-1])[1] == "too_many_attempts"
    assert 0 < int(guesses[-1]["Retry-After"]) <= 300
    assert sign_in(PASSWORD, **JSON).status_code == 429
    by_form = sign_in(PASSWORD)
    assert (by_form.status_code, "Retry-After" in by_form) == (429, True)
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302  # anna herself, at home


@pytest.mark.django_db
def test_a_name_written_otherwise_is_the_same_name(anna, limit):
    limit(sign_ins=3)
    guesses = [sign_in("wrong", name=name) for name in ("anna", "anna ", "\uff41nna", " ANNA")]
    assert [guess.status_code for guess in guesses] == [200, 200, 200, 429]


@pytest.mark.django_db
def test_signing_in_clears_the_count_and_time_does(anna, limit):
    limit(sign_ins=2)
    for _ in range(3):
        assert sign_in("wrong", **JSON).status_code == 401
        assert sign_in(PASSWORD, **JSON).status_code == 200
    for _ in range(3):
        last = sign_in("wrong", **JSON)
    assert last.status_code == 429
    Attempts.objects.update(until=timezone.now())
    assert sign_in("wrong", **JSON).status_code == 401


@pytest.mark.django_db
def test_many_names_from_one_address_are_counted_together(anna, limit):
    limit(sign_ins_per_address=3)
    here = "2001:db8::{}"
    tries = [sign_in("x", f"n{n}", here.format(n + 1), **JSON).status_code for n in range(4)]
    assert tries == [401, 401, 401, 429]
    assert sign_in("x", address="2001:db8:0:1::1", **JSON).status_code == 401


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("", ""), ("unix:", "unix:"),
        ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1", "2001:db8::/64"),
    ],
)  # fmt: skip
def test_one_household_is_one_address_and_all_of_ipv4_is_not(address, counted_as):
    assert network(address) == counted_as


@pytest.mark.django_db
def test_the_admin_has_no_door_of_its_own(anna):
    response = Client().get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/sign-in/?next=/admin/"
    given = {"username": "anna", "password": PASSWORD}
    assert Client().post("/admin/login/", given).status_code == 302
    client = Client()
    client.force_login(anna)
    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.django_db
def test_the_counts_name_nobody(anna):
    sign_in("wrong")
    assert not any("anna" in row.key or "192" in row.key for row in Attempts.objects.all())
    assert Attempts.objects.count() == 2


def test_at_home_streams_and_runs_have_no_limit_unless_asked_for():
    assert json.loads(unlimited(None)) == UNLIMITED
    assert json.loads(unlimited('{"streams_per_user": 3}'))["streams_per_user"] == 3
    assert set(UNLIMITED.values()) == {0}


@pytest.mark.django_db
def test_conversations_with_nothing_in_them_have_a_bound(api, anna, laptop, limit):
    limit(empty_per_user=3)
    for _ in range(3):
        empty = api("post", "/c/", {"model": "scripted:demo"})
        assert empty.status_code == 201
        # A name is nothing said, and what is deleted stays until it is purged.
        api("patch", empty.json()["url"], {"title": "Named"})
    api("delete", empty.json()["url"])
    assert error_of(api("post", "/c/", {"model": "scripted:demo"})) == (429, "too_many_empty")
    assert api("post", "/c/", {"model": "scripted:demo", "content": "Hi"}).status_code == 201
    stranger = Api(browser_of(DeviceFactory()))
    assert stranger("post", "/c/", {"model": "scripted:demo"}).status_code == 201


@pytest.mark.django_db
def test_of_instructions_the_log_keeps_the_newest_alone(api, conversation, laptop):
    """Each change was kept for ever, and read by every device that joined."""
    place = f"/c/{conversation.uuid}/"
    for n in range(5):
        api("patch", place, {"system": f"{n}" * 50_000, "title": f"{n}"})
    conversation.refresh_from_db()
    rows = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    assert [row.data["title"] for row in rows] == [*"01234"]
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5] == [*range(1, conversation.last_seq + 1)]
    assert ["system" in row.data for row in rows] == [False] * 4 + [True]
    assert rows.last().data["system"] == conversation.system == "4" * 50_000
