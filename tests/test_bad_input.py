"""Bad input of any kind gets an exact status and code, and no internal details."""

from __future__ import annotations

import json
import logging
import socket
from urllib.parse import quote

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import Client

from streams import access
from streams.models import Conversation, Message, posting
from streams.postgres.connections import connect
from streams.worker import retention
from tests.client import Client as Device
from tests.client import header_of
from tests.factories import ConversationFactory, DeviceFactory
from tests.processes import Web
from tests.views.answers import begin, complete, say
from tests.views.conftest import Api, browser_of

NOWHERE = "00000000-0000-4000-8000-000000000000"
CANARY = "kanarienvogel"


@pytest.fixture
def api(laptop):
    return Api(browser_of(laptop))


@pytest.fixture
def run(conversation, laptop):
    return conversation.post("Hi", laptop)[1]


def told(response):
    """Status and code of a refusal, which has exactly the shape every refusal has."""
    error = response.json()["error"]
    assert set(error) - {"field"} == {"code", "message"}
    return response.status_code, error["code"]


def wide(place, conversation, run=NOWHERE):
    return place.format(c=conversation.uuid, r=getattr(run, "uuid", run))


# Bodies

WRITING = [
    ("post", "/c/"), ("patch", "/c/{c}/"), ("post", "/c/{c}/messages"), ("put", "/c/{c}/read"),
    ("post", "/render"), ("post", "/runs/{r}/cancel"), ("post", "/runs/{r}/retry"),
]  # fmt: skip
UNREADABLE = {
    "invalid UTF-8": b'{"content": "\xff"}',
    "not JSON": b"{",
    "NaN": b'{"content": NaN}',
    "deep arrays": b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 10,000 digits": b'{"seq": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("method", "place"), WRITING)
def test_a_body_nobody_can_read_is_400(api, conversation, run, method, place, body):
    response = api(method, wide(place, conversation, run), body)
    assert told(response) == (400, "bad_request")


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"true"])
@pytest.mark.parametrize(("method", "place"), WRITING)
def test_json_that_is_no_object_is_422(api, conversation, run, method, place, body):
    assert told(api(method, wide(place, conversation, run), body)) == (422, "invalid")


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "place"), WRITING)
def test_an_unknown_field_is_422_and_named(api, conversation, run, method, place):
    for name in ("owner", "__proto__", "\ud800", "x" * 1000):
        response = api(method, wide(place, conversation, run), json.dumps({name: 1}))
        assert told(response) == (422, "invalid")
        assert response.json()["error"]["field"] == name


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize(
    ("method", "place", "field"),
    [
        *(("post", "/c/", f) for f in ("title", "model", "system", "on_busy", "content")),
        *(("patch", "/c/{c}/", f) for f in ("title", "model", "system", "on_busy")),
        *(("post", "/c/{c}/messages", f) for f in ("content", "client_key")),
        ("post", "/render", "text"),
    ],
)
def test_a_value_of_the_wrong_type_is_422_and_named(api, conversation, method, place, field, value):
    response = api(method, wide(place, conversation), {field: value})
    assert told(response) == (422, "invalid")
    assert response.json()["error"]["field"] == field


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["x", -1, 1.5, None, True, [], {}, "9" * 30, 2**63, "１"])
def test_a_number_that_is_none_is_422(api, conversation, value):
    response = api("put", f"/c/{conversation.uuid}/read", {"seq": value})
    assert (told(response), response.json()["error"]["field"]) == ((422, "invalid"), "seq")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "😀"),
    ],
)
def test_nul_and_lone_surrogates_are_replaced(api, conversation, sent, kept):
    body = json.dumps({"content": sent, "client_key": sent})
    assert api("post", f"/c/{conversation.uuid}/messages", body).status_code == 201
    assert Message.objects.earliest("seq").text == kept
    titled = api("patch", f"/c/{conversation.uuid}/", json.dumps({"title": sent, "system": sent}))
    assert (titled.status_code, titled.json()["title"]) == (200, kept)
    assert api("post", "/render", json.dumps({"text": sent})).status_code == 200
    given = json.dumps({"username": sent, "password": sent})
    assert told(Api(Client())("post", "/sign-in/", given)) == (401, "not_signed_in")


