"""Refusals are JSON for programs and a page for people."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.db.utils import OperationalError
from django.test import Client

from streams.views import conversation_list

from .conftest import browser_of

pytestmark = pytest.mark.django_db
ELSEWHERE = "c/00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/c/"), ("post", "/c/"), ("get", f"/{ELSEWHERE}/"), ("delete", f"/{ELSEWHERE}/"),
        ("post", f"/{ELSEWHERE}/messages"), ("put", f"/{ELSEWHERE}/read"), ("post", "/render"),
    ],
)  # fmt: skip
def test_not_signed_in_is_401_for_a_program_and_a_way_in_for_a_person(stranger, method, path):
    response = stranger(method, path, {})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "not_signed_in")
    response = getattr(Client(), method)(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=/")


def test_not_signed_in_comes_before_a_missing_csrf_token():
    program = Client(enforce_csrf_checks=True, headers={"Accept": "application/json"})
    assert program.post("/c/", {}, content_type="application/json").status_code == 401
    sign_in = program.post("/sign-in/", {}, content_type="application/json")
    assert (sign_in.status_code, sign_in.json()["error"]["code"]) == (403, "csrf")


def test_a_missing_csrf_token_is_said_in_both_faces(laptop):
    browser = browser_of(laptop, enforce_csrf_checks=True)
    response = browser.post("/c/", {"content": "Hi"})
    assert response.status_code == 403
    assert "open for too long" in response.content.decode()
    response = browser.post("/c/", {}, headers={"Accept": "application/json"})
    assert response.json()["error"]["code"] == "csrf"
    assert "Reload the page" in response.json()["error"]["message"]
    assert response.cookies["csrftoken"].value, "which is what was missing"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/c/not-a-uuid/", f"/{ELSEWHERE}/", "/static/no.css", "/admin/nowhere/"]
)
def test_not_here_in_both_faces(api, page, anna, settings, path, debug):
    settings.DEBUG = debug
    type(anna).objects.update(is_staff=True, is_superuser=True)
    response = api("get", path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    response = page.get(path)
    assert response.status_code == 404
    assert (
        "isn&#x27;t here" in response.content.decode() or "isn't here" in response.content.decode()
    )
    assert "URLconf" not in response.content.decode()
    assert (
        "default-src 'self'; img-src 'self' data: https://images.example.com;"
        in response["Content-Security-Policy"]
    )


@pytest.mark.parametrize("debug", [False, True])
def test_an_address_without_its_last_slash_leads_to_the_one_with_it(page, settings, debug):
    settings.DEBUG = debug
    for path in ("/c", "/devices"):
        assert page.get(path).headers["Location"] == f"{path}/"


def test_a_fault_of_ours_shows_itself_to_a_developer(page, settings, monkeypatch):
    monkeypatch.setattr(conversation_list, "asked", lambda *args: 1 / 0)
    settings.DEBUG, page.raise_request_exception = True, False
    response = page.get("/c/")
    assert response.status_code == 500
    assert "ZeroDivisionError" in response.content.decode()


def test_a_method_that_is_not_there_is_405_with_those_that_are(api, page):
    response = api("delete", "/c/")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(response["Allow"].split(", "))
    assert "doesn" in page.delete("/c/").content.decode()
    assert page.post("/c/", {"_method": "DELETE"}).status_code == 405


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(OperationalError("gone"), 503, "unavailable"), (ValueError("x"), 500, "internal")],
)
def test_a_fault_of_ours_says_so(api, page, monkeypatch, error, status, code):
    def broken(*args):
        raise error

    monkeypatch.setattr(conversation_list, "asked", broken)
    api.client.raise_request_exception = page.raise_request_exception = False
    response = api("get", "/c/")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    response = page.get("/c/")
    assert response.status_code == status
    assert "what you have written is safe" in response.content.decode()


def test_every_page_allows_only_what_is_ours(page, stranger):
    for response in (page.get("/c/"), stranger("get", "/nowhere"), stranger("get", "/sign-in/")):
        policy = response["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_no_page_has_anything_inline(page, conversation, laptop):
    conversation.post("Hi", laptop)
    for path in ("/c/", f"/c/{conversation.uuid}/"):
        html = page.get(path).content.decode()
        assert " style=" not in html
        assert " onclick=" not in html
        data = r'<script id="[\w-]+" type="application/json">'  # which no browser runs
        known = re.findall(rf'<script (?:type="module" )?src="|{data}', html)
        assert html.count("<script") == len(known)


def test_both_faces_are_kept_apart_by_caches(page, conversation):
    response = page.get(f"/c/{conversation.uuid}/")
    assert {"Accept", "Cookie"} <= set(response["Vary"].split(", "))


def test_nothing_of_a_person_is_kept_on_the_way(page, api, stranger, conversation, here, laptop):
    run = conversation.post("Hi", laptop)[1]
    places = ("/c/", here, f"/runs/{run.uuid}/", "/devices/", "/c/x/", f"{here}events", "/c")
    answers = [ask(path) for path in places for ask in (page.get, partial(api, "get"))]
    answers += [page.get("/password/"), page.get("/admin/"), page.post(here, {"_method": "PATCH"})]
    answers += [api("post", "/c/", {"model": 5}), api("put", "/c/"), Client().get("/sign-in/")]
    answers += [stranger("get", path) for path in (*places, "/pair/", "/pair/x/", "/nowhere")]
    answers += [Client(enforce_csrf_checks=True).post("/c/"), page.get("/healthz")]
    for answer in answers:
        assert "no-store" in answer["Cache-Control"], answer.request["PATH_INFO"]


@pytest.mark.parametrize(
    ("accept", "content_type", "json"),
    [
        ("application/json", "", True), ("*/*", "application/json", True), ("*/*", "", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json", False),
        ("application/json, text/html;q=0.5", "", True), ("image/png", "", False),
    ],
)  # fmt: skip
def test_which_face_is_asked_for(rf, accept, content_type, json):
    from streams.views.negotiation import wants_json

    request = rf.generic("GET", "/", headers={"Accept": accept, "Content-Type": content_type})
    assert wants_json(request) is json


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("method", ["post", "patch", "delete", "put"])
def test_what_is_sent_to_an_address_without_its_last_slash_is_told_so(
    api, here, settings, debug, method
):
    settings.DEBUG = debug
    response = api(method, here.rstrip("/"), {"title": "Lost on the way"})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_over_tls_a_client_that_names_no_origin_is_told_so(laptop, here):
    client = browser_of(laptop, enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "t" * 32
    headers = {"Accept": "application/json", "X-CSRFToken": "t" * 32}
    response = client.post(f"{here}messages", {"content": "Hi"}, headers=headers, secure=True)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "csrf")
    assert "Referer" in response.json()["error"]["message"]
    headers["Referer"] = "https://testserver/"
    response = client.post(f"{here}messages", {"content": "Hi"}, headers=headers, secure=True)
    assert response.status_code == 201
