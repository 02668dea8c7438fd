"""The app in a site with pages, sessions, tokens and addresses of its own, in one process."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.core.handlers.asgi import ASGIHandler
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from streams import access
from streams.asgi import WithStreams
from streams.conf import conf
from streams.models import Device
from streams.realtime import sse
from streams.realtime.endpoints import open_conversation
from streams.realtime.hub import Hub
from streams.realtime.presence import PRESENCE
from streams.realtime.stream_request import Request
from tests.client import header_of
from tests.factories import PASSWORD, DeviceFactory

HERE = "/portal/assistant/"
ENGINES = ("db", "cached_db", "cache", "file", "signed_cookies")
TOKENS = {
    "as Django has it": {},
    "in the session": {"CSRF_USE_SESSIONS": True},
    "renamed and hidden": {
        "CSRF_COOKIE_NAME": "token",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN",
    },
}


@pytest.fixture(autouse=True)
def site(settings, tmp_path):
    """The settings that `startproject` writes, with other names of cookies, and the app."""
    settings.ROOT_URLCONF = "tests.host_site_urls"
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    settings.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
    settings.SESSION_COOKIE_NAME = "portal"
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.LOGIN_URL = "login"
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    return settings


@pytest.fixture
def browser(anna):
    """Anna's, signed in by a page of the site's."""
    client = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    assert client.login(username="anna", password=PASSWORD)
    return client


def token_of(page):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())[1]


def set_by(response):
    return {name: morsel for name, morsel in response.cookies.items() if morsel.value}


@pytest.mark.django_db
def test_a_page_of_the_sites_own_costs_no_question_and_no_cookie(browser):
    browser.get(HERE + "c/")
    for client in (browser, Client()):
        with CaptureQueriesContext(connection) as asked:
            response = client.get("/")
        assert [query["sql"] for query in asked] == []
        assert not response.cookies
        assert "Vary" not in response
        assert "Cache-Control" not in response


@pytest.mark.django_db
def test_errors_of_the_site_stay_its_own(browser):
    with pytest.raises(ZeroDivisionError):
        browser.get("/broken/")
    for path in ("/nowhere", HERE + "nowhere"):
        response = browser.get(path, headers={"Accept": "application/json"})
        assert response.status_code == 404
        assert response["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_refusals_of_ours_are_in_our_words_without_a_middleware(browser):
    json = {"Accept": "application/json"}
    assert Client().get(HERE + "c/")["Location"] == f"/enter/?next={HERE}c/"
    for method, path, status, code in (
        ("get", "c/00000000-0000-4000-8000-000000000000/", 404, "not_found"),
        ("put", "c/", 403, "csrf"),
        ("get", "c/00000000-0000-4000-8000-000000000000/messages", 405, "method_not_allowed"),
    ):
        response = getattr(browser, method)(HERE + path, headers=json)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response["Cache-Control"] == "no-store"
    refused = Client().get(HERE + "c/", headers=json)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "not_signed_in")
    page = browser.post(HERE + "c/", {"content": "Hi"})
    assert (page.status_code, "open for too long" in page.content.decode()) == (403, True)


@pytest.mark.django_db
def test_the_device_comes_with_our_first_page_and_ends_with_the_sites_sign_out(browser, anna):
    assert not Device.objects.filter(user=anna).exists()
    cookie = set_by(browser.get(HERE + "c/"))[access.DEVICE_COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (HERE, True, "Lax")
    device = Device.objects.filter(user=anna).get()
    assert device.signed_in
    token = token_of(browser.get(HERE + "c/"))
    assert browser.post("/leave/", {"csrfmiddlewaretoken": token})["Location"] == "/"
    device.refresh_from_db()
    assert not device.signed_in
    browser.login(username="anna", password=PASSWORD)
    assert browser.get(HERE + "c/").status_code == 200
    device.refresh_from_db()
    assert device.signed_in
    assert Device.objects.filter(user=anna).get() == device


@pytest.mark.django_db
def test_a_browser_that_changes_hands_signs_its_first_person_out(browser, anna, bert):
    browser.get(HERE + "c/")
    assert browser.login(username="bert", password=PASSWORD)
    browser.get(HERE + "c/")
    assert not Device.objects.filter(user=anna).get().signed_in
    assert Device.objects.filter(user=bert).get().signed_in


@pytest.mark.django_db
@pytest.mark.parametrize("left", ["revoke", "sign_out", "delete"])
def test_a_conversation_in_a_sites_page_is_not_for_a_device_that_was_sent_away(
    browser, anna, conversation, phone, left
):
    conversation.post("Our secret", phone)
    place = f"/invoice/{conversation.uuid}/"
    assert "Our secret" in browser.get(place).content.decode(), "before any page of ours"
    browser.get(HERE + "c/")
    assert "Our secret" in browser.get(place).content.decode()
    getattr(Device.objects.exclude(pk=phone.pk).get(user=anna), left)()
    response = browser.get(place)
    assert (response.status_code, "Our secret" in response.content.decode()) == (404, False)
    assert SESSION_KEY not in browser.session


@pytest.mark.django_db
def test_a_conversation_in_a_sites_page_is_its_owners_alone(browser, conversation, phone, bert):
    conversation.post("Our secret", phone)
    browser.get(HERE + "c/")
    browser.login(username="bert", password=PASSWORD)
    for client in (browser, Client()):
        assert client.get(f"/invoice/{conversation.uuid}/").status_code == 404


@pytest.mark.django_db
def test_a_device_known_by_its_first_names_goes_on(browser, anna):
    laptop = DeviceFactory(user=anna)
    session = browser.session
    session["device"], session["sign_outs"] = laptop.pk, 0
    session.save()
    browser.cookies["device"] = access.signed_key(laptop)
    response = browser.get(HERE + "c/")
    assert response.status_code == 200
    assert access.device_key({access.DEVICE_COOKIE: response.cookies[access.DEVICE_COOKIE].value})
    assert response.cookies["device"].value == ""
    assert Device.objects.filter(user=anna).get() == laptop
    laptop.revoke()
    assert browser.get(HERE + "c/").status_code == 302
    assert SESSION_KEY not in browser.session


@pytest.mark.django_db
def test_what_a_site_calls_device_is_left_alone(browser, anna):
    session = browser.session
    session["device"] = "mobile"
    session.save()
    browser.cookies["device"] = "tablet"
    response = browser.get(HERE + "c/")
    assert response.status_code == 200
    assert (browser.session["device"], browser.cookies["device"].value) == ("mobile", "tablet")


@pytest.mark.django_db
def test_a_site_that_lets_nobody_in_by_default_leaves_our_refusals_to_us(site, anna):
    site.MIDDLEWARE += ["django.contrib.auth.middleware.LoginRequiredMiddleware"]
    json = {"Accept": "application/json"}
    assert Client().get("/").status_code == 302
    assert Client().get(HERE + "c/", headers=json).status_code == 401
    assert Client().get(HERE + "pair/").status_code == 200


@pytest.mark.django_db
def test_who_is_known_without_a_session_has_one_device_and_still_none(site, anna, conversation):
    site.MIDDLEWARE += ["tests.host_site_urls.ByToken"]
    headers = {"X-Token": "anna", "Accept": "application/json", "User-Agent": "Robot"}
    for _ in range(3):
        program = Client()
        response = program.get(f"{HERE}c/{conversation.uuid}/", headers=headers)
        assert response.status_code == 200
        assert "portal" not in program.cookies
    assert Device.objects.get(user=anna).user_agent == "Robot"


@pytest.fixture
async def served():
    """WithStreams over Django's own handler, and its hub."""
    app = WithStreams(ASGIHandler())
    app._hub = hub = Hub(conf())
    await hub.start()
    yield app
    await hub.close()
    await sync_to_async(connections.close_all)()


