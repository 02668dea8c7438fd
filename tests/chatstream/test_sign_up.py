"""New accounts: by invitations that work once, and by open registration where the site allows
it.
"""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from chatstream.models import Invitation
from streams.postgres import clock
from tests.factories import PASSWORD, UserFactory
from tests.views.conftest import Api

pytestmark = pytest.mark.django_db
GOOD = {"username": "carla", "password": "an unlikely sentence"}


@pytest.fixture
def newcomer():
    return Client(headers={"Accept": "text/html"})


def invite(**values):
    made = Invitation(**values)
    token = made.renew()
    made.save()
    return f"/invitation/{token}/"


def person(name):
    return get_user_model().objects.filter(username=name).first()


def test_nobody_signs_up_unless_the_site_says_so(newcomer, settings):
    assert newcomer.get("/sign-up/").status_code == 403
    assert newcomer.post("/sign-up/", GOOD).status_code == 403
    assert "/sign-up/" not in newcomer.get("/sign-in/").content.decode()
    assert person("carla") is None

    settings.SIGN_UP = True
    assert 'href="/sign-up/"' in newcomer.get("/sign-in/").content.decode()
    assert 'autocomplete="new-password"' in newcomer.get("/sign-up/").content.decode()
    assert newcomer.post("/sign-up/", GOOD)["Location"] == "/c/"
    assert newcomer.get("/c/").status_code == 200
    assert newcomer.get("/sign-up/").status_code == 303
    assert person("carla").check_password(GOOD["password"])
    assert not person("carla").is_staff


def test_what_is_refused_says_why_and_keeps_the_name(newcomer, settings):
    settings.SIGN_UP = True
    UserFactory(username="Anna")
    for given, told in (
        ({"username": "anna"}, "already exists"),
        ({"username": "<b>"}, "Enter a valid username"),
        ({"password": "12345678"}, "too common"),
        ({"password": ""}, "required"),
    ):
        page = newcomer.post("/sign-up/", GOOD | given)
        assert page.status_code == 422
        assert told in page.content.decode()
    assert 'value="carla"' in page.content.decode()
    api = Api(Client())
    refused = api("post", "/sign-up/", GOOD | {"password": "carla"})
    assert refused.json()["error"]["field"] == "password"
    assert api("post", "/sign-up/", {}).json()["error"]["field"] == "username"
    too_long = api("post", "/sign-up/", GOOD | {"username": "a" + "\u0316" * 9000})
    assert too_long.status_code == 413
    assert person("carla") is None


def test_an_invitation_works_once(newcomer):
    place = invite(note="Carla")
    assert newcomer.get(place).status_code == 200  # looking uses nothing up
    assert newcomer.post(place, GOOD | {"password": "x"}).status_code == 422
    assert newcomer.post(place, GOOD).status_code == 303
    known = Invitation.objects.get()
    assert known.person == person("carla")
    assert known.used_at

    second = Client(headers={"Accept": "text/html"})
    assert second.get(place).status_code == 404
    assert second.post(place, GOOD | {"username": "dora"}).status_code == 404
    assert person("dora") is None


def test_one_that_has_run_out_was_made_up_or_was_taken_back_opens_nothing(newcomer):
    late = invite(expires_at=clock.now() - timedelta(seconds=1))
    gone = invite()
    Invitation.objects.exclude(expires_at__lt=clock.now()).delete()
    for place in (late, gone, "/invitation/x/"):
        assert newcomer.post(place, GOOD).status_code == 404
    assert person("carla") is None


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_comes():
    place, statuses = invite(), []
    both = threading.Barrier(2)

    def come(name):
        client = Client(headers={"Accept": "text/html"})
        client.get("/healthz")
        both.wait()
        statuses.append(client.post(place, GOOD | {"username": name}).status_code)
        connection.close()

    threads = [threading.Thread(target=come, args=[name]) for name in ("carla", "dora")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 404]
    assert get_user_model().objects.count() == 1


def test_so_many_accounts_are_tried_from_one_address(newcomer, settings):
    settings.SIGN_UP = True
    settings.STREAMS = settings.STREAMS | {"sign_ins_per_address": 2}
    tried = [newcomer.post("/sign-up/", GOOD | {"password": "x"}).status_code for _ in range(3)]
    assert tried == [422, 422, 429]


def test_the_admin_shows_a_link_once_and_who_came(newcomer):
    chief = UserFactory(is_staff=True, is_superuser=True)
    admin = Client()
    admin.post("/sign-in/", {"username": chief.username, "password": PASSWORD})
    form = {"note": "Carla", "expires_at_0": "2099-01-01", "expires_at_1": "12:00"}
    page = admin.post("/admin/chatstream/invitation/add/", form, follow=True).content.decode()
    place = re.search(r"<code>http://testserver(/invitation/[\w-]+/)</code>", page)[1]
    assert place not in admin.get("/admin/chatstream/invitation/").content.decode()
    assert newcomer.post(place, GOOD).status_code == 303
    assert "carla" in admin.get("/admin/chatstream/invitation/").content.decode()
    assert Invitation.objects.get().created_by == chief
