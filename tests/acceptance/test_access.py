"""Whoever may open the page of a conversation may open its stream, and nobody else."""

from __future__ import annotations

import httpx
import pytest
from django.utils import timezone

from streams import access
from streams.models import Device
from tests.client import cookies_of
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(standing):
    return standing()


@pytest.fixture
def get(web, conversation):
    """The status and error code of a stream request, closed as soon as it is known."""

    def ask(cookies, path=None, method="GET", **headers):
        path = path or f"/c/{conversation.uuid}/events"
        with (
            httpx.Client(base_url=web.url, cookies=cookies, headers=headers) as http,
            http.stream(method, path) as response,
        ):
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                return response.status_code, next(response.iter_lines())[:5]
            body = response.read()
            return response.status_code, response.json()["error"]["code"] if body else None

    return ask


def test_the_owner_gets_the_stream(get, laptop):
    assert get(cookies_of(laptop)) == (200, "retry")


def test_nobody_is_told_to_sign_in(get, laptop):
    assert get({}) == (401, "not_signed_in")
    cookies = cookies_of(laptop)
    assert get({"sessionid": cookies["sessionid"]}) == (401, "not_signed_in")
    assert get({access.DEVICE_COOKIE: cookies[access.DEVICE_COOKIE]}) == (401, "not_signed_in")
    assert get(cookies | {access.DEVICE_COOKIE: cookies[access.DEVICE_COOKIE] + "x"}) == (
        401,
        "not_signed_in",
    )


def test_another_device_of_the_same_user_does_not_go_with_this_session(get, laptop, phone):
    assert (
        get(cookies_of(laptop) | {access.DEVICE_COOKIE: cookies_of(phone)[access.DEVICE_COOKIE]})[0]
        == 401
    )


def test_someone_elses_and_nothing_there_look_the_same(get, bert, conversation, laptop):
    _, run, _ = conversation.post("Hello", laptop)
    theirs = cookies_of(DeviceFactory(user=bert))
    nothing = "00000000-0000-4000-8000-000000000000"
    assert get(theirs) == get(theirs, f"/c/{nothing}/events") == (404, "not_found")
    assert get(theirs, f"/runs/{run.uuid}/events") == (404, "not_found")
    assert get(cookies_of(laptop), f"/runs/{run.uuid}/events")[0] == 200


def test_a_changed_password_a_revoked_device_a_deactivated_user_are_signed_out(get, anna, laptop):
    cookies = cookies_of(laptop)
    Device.objects.filter(pk=laptop.pk).update(revoked_at=timezone.now())
    assert get(cookies) == (401, "not_signed_in")
    Device.objects.filter(pk=laptop.pk).update(revoked_at=None)
    assert get(cookies)[0] == 200
    anna.is_active = False
    anna.save()
    assert get(cookies) == (401, "not_signed_in")
    anna.is_active = True
    anna.set_password("another")
    anna.save()
    assert get(cookies) == (401, "not_signed_in")


def test_a_deleted_conversation_is_not_there(get, conversation, laptop):
    conversation.delete_softly(laptop)
    assert get(cookies_of(laptop)) == (404, "not_found")


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 30])
def test_a_malformed_cursor_is_400(get, laptop, conversation, cursor):
    path = f"/c/{conversation.uuid}/events?after={cursor}"
    assert get(cookies_of(laptop), path) == (400, "bad_cursor")
    assert get(cookies_of(laptop), **{"Last-Event-ID": cursor}) == (400, "bad_cursor")


def test_a_foreign_host_and_another_method_are_refused(get, laptop):
    assert get(cookies_of(laptop), Host="evil.example") == (400, "bad_request")
    assert get(cookies_of(laptop), method="POST") == (405, "method_not_allowed")


def test_the_stream_of_an_ended_run_is_204_at_its_end(get, conversation, laptop):
    _, run, _ = conversation.post("Hello", laptop)
    run.cancel(laptop)
    path = f"/runs/{run.uuid}/events"
    assert get(cookies_of(laptop), f"{path}?after=2")[0] == 200
    assert get(cookies_of(laptop), f"{path}?after=3") == (204, None)