async def ask(app, method, path, cookies, token="", **scope):
    """Status and first words of an answer, which is left once it has begun."""
    headers = [(b"host", b"testserver"), (b"cookie", header_of(cookies).encode())]
    headers.append((b"x-csrftoken", token.encode()))
    sent = asyncio.Queue()
    asked = [{"type": "http.request", "body": b""}]

    async def receive():
        if asked:
            return asked.pop()
        return await asyncio.sleep(60)

    known = {"type": "http", "method": method, "path": path, "headers": headers}
    answering = asyncio.create_task(
        app(known | {"query_string": b"", "scheme": "http"} | scope, receive, sent.put)
    )
    async with asyncio.timeout(10):
        status = (await sent.get())["status"]
        body = (await sent.get()).get("body", b"")
        while status == 200 and b"event:" not in body:
            body += (await sent.get())["body"]
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    return status, body


@sync_to_async
def begun(browser, conversation):
    """A page, and a message sent as its script does: with the token that stands in it."""
    place = f"{HERE}c/{conversation.uuid}/"
    page = browser.get(place)
    token = token_of(page)

    def send(token):
        headers = {"Accept": "application/json", "X-CSRFToken": token}
        given, kind = {"content": "Hello"}, "application/json"
        return browser.post(f"{place}messages", given, headers=headers, content_type=kind)

    assert send(token).status_code == 201
    refused = send("x" * 64)
    assert refused.status_code == 403
    assert send(refused["X-CSRFToken"]).status_code == 201, "which the refusal has brought"
    return place, {name: it.value for name, it in browser.cookies.items()}, token


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("engine", "tokens"),
    [*((engine, "as Django has it") for engine in ENGINES), ("db", "in the session"),
     ("signed_cookies", "in the session"), ("cache", "renamed and hidden")],
)  # fmt: skip
async def test_any_session_and_any_token_will_do(
    site, anna, conversation, served, engine, tokens, request
):
    site.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    for name, value in TOKENS[tokens].items():
        setattr(site, name, value)
    browser = await sync_to_async(request.getfixturevalue)("browser")
    place, cookies, token = await begun(browser, conversation)
    authenticate(site, "in_trouble")  # which good cookies never ask
    status, body = await ask(served, "GET", f"{place}events", cookies)
    assert (status, b"event: message.created" in body) == (200, True)
    assert (await ask(served, "POST", f"{place}presence", cookies, token))[0] == 204
    assert (await ask(served, "POST", f"{place}presence", cookies, "x" * 64))[0] == 403
    stranger = cookies | {"portal": "nobody"}
    authenticate(site, "by_token")
    assert (await ask(served, "GET", f"{place}events", stranger))[0] == 401
    await sync_to_async(Device.revoke_all_of)(anna.pk)
    assert (await ask(served, "GET", f"{place}events", cookies))[0] == 401