@pytest.mark.django_db
def test_nul_by_form_is_replaced_or_refused_in_words(laptop, conversation):
    page = browser_of(laptop, headers={"Accept": "text/html"})
    assert page.post(f"/c/{conversation.uuid}/messages", {"content": "a\x00b"}).status_code == 303
    assert Message.objects.earliest("seq").text == "a\ufffdb"
    given = {"username": "a\x00", "password": "b\x00"}
    assert Client().post("/sign-in/", given).status_code == 200  # the form again, with its errors


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("checked", [False, True], ids=["", "csrf"])
def test_ten_megabytes_are_413(laptop, conversation, kind, checked):
    client = browser_of(laptop, enforce_csrf_checks=checked)
    client.cookies["csrftoken"] = "t" * 32
    body = b'{"content": "%s"}' if kind == "application/json" else b"content=%s"
    for accept in ("application/json", "text/html"):
        response = client.generic(
            "POST", f"/c/{conversation.uuid}/messages", body % (b"x" * 10_000_000),
            content_type=kind, headers={"Accept": accept, "X-CSRFToken": "t" * 32},
        )  # fmt: skip
        assert response.status_code == 413
        if accept == "application/json":
            assert told(response) == (413, "too_large")


@pytest.mark.django_db
def test_a_form_of_too_many_fields_is_413(api, conversation):
    response = api.client.post(
        f"/c/{conversation.uuid}/messages", {f"f{n}": "" for n in range(2000)},
        headers={"Accept": "application/json"},
    )  # fmt: skip
    assert told(response) == (413, "too_large")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("text/plain", 415, "unsupported_media_type"),
        ("application/xml", 415, "unsupported_media_type"),
        ("", 415, "unsupported_media_type"),
        ("multipart/form-data", 400, "bad_request"),
        ("multipart/form-data; boundary=x", 422, "invalid"),
        ("application/json; charset=nonsense", 201, None),
    ],
)
def test_a_content_type_that_is_not_ours(api, conversation, kind, status, code):
    response = api.client.generic(
        "POST", f"/c/{conversation.uuid}/messages", b'{"content": "Hi"}',
        content_type=kind, headers={"Accept": "application/json"},
    )  # fmt: skip
    assert response.status_code == status, response.content
    assert code is None or told(response) == (status, code)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "longest", "said"),
    [
        ("content", 100_000, "That is too long to send: at most 100,000 characters."),
        ("system", 100_000, "The instructions are too long: at most 100,000 characters."),
        ("title", 120, "The title is too long: at most 120 characters."),
    ],
)
def test_what_is_too_long_is_said_as_a_person_would(laptop, settings, field, longest, said):
    settings.STREAMS = {}
    page = browser_of(laptop, headers={"Accept": "text/html"})
    html = page.post("/c/", {"content": "Hi", field: "x" * (longest + 1)}).content.decode()
    assert f'role="alert">{said}<' in html


# Addresses and methods


@pytest.mark.django_db
@pytest.mark.parametrize(
    "place",
    ["/c/1/", "/c/%00/", "/c/%ff/", "/c/../admin", "/c/{c}x/", "/c/{c}/%00", "/runs/x/",
     "/runs/-1/events", "/c/x/events", "/c/" + "a" * 5000 + "/"],
)  # fmt: skip
def test_an_address_that_is_none_is_404(api, conversation, place):
    assert told(api("get", wide(place, conversation))) == (404, "not_found")


@pytest.mark.django_db
@pytest.mark.parametrize("before", ["x", "%00", "%ff", "-1", "9" * 30, "", "a.b", "1.1", "nan_1"])
def test_a_page_of_the_list_that_is_none_is_a_page_or_400(api, before):
    response = api("get", f"/c/?before={before}")
    assert response.status_code in (200, 400, 404, 422)
    assert response.status_code == 200 or told(response)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("put", "/c/"), ("post", "/c/{c}/"), ("get", "/c/{c}/messages"), ("post", "/c/{c}/read"),
        ("get", "/runs/{r}/cancel"), ("delete", "/runs/{r}/"), ("get", "/render"),
        ("trace", "/c/")
    ],
)  # fmt: skip
def test_a_method_that_is_not_there_is_405_with_those_that_are(
    api, conversation, run, method, place
):
    response = api(method, wide(place, conversation, run))
    assert told(response) == (405, "method_not_allowed")
    assert response["Allow"]
    assert told(Client(headers={"Accept": "application/json"}).put("/sign-in/"))[0] == 405


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(("method", "place"), [*WRITING, ("delete", "/c/{c}/")])
def test_no_csrf_token_is_403_and_nothing_happens(laptop, conversation, run, method, place, kind):
    client = browser_of(laptop, enforce_csrf_checks=True)
    response = getattr(client, method)(
        wide(place, conversation, run), "{}", content_type=kind,
        headers={"Accept": "application/json"},
    )  # fmt: skip
    assert told(response) == (403, "csrf")
    assert Conversation.objects.filter(deleted_at=None).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model", ["", "x", "nope:x", "openai:gpt-x", "anthropic:c", "openai-chat:m", ":", "scripted:",
              "SCRIPTED:demo", "scripted:no-such", "openai:", "local:\x00"],
)  # fmt: skip
def test_a_model_nobody_has_or_without_its_key_is_422(api, conversation, model):
    for response in (
        api("post", "/c/", {"model": model}),
        api("patch", f"/c/{conversation.uuid}/", {"model": model}),
    ):
        assert told(response) == (422, "unknown_model")
        assert response.json()["error"]["field"] == "model"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("get", "/c/{c}/"), ("patch", "/c/{c}/"), ("delete", "/c/{c}/"),
        ("post", "/c/{c}/messages"), ("put", "/c/{c}/read"), ("get", "/runs/{r}/"),
        ("post", "/runs/{r}/cancel"), ("post", "/runs/{r}/retry"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_someone_elses_is_as_if_it_were_not_there(bert, conversation, run, method, place, accept):
    stranger = Api(browser_of(DeviceFactory(user=bert)))
    headers = {"Accept": accept}
    theirs = stranger(method, wide(place, conversation, run), {}, headers=headers)
    nothing = stranger(method, place.format(c=NOWHERE, r=NOWHERE), {}, headers=headers)
    assert theirs.status_code == nothing.status_code == 404
    assert theirs.content == nothing.content
    assert dict(theirs.headers) == dict(nothing.headers)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["sessionid", "device", "csrftoken"])
