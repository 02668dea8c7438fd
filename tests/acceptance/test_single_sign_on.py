"""People sign in with an account they have elsewhere, through a real OpenID Connect exchange."""

from __future__ import annotations

import json

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from chatstream.accounts.single_sign_on import providers
from tests.migrating import another
from tests.processes import Process, Web, database_url

from .identity_provider import CLIENT, SECRET, IdentityProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def provider():
    with IdentityProvider() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def environment(provider, django_db_setup, django_db_blocker):
    known = {"provider_id": "company", "name": "Company", "client_id": CLIENT, "secret": SECRET}
    with django_db_blocker.unblock(), another("sso") as there:
        there.close()
        address = database_url().replace(
            f"/{connection.settings_dict['NAME']}?", f"/{there.settings_dict['NAME']}?"
        )
        given = {
            "DATABASE_URL": address,
            "SSO": json.dumps([known | {"server_url": provider.url}]),
        }
        migrating = Process("manage.py", "migrate", **given)
        assert migrating.popen.wait(120) == 0, migrating.output
        yield given


def test_who_comes_from_the_provider_is_signed_in_and_is_the_same_person_again(
    environment, provider
):
    web = Web(**environment)
    try:
        provider.person = {"sub": "1", "preferred_username": "carla", "email": "carla@work.example"}
        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            assert 'href="/sso/company/login/"' in browser.get("/sign-in/").text
            come = browser.get("/sso/company/login/?next=/devices/")
            assert come.url.path == "/devices/"
            assert "carla" in come.text
            started = browser.post(
                "/c/",
                json={"content": "Hello"},
                headers={"X-CSRFToken": browser.cookies["csrftoken"], "Origin": web.url},
            )
            assert started.status_code == 201
            assert "old password" not in browser.get("/password/").text.lower()
        assert provider.asked[-1]["code_challenge_method"] == "S256"
        assert provider.exchanged[-1]["client_secret"] == SECRET

        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            again = browser.get("/sso/company/login/")
            assert again.url.path == "/c/"
            assert "Hello" in again.text

        # A name that is taken is somebody else's: it is no key to their conversations.
        provider.person = {"sub": "2", "preferred_username": "carla"}
        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            other = browser.get("/sso/company/login/")
            assert other.url.path == "/c/"
            assert "Hello" not in other.text

        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            made_up = browser.get("/sso/company/login/callback/?code=once&state=made-up")
            assert "did not say who you are" in made_up.text
            assert browser.get("/c/").url.path == "/sign-in/"
            provider.refuses = True
            assert "before it was finished" in browser.get("/sso/company/login/").text
    finally:
        web.stop()


def test_without_new_accounts_a_stranger_stays_one_and_takes_no_account_over(environment, provider):
    web = Web(**environment, SSO_SIGN_UP="0", SIGN_UP="1")
    try:
        provider.refuses = False
        provider.person = {"sub": "3", "preferred_username": "dora"}
        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            assert "no account here" in browser.get("/sso/company/login/").text
            assert browser.get("/sign-up/").url.path == "/sign-up/"
            token = {"X-CSRFToken": browser.cookies["csrftoken"], "Origin": web.url}
            mine = {"username": "mine", "password": "an unlikely sentence"}
            assert browser.post("/sign-up/", json=mine, headers=token).status_code == 201
            assert browser.get("/sso/company/login/?process=connect").url.path == "/devices/"

        with httpx.Client(base_url=web.url, follow_redirects=True) as browser:
            assert "no account here" in browser.get("/sso/company/login/").text
    finally:
        web.stop()


@pytest.mark.parametrize("given", ["{", "{}", '[{"name": "Company"}]', '[{"provider_id": 1}]'])
def test_what_cannot_be_read_is_said(given):
    with pytest.raises(ImproperlyConfigured, match="a JSON list of objects with client_id"):
        providers(given)