def authenticate(site, name):
    site.STREAMS = {**site.STREAMS, "authenticate": f"tests.host_site_urls.{name}"}


def bearer(name, **more):
    return {"Accept": "application/json", "Authorization": f"Bearer {name}"} | more


def of_scope(headers):
    return [(name.lower().encode(), text.encode()) for name, text in headers.items()]


@pytest.mark.django_db
def test_a_token_of_the_sites_needs_no_session_and_no_csrf_token(site, anna, bert, conversation):
    authenticate(site, "by_token")
    place, prompt = f"{HERE}c/{conversation.uuid}/messages", {"content": "Hello"}

    def send(headers, client=None):
        client = client or Client(enforce_csrf_checks=True)
        return client.post(place, prompt, "application/json", headers=headers).status_code

    assert send(bearer("anna")) == send(bearer("anna")) == 201
    assert send(bearer("anna", Origin="http://testserver")) == 201
    assert send(bearer("anna", Origin="https://elsewhere.example")) == 403, "by a proxy's cookie?"
    assert send(bearer("bert")) == 404
    assert send(bearer("nobody")) == send({"Accept": "application/json"}) == 401
    device = Device.objects.get(user=anna)
    device.sign_out()
    assert send(bearer("anna")) == 201
    device.revoke()
    site.SECRET_KEY_FALLBACKS, site.SECRET_KEY = [site.SECRET_KEY], "n" * 60
    assert send(bearer("anna")) == 401
    assert not Device.objects.filter(user=anna).signed_in().exists()
    bert.is_active = False
    bert.save()
    assert send(bearer("bert")) == 401


