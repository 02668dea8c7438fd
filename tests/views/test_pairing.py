"""Pairing a device: once, within a time, and only with the code."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from streams.models import Attempts, Device, Pairing
from tests.factories import DeviceFactory

from .conftest import Api, browser_of

pytestmark = pytest.mark.django_db
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def opened(api, conversation):
    """The code and link that the laptop was given to show."""
    answer = api("post", f"/c/{conversation.uuid}/pair")
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def newcomer():
    """A browser in which nobody is signed in."""
    return Client(headers={"Accept": "text/html", "User-Agent": ANDROID})


def path_of(opened):
    return opened["link"].removeprefix("http://testserver")


def state(api, opened):
    return api("get", opened["url"]).json()["state"]


def wrong(code):
    """The right first half, and never the right second."""
    return code[:5] + ("2222" if code[5:] != "2222" else "3333")


def text(response):
    return response.content.decode()


def test_opening_shows_a_link_a_code_and_a_picture_and_keeps_none_of_them(opened):
    assert re.fullmatch(r"http://testserver/pair/[\w-]{22}/", opened["link"])
    assert re.fullmatch(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", opened["code"])
    assert opened["qr"].startswith("<svg")
    assert "style" not in opened["qr"]
    assert 115 <= opened["expires_in"] <= 120
    row = str(Pairing.objects.values().get())
    assert path_of(opened).split("/")[2] not in row
    assert opened["code"][5:] not in row


def test_the_link_shows_who_asks_and_joins_by_post(api, opened, newcomer, anna, conversation):
    conversation.change(None, title="A secret soup")
    page = text(newcomer.get(path_of(opened)))
    assert "Continue here as anna?" in page
    assert "<strong>Laptop</strong> asks" in page
    assert "secret soup" not in page
    response = newcomer.post(path_of(opened), {"confirm": "true"})
    assert (response.status_code, response["Location"]) == (303, f"/c/{conversation.uuid}/")
    assert newcomer.get(response["Location"]).status_code == 200
    phone = anna.streams_devices.get(kind="phone")
    assert phone.name == "Chrome on Android"
    told = api("get", opened["url"]).json()
    assert told["state"] == "joined"
    assert told["device"] == {"id": str(phone.uuid), "name": phone.name, "kind": "phone"}


def test_the_code_shows_who_asks_and_joins_by_a_second_post(opened, newcomer, conversation, anna):
    typed = opened["code"].lower().replace("-", " ")
    page = text(newcomer.post("/pair/", {"code": typed}))
    assert "Continue here as anna?" in page
    assert anna.streams_devices.count() == 1
    response = newcomer.post("/pair/", {"code": typed, "confirm": "true"})
    assert response["Location"] == f"/c/{conversation.uuid}/"
    assert anna.streams_devices.count() == 2


def test_a_program_pairs_too(opened, stranger, conversation):
    asked = stranger("post", "/pair/", {"code": opened["code"]}).json()
    assert (asked["username"], asked["device"]["name"]) == ("anna", "Laptop")
    joined = stranger("post", path_of(opened), {}).json()
    assert joined["conversation"]["url"] == f"/c/{conversation.uuid}/"
    assert stranger("get", "/devices/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Slackbot-LinkExpanding 1.0"}, {"Sec-Purpose": "prefetch"},
        {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}, {},
    ],
)  # fmt: skip
def test_whoever_only_looks_uses_nothing_up(api, opened, newcomer, headers, anna):
    before = Pairing.objects.values().get()
    for _ in range(10):
        assert newcomer.get(path_of(opened), headers=headers).status_code == 200
        assert newcomer.head(path_of(opened), headers=headers).status_code == 200
    assert Pairing.objects.values().get() == before
    assert "sessionid" not in newcomer.cookies
    assert anna.streams_devices.count() == 1
    assert newcomer.post(path_of(opened)).status_code == 303


def test_nothing_on_the_way_may_keep_a_secret(api, page, opened, newcomer, conversation):
    assert newcomer.get(path_of(opened))["Cache-Control"] == "no-store"
    for client in (api.client, page):
        assert client.post(f"/c/{conversation.uuid}/pair")["Cache-Control"] == "no-store"
    assert newcomer.get(path_of(opened))["Referrer-Policy"] == "same-origin"


def test_a_forged_form_joins_nobody(opened):
    careful = Client(enforce_csrf_checks=True)
    assert careful.post(path_of(opened)).status_code == 403
    program = careful.post(path_of(opened), headers={"Accept": "application/json"})
    assert program.json()["error"]["code"] == "csrf"
    assert state_of_the_only() == "waiting"


def state_of_the_only():
    return Pairing.known().get().state


def test_it_works_once(opened, newcomer):
    newcomer.post(path_of(opened))
    second = Client(headers={"Accept": "text/html"})
    for again in (second.get(path_of(opened)), second.post(path_of(opened))):
        assert again.status_code == 410
        assert "has been used" in text(again)
    typed = Api(second)("post", "/pair/", {"code": opened["code"], "confirm": True})
    assert (typed.status_code, typed.json()["error"]["code"]) == (410, "pairing_ended")
    assert second.get("/c/").status_code == 302


def test_it_runs_out(api, opened, newcomer, anna):
    Pairing.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for late in (newcomer.get(path_of(opened)), newcomer.post(path_of(opened))):
        assert late.status_code == 410
        assert "has run out" in text(late)
    assert newcomer.post("/pair/", {"code": opened["code"]}).status_code == 410
    assert state(api, opened) == "expired"
    assert anna.streams_devices.count() == 1


def test_a_code_ends_with_the_sign_out_of_its_device_for_good(api, opened, newcomer, laptop):
    laptop.sign_out()
    laptop.come_back()
    assert newcomer.post(path_of(opened), {"confirm": "true"}).status_code == 410
    assert not Device.objects.filter(kind="phone").exists()


def test_a_new_one_takes_the_place_of_the_one_before(api, opened, newcomer, conversation):
    api("post", f"/c/{conversation.uuid}/pair")
    assert newcomer.get(path_of(opened)).status_code == 404
    assert newcomer.post("/pair/", {"code": opened["code"]}).status_code == 422
    assert api("get", opened["url"]).status_code == 404


def test_a_guessed_code_is_wrong_and_five_wrong_tries_end_it(api, opened, newcomer):
    for _ in range(5):
        guessed = newcomer.post("/pair/", {"code": wrong(opened["code"])})
        assert guessed.status_code == 422
        assert "isn&#x27;t right" in text(guessed)
        assert 'value="' + wrong(opened["code"]) in text(guessed)
    right = newcomer.post("/pair/", {"code": opened["code"]})
    assert (right.status_code, "too often" in text(right)) == (410, True)
    assert newcomer.get(path_of(opened)).status_code == 410
    assert state(api, opened) == "locked"


def test_right_tries_are_not_held_against_it(opened, newcomer):
    for _ in range(8):
        assert newcomer.post("/pair/", {"code": opened["code"]}).status_code == 200


def test_one_address_guesses_twenty_times_at_most(opened, stranger, api):
    for _ in range(20):
        assert stranger("post", "/pair/", {"code": "ZZZZ-ZZZZ"}).status_code == 422
    refused = stranger("post", "/pair/", {"code": opened["code"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused["Retry-After"]) <= 600
    page = Client(headers={"Accept": "text/html"}).post("/pair/", {"code": "x"})
    assert (page.status_code, "tried too often" in text(page)) == (429, True)
    elsewhere = {"Accept": "application/json"}
    asked = Client(REMOTE_ADDR="192.0.2.7").post(
        "/pair/", {"code": opened["code"]}, headers=elsewhere
    )
    assert asked.status_code == 200
    assert Client().post(path_of(opened)).status_code == 303  # a camera guesses nothing


def test_one_person_guesses_twenty_times_from_wherever(opened, bert):
    device = DeviceFactory(user=bert)
    for number in range(21):
        client = browser_of(device, REMOTE_ADDR=f"192.0.2.{number}")
        answer = Api(client)("post", "/pair/", {"code": "ZZZZ-ZZZZ"})
    assert answer.status_code == 429


def test_an_unknown_link_is_not_here(newcomer, stranger):
    assert newcomer.get("/pair/nothing-of-the-sort/").status_code == 404
    assert stranger("post", "/pair/" + "A" * 22 + "/").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("code", ["", "x", "É" * 8, "0" * 500])
def test_whatever_is_typed_is_answered(newcomer, opened, code):
    assert newcomer.post("/pair/", {"code": code}).status_code == 422


def test_someone_else_signed_in_here_is_asked_to_sign_out_first(opened, bert, api):
    theirs = browser_of(DeviceFactory(user=bert), headers={"Accept": "text/html"})
    for answer in (
        theirs.get(path_of(opened)),
        theirs.post(path_of(opened)),
        theirs.post("/pair/", {"code": opened["code"], "confirm": "true"}),
    ):
        assert answer.status_code == 409
        assert "signed in here as bert" in text(answer)
    assert state(api, opened) == "waiting"
    assert theirs.get("/c/").status_code == 200
    response = theirs.post("/sign-out/", {"next": path_of(opened)})
    assert response["Location"] == path_of(opened)
    assert theirs.post(path_of(opened)).status_code == 303


def test_the_same_person_signed_in_already_just_goes_there(opened, phone, conversation, api):
    theirs = browser_of(phone, headers={"Accept": "text/html"})
    for answer in (theirs.get(path_of(opened)), theirs.post("/pair/", {"code": opened["code"]})):
        assert answer["Location"] == f"/c/{conversation.uuid}/"
    assert state(api, opened) == "waiting"
    assert Device.objects.count() == 2


def test_a_second_browser_on_the_same_machine_is_a_device_of_its_own(opened, anna):
    second = Client()
    second.post(path_of(opened))
    second.get("/c/")
    assert anna.streams_devices.filter(revoked_at=None).count() == 2


@pytest.mark.parametrize("how", ["sign-out", "everywhere", "deactivated"])
def test_an_opener_thrown_out_lets_nobody_in(api, opened, newcomer, how, anna, phone):
    if how == "sign-out":
        api("post", "/sign-out/")
    elif how == "everywhere":
        Device.revoke_all_of(anna.pk, but=phone)
    else:
        anna.is_active = False
        anna.save()
    assert newcomer.post(path_of(opened)).status_code == 410
    assert newcomer.post("/pair/", {"code": opened["code"], "confirm": "1"}).status_code == 410
    assert newcomer.get("/c/").status_code == 302


def test_someone_elses_pairing_is_not_there(opened, bert_api, conversation):
    assert bert_api("get", opened["url"]).status_code == 404
    assert bert_api("post", f"/c/{conversation.uuid}/pair").status_code == 404


def test_the_pages_without_javascript(page, newcomer, conversation):
    shown = text(page.post(f"/c/{conversation.uuid}/pair"))
    code = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", shown)[0]
    looking = re.search(r'href="(/pair/[0-9a-f-]{36}/)"', shown)[1]
    assert "<svg" in shown
    assert " style=" not in shown
    assert "Nobody has joined yet" in text(page.get(looking))
    newcomer.post("/pair/", {"code": code, "confirm": "true"})
    assert "Chrome on Android joined" in text(page.get(looking))
    Pairing.objects.update(used_at=None, expires_at=timezone.now())
    assert "Show a new code" in text(page.get(looking))
    assert page.get(f"/c/{conversation.uuid}/pair")["Location"] == f"/c/{conversation.uuid}/"
    assert 'action="/pair/"' in text(newcomer.get("/pair/"))


def test_on_localhost_a_phone_is_told_that_it_cannot_come(api, conversation, opened, settings):
    assert opened["hint"] == ""
    api.client.defaults["HTTP_HOST"] = "127.0.0.1:8000"
    near = api("post", f"/c/{conversation.uuid}/pair").json()
    assert near["link"].startswith("http://127.0.0.1:8000/pair/")
    assert "this computer alone" in near["hint"]
    assert "--host" not in near["hint"]
    settings.DEBUG = True  # manage.py dev, whose own option lets a phone come
    near = api("post", f"/c/{conversation.uuid}/pair").json()
    assert "Start with --host 0.0.0.0" in near["hint"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_one_joins(opened, anna):
    answers = []
    barrier = threading.Barrier(6)

    def come():
        barrier.wait()
        answers.append(Client().post(path_of(opened)).status_code)
        connection.close()

    comers = [threading.Thread(target=come) for _ in range(6)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    assert sorted(answers) == [303] + [410] * 5
    assert anna.streams_devices.count() == 2


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted(opened):
    barrier = threading.Barrier(12)

    def guess(number):
        barrier.wait()
        address = f"192.0.2.{number}"
        Client(REMOTE_ADDR=address).post("/pair/", {"code": wrong(opened["code"])})
        connection.close()

    guessers = [threading.Thread(target=guess, args=[number]) for number in range(12)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    assert Pairing.objects.get().tries == 5
    assert Attempts.objects.count() == 12


def test_a_code_for_a_deleted_conversation_signs_nobody_in(
    opened, newcomer, api, page, conversation, laptop
):
    conversation.delete_softly(laptop)
    for place, given in (
        (path_of(opened), {}),
        ("/pair/", {"code": opened["code"], "confirm": "1"}),
    ):
        for client in (newcomer, page):
            assert client.post(place, given).status_code == 410
    assert newcomer.get(path_of(opened)).status_code == 410
    assert Device.objects.count() == 1
    assert Api(newcomer)("get", "/c/").status_code == 401
    assert api("get", opened["url"]).json()["state"] == "expired"
    conversation.restore()
    assert newcomer.post(path_of(opened)).status_code == 303