@pytest.mark.parametrize(
    "value", [r'"\000"', r'"\000xxxxxxxxx"', "x" * 5000, r'"\377\376"', "a=b; a", '"']
)
def test_a_cookie_that_is_nonsense_is_no_cookie(name, value, conversation):
    client = Client(headers={"Accept": "application/json", "Cookie": f"{name}={value}"})
    assert told(client.get("/c/")) == (401, "not_signed_in")


# Faults of ours


@pytest.mark.django_db
def test_a_fault_says_nothing_of_our_insides(api, laptop, monkeypatch, conversation):
    def broken(*args):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(Conversation.objects, "owned_by", broken)
    api.client.raise_request_exception = False
    for accept in ("application/json", "text/html"):
        response = api("get", f"/c/{conversation.uuid}/", headers={"Accept": accept})
        assert response.status_code == 500
        for secret in (CANARY, "Traceback", "RuntimeError", ".py"):
            assert secret not in response.content.decode()


@pytest.mark.django_db
def test_what_people_write_is_in_no_log(api, laptop, caplog, conversation, settings, monkeypatch):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.request").setLevel(logging.DEBUG)
    messages = f"/c/{conversation.uuid}/messages"
    settings.STREAMS = {"prompt_characters": 30}
    api("post", messages, {"content": CANARY})
    api("post", messages, {"content": CANARY * 10})
    api("post", messages, {"content": [CANARY]})
    api("post", messages, CANARY.encode())
    api("patch", f"/c/{conversation.uuid}/", {"title": CANARY, "system": CANARY})
    api("post", "/render", {"text": CANARY})
    browser_of(laptop).post(messages, {"content": CANARY})
    given = {"username": CANARY, "password": CANARY}
    Client().post("/sign-in/", given)
    Api(Client())("post", "/sign-in/", given)
    api.client.raise_request_exception = False

    def broken(*args):
        raise RuntimeError

    monkeypatch.setattr(posting, "post", broken)
    assert api("post", messages, {"content": CANARY}).status_code == 500
    assert caplog.records
    assert CANARY not in caplog.text


# Streams


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        process = Web()
    yield process
    process.stop()


@pytest.fixture
def http(web, transactional_db, laptop):
    with httpx.Client(
        base_url=web.url, cookies=async_to_sync(Device.of)(laptop).cookies, timeout=20,
        trust_env=False,
    ) as client:  # fmt: skip
        yield client
    connections.close_all()