@pytest.mark.django_db
def test_a_session_is_asked_before_a_token_and_needs_its_csrf_token(site, browser, anna, bert):
    authenticate(site, "by_token")
    json = "application/json"
    refused = browser.post(f"{HERE}c/", {}, json, headers=bearer("bert"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf")
    tokens = {"X-CSRFToken": refused["X-CSRFToken"]}
    made = browser.post(f"{HERE}c/", {}, json, headers=bearer("bert", **tokens))
    assert made.status_code == 201
    assert anna.streams_conversations.count() == 1
    anna.is_active = False
    anna.save()
    assert browser.post(f"{HERE}c/", {}, json, headers=bearer("bert")).status_code == 201
    assert bert.streams_conversations.count() == bert.streams_devices.count() == 1


@pytest.mark.django_db(transaction=True)
async def test_a_stream_by_token_ends_with_its_person_and_its_device(
    site, anna, conversation, served
):
    authenticate(site, "by_token")
    laptop = await sync_to_async(DeviceFactory)(user=anna, user_agent="Firefox")
    await sync_to_async(conversation.post)("Hello", laptop)
    place, host = f"{HERE}c/{conversation.uuid}/", {"Host": "testserver"}
    headers = of_scope(bearer("anna", **host))

    async def status(method, what, headers):
        return (await ask(served, method, place + what, {}, headers=headers))[0]

    first = (status("GET", "events", headers) for _ in range(4))
    assert await asyncio.gather(*first) == [200] * 4
    device = await Device.objects.aget(user=anna, user_agent="")
    assert await status("POST", "presence", headers) == 204
    abroad = of_scope(bearer("anna", Origin="https://elsewhere.example", **host))
    assert await status("POST", "presence", abroad) == 403
    for name, expected in (("nobody", 401), ("bert", 401)):
        assert await status("GET", "events", of_scope(bearer(name, **host))) == expected
    assert await status("GET", "events", of_scope(host)) == 401

    hub = served._hub
    scope = {"type": "http", "method": "GET", "path": f"{place}events", "headers": headers}
    open_now = partial(open_conversation, hub, Request.of(scope), str(conversation.uuid))
    for change in (partial(left_the_site, anna), device.revoke):
        stream = await open_now()
        await sync_to_async(change)()
        async with hub.pool.connection() as there:
            await hub.revocations.recheck(there, [stream])
        assert stream.end == sse.GONE
        hub.leave(stream)
        assert await status("GET", "events", headers) == 401
        await sync_to_async(type(anna).objects.update)(is_active=True)


def left_the_site(person):
    person.is_active = False
    person.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("in_trouble", 500, "internal"),
        ("by_name_alone", 500, "internal"),
        ("nowhere", 500, "internal"),
        ("database_away", 503, "unavailable"),
    ],
)
async def test_a_function_that_fails_is_told_to_the_log_alone(
    site, anna, conversation, served, caplog, name, status, code
):
    authenticate(site, name)
    place = f"{HERE}c/{conversation.uuid}/"
    page = await sync_to_async(Client().get)(place, headers={"Accept": "application/json"})
    host = of_scope({"Host": "testserver"})
    by_stream, body = await ask(served, "GET", f"{place}events", {}, headers=host)
    assert page.status_code == by_stream == status
    told = [page.json(), orjson.loads(body)]
    assert [each["error"]["code"] for each in told] == [code, code]
    assert "secret" not in str(told)
    if status == 500:
        logged = [each for each in caplog.records if each.name == "streams.authentication"]
        assert len(logged) == 2
        assert f"tests.host_site_urls.{name}" in logged[0].getMessage()
        assert logged[0].exc_info


@pytest.mark.django_db(transaction=True)
async def test_streams_are_found_below_any_path(site, browser, conversation, served):
    _, cookies, _ = await begun(browser, conversation)
    at = f"portal/assistant/c/{conversation.uuid}/events"
    for path, root in ((f"/{at}", ""), (f"/deep/{at}", "/deep"), (f"/{at}", "/deep")):
        assert (await ask(served, "GET", path, cookies, root_path=root))[0] == 200, path
    for path in (f"/en/spoken/c/{conversation.uuid}/events", "/de/spoken/c/events"):
        assert (await ask(served, "GET", path, cookies))[0] == 200, path
    assert (await ask(served, "GET", f"/fr/spoken/{at}", cookies))[0] == 404
    site.FORCE_SCRIPT_NAME = "/chat"
    assert (await ask(served, "GET", f"/chat/{at}", cookies))[0] == 200
    assert (await ask(served, "GET", f"/{at}", cookies))[0] == 200


async def nothing():
    raise AssertionError