CURSORS = {
    "negative": "-1", "letters": "x", "30 digits": "9" * 30, "a fraction": "1.0", "a sign": "+1",
    "a space": "1 ", "beyond bigint": str(2**63), "hexadecimal": "0x1", "NUL": "\x00",
    "other digits": "１", "two": "1,2", "invalid UTF-8": b"\xff",
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cursor", CURSORS.values(), ids=CURSORS)
def test_a_cursor_that_is_none_is_400_in_either_place(http, conversation, run, cursor):
    raw = cursor if isinstance(cursor, bytes) else cursor.encode()
    for place in (f"/c/{conversation.uuid}/events", f"/runs/{run.uuid}/events"):
        assert told(http.get(f"{place}?after={quote(raw)}")) == (400, "bad_cursor")
        if raw.strip(b" \x00") == raw:  # a header can carry it
            assert told(http.get(place, headers={b"Last-Event-ID": raw})) == (400, "bad_cursor")


def first_frames(http, place, until="event: sync"):
    with http.stream("GET", place) as response:
        assert response.status_code == 200
        lines = []
        for line in response.iter_lines():
            lines.append(line)
            if line == until:
                return lines
    return lines


@pytest.mark.django_db(transaction=True)
def test_a_cursor_beyond_the_head_is_told_and_replayed(http, conversation, run):
    for cursor in (3, 10**6, 2**63 - 1):
        lines = first_frames(http, f"/c/{conversation.uuid}/events?after={cursor}")
        assert [x for x in lines if x[:3] in ("id:", "eve")] == [
            "event: resync", "id: 1", "event: message.created", "id: 2", "event: run.queued",
            "event: sync",
        ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_cursor_into_a_fold_gets_the_whole_block(http, conversation, run):
    begin(run)
    say(run, "one ", "two ", "three")
    complete(run)

    @async_to_sync
    async def fold():
        async with await connect("test") as connection:
            return await retention.compact_ended(connection, 0, 10)

    assert fold() == (1, 2)
    for cursor in (4, 5, 6):
        lines = first_frames(http, f"/c/{conversation.uuid}/events?after={cursor}")
        data = next(json.loads(x[6:]) for x in lines if x.startswith("data: "))
        assert (data["from"], data["text"]) == (5, "one two three")


@pytest.mark.django_db(transaction=True)
def test_someone_elses_stream_is_as_if_it_were_not_there(http, bert, run):
    theirs = ConversationFactory(owner=bert)
    _, their_run, _ = theirs.post("Hi", None)
    nothing = http.get(f"/c/{NOWHERE}/events")
    for place in (f"/c/{theirs.uuid}", f"/runs/{their_run.uuid}", f"/runs/{NOWHERE}",
                  f"/c/{run.uuid}", f"/runs/{run.conversation.uuid}"):  # fmt: skip
        response = http.get(f"{place}/events")
        assert told(response) == (404, "not_found")
        assert response.content == nothing.content


@pytest.mark.django_db(transaction=True)
def test_a_stream_is_read_with_get_alone(http, conversation):
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        response = http.request(method, f"/c/{conversation.uuid}/events")
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")


@pytest.mark.django_db(transaction=True)
def test_a_stream_for_nobody_is_401_whatever_the_cookies_say(http, conversation, settings):
    place = f"/c/{conversation.uuid}/events"
    good = dict(http.cookies)
    for name in (settings.SESSION_COOKIE_NAME, access.DEVICE_COOKIE):
        for value in (r'"\000"', r'"\000xxxxxxxxx"', "x", "", "é", '"'):
            cookies = header_of(good | {name: value})
            http.cookies.clear()
            response = http.get(place, headers={"Cookie": cookies.encode()})
            assert told(response) == (401, "not_signed_in"), (name, value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("odd", ["a/b=c", 'x={"a":1}', "a@b=1", "=", "expires=1", "é=1"])
def test_a_neighbours_odd_cookie_keeps_nobody_from_a_stream(http, conversation, odd):
    """Whatever else lives on this host name sets cookies too; pages read past them."""
    cookies = header_of(http.cookies).split("; ")
    http.cookies.clear()
    for parts in ([odd, *cookies],), ([odd, *cookies[:1]], cookies[1:]):
        headers = [("Cookie", "; ".join(part).encode()) for part in parts]
        with http.stream("GET", f"/c/{conversation.uuid}/events", headers=headers) as response:
            assert response.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_host_that_is_not_ours_is_400(http, conversation):
    response = http.get(f"/c/{conversation.uuid}/events", headers={"Host": "evil.example"})
    assert told(response) == (400, "bad_request")


@pytest.mark.django_db(transaction=True)
def test_bytes_that_are_no_request_end_the_connection_and_nothing_else(http, web):
    port = int(web.url.rpartition(":")[2])
    for garbage in (b"\x00" * 100, b"GET\r\n\r\n", b"GET /c/\xff/ HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            raw.sendall(garbage)
            assert b"Traceback" not in raw.recv(4096)
    assert http.get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("header", "text", "statuses"),
    [
        ("Accept", "text/html; x*=nope''%41", {200, 404}),
        ("Content-Type", "text/plain; x*=nope''%41", {400}),
        ("Content-Type", "multipart/form-data; boundary=x; charset=rot13", {400}),
        ("Content-Type", "application/x-www-form-urlencoded; charset=rot13", {400}),
    ],
)
def test_a_header_that_cannot_be_read_is_no_fault_of_ours(http, web, header, text, statuses):
    before = len(web.lines)
    for place in ("/c/", "/nowhere", "/sign-in/"):
        response = http.post(place, headers={header: text, "X-CSRFToken": "t" * 32}, content=b"a=b")
        assert response.status_code < 500
        got = http.get(place, headers={header: text}, follow_redirects=True)
        assert got.status_code in statuses, got.text
    assert "Traceback" not in "\n".join(web.lines[before:])


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["/admin/streams/run/?status__exact=%00", "/c/?page=%00"])
def test_nul_in_an_address_is_400(admin_client, place):
    assert admin_client.get(place).status_code == 400