async def test_what_is_not_ours_reaches_the_application_as_it_came():
    came = []

    async def inner(scope, receive, send):
        came.append((scope, receive, send))

    app = WithStreams(inner)
    for kind, path in (("http", "/news/events"), ("http", "/x/events"), ("websocket", "/c/events")):
        scope = {"type": kind, "path": path, "root_path": "", "headers": [(b"a", b"b")]}
        await app(scope, nothing, nothing)
        assert came.pop() == (scope, nothing, nothing)
    app._hub = Hub(conf())
    await app({"type": "http", "path": "/news/", "root_path": "/deep"}, nothing, nothing)
    assert came[0][0] == {
        "type": "http", "path": "/news/", "root_path": "/deep", PRESENCE: app._hub.presence,
    }  # fmt: skip


class Site:
    """An application that is told of its server's start and end."""

    def __init__(self, answer="lifespan.startup.complete"):
        self.answer = answer
        self.heard = []

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "lifespan"
        while True:
            message = await receive()
            self.heard.append((message["type"], scope["state"]))
            first = message["type"] == "lifespan.startup"
            await send({"type": self.answer if first else "lifespan.shutdown.complete"})
            if message["type"] == "lifespan.shutdown" or "failed" in self.answer:
                return


async def knows_no_lifespan(scope, receive, send):
    raise ValueError(scope["type"])


async def returns_at_once(scope, receive, send):
    await receive()


class QuietHub:
    def __init__(self):
        self.closed = 0

    async def close(self):
        self.closed += 1


@pytest.mark.parametrize("inner", [Site(), knows_no_lifespan, returns_at_once, "failed"])
async def test_the_sites_own_start_and_end_run(inner):
    failed = inner == "failed"
    inner = Site("lifespan.startup.failed") if failed else inner
    app = WithStreams(inner)
    app._hub = QuietHub()
    waiting = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
    told = []

    async def receive():
        return waiting.pop()

    async def send(message):
        told.append(message["type"].removeprefix("lifespan."))
        assert app._hub.closed == (told[-1] != "startup.complete"), "before the server is told"

    async with asyncio.timeout(5):
        await app({"type": "lifespan", "state": {}}, receive, send)
    assert told == (["startup.failed"] if failed else ["startup.complete", "shutdown.complete"])
    assert app._hub.closed == 1
    if isinstance(inner, Site):
        assert inner.heard[0] == ("lifespan.startup", {})
        assert failed or inner.heard[1] == ("lifespan.shutdown", {})


@pytest.mark.django_db
def test_a_server_without_streams_is_polled(browser, anna, conversation, phone, caplog):
    from streams.views import polled_events

    polled_events.say_so.cache_clear()
    run = conversation.post("Hello", phone)[1]
    place = f"{HERE}c/{conversation.uuid}/"
    first = browser.get(f"{place}events?feed=1")
    assert first["Content-Type"] == "text/event-stream; charset=utf-8"
    assert first["X-Accel-Buffering"] == "no"
    words = first.content.decode()
    assert re.findall(r"^event: (\S+)", words, re.M) == [
        "message.created", "run.queued", "sync", "feed",
    ]  # fmt: skip
    assert "WithStreams(get_asgi_application())" in caplog.text
    more = browser.get(f"{place}events", headers={"Last-Event-ID": "1"}).content.decode()
    assert re.findall(r"^id: (\d+)", more, re.M) == ["2"]
    beyond = browser.get(f"{place}events?after=99").content.decode()
    assert re.findall(r"^event: (\S+)", beyond, re.M)[0] == "resync"
    assert browser.get(f"{place}events?after=x").status_code == 400
    stream = f"{HERE}runs/{run.uuid}/events"
    assert "event: run.queued" in browser.get(stream).content.decode()
    run.cancel(phone)
    assert "event: run.cancelled" in browser.get(f"{stream}?after=2").content.decode()
    assert browser.get(f"{stream}?after=3").status_code == 204
    assert "event: feed" in browser.get(f"{HERE}c/events").content.decode()
    token = token_of(browser.get(place))
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    told = browser.post(
        f"{place}presence", {"typing": True}, content_type="application/json", headers=headers
    )
    assert told.status_code == 204
    assert len(caplog.records) == 1
