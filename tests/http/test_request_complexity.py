"""Headers, forms and JSON that strangers send take time in proportion to their length, up to the
bound each has."""

from __future__ import annotations

import io
from contextlib import suppress
from time import process_time, thread_time

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict, parse_cookie
from django.http.multipartparser import MultiPartParserError
from django.http.request import split_domain_port
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from chatstream.accounts import sign_in
from streams import access
from streams.dialects.endpoint import bytes_of_files
from streams.exceptions import StreamsError
from streams.http import cookie_parser
from streams.http.handler import OneThreadHandler, Request
from streams.models.device import LONGEST_AGENT, described
from streams.models.pairing import Pairing
from streams.realtime import cursor, presence_endpoint
from streams.realtime.stream_request import Request as StreamRequest
from streams.text_cleaning import clean, opening_of
from streams.views import negotiation, parsing
from tests.complexity import growth, is_linear, repeated

HEAD = 32_768  # bytes of a request line and its headers together
BODY = 2_621_440  # bytes: DATA_UPLOAD_MAX_MEMORY_SIZE


def assert_doubles(read, text_of, longest):
    def work(text):
        with suppress(StreamsError, ValueError, SuspiciousOperation, MultiPartParserError):
            read(text)

    times = growth(work, text_of, longest)
    assert is_linear(times), f"a quarter, a half, all of {longest:,} characters: {times} s"


def filled(unit, before="", after=""):
    """Texts of exactly so many characters, of this unit over and over."""

    def text_of(length):
        inner = length - len(before) - len(after)
        return before + repeated(unit, inner) + after

    return text_of


def scope_of(**headers):
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": named}


# Cookies

COOKIES = {
    "backslashes": filled("\\", 'sessionid="', '"'),
    "quotes": filled('\\"', 'sessionid="', '"'),
    "octal": filled("\\101", 'sessionid="', '"'),
    "separators": filled(";"),
    "one letter each": filled("a=b;"),
    "one name": filled("sessionid=a;"),
}


@pytest.mark.parametrize("text_of", COOKIES.values(), ids=COOKIES)
def test_cookies(text_of):
    assert_doubles(lambda text: StreamRequest.of(scope_of(cookie=text)), text_of, HEAD)
    assert_doubles(lambda text: Request(scope_of(cookie=text), io.BytesIO()).COOKIES, text_of, HEAD)


@given(st.lists(st.sampled_from(['"', "\\", "1", "0", "7", "a", "=", ";", " ", "é", "\n"])))
def test_cookies_are_read_as_django_reads_them(parts):
    text = "".join(parts)
    assert cookie_parser.parse(text) == parse_cookie(text)
    ours = {"a": parse_cookie(text)["a"]} if "a" in parse_cookie(text) else {}
    assert cookie_parser.parse(text, {"a"}) == ours


def test_a_stream_reads_the_cookies_that_are_ours(settings):
    settings.SESSION_COOKIE_NAME = "own"
    text = 'other="\\\\"; own=a; device=b; csrftoken=c; sessionid=d'
    request = StreamRequest.of(scope_of(cookie=text))
    assert request.cookies == {"own": "a", "device": "b", "csrftoken": "c"}
    each = [(b"cookie", crumb.encode()) for crumb in text.split("; ")]
    assert StreamRequest.of(scope_of() | {"headers": each}).cookies == request.cookies


@pytest.mark.parametrize("unit", ["a", ":", "a:", ".", "e30:"])
def test_the_signed_cookie(unit):
    def device_key(cookie):
        return access.device_key({access.DEVICE_COOKIE: cookie})

    assert_doubles(device_key, filled(unit), HEAD)
    assert_doubles(device_key, filled(unit, ".", ":a:b"), HEAD)


# Charsets

MULTIPART = "multipart/form-data; boundary=x; charset="


async def answered(kind, body=b"", query=b""):
    """By Django's part of the application, up to where a view would read the form."""
    scope = scope_of(content_type=kind, content_length=str(len(body))) | {"query_string": query}
    request, refused = OneThreadHandler().create_request(scope, io.BytesIO(body))
    if refused:
        return refused.status_code
    return request.POST.get("a", ""), request.GET.get("a", "")


@pytest.mark.parametrize(
    "charset", ["punycode", "utf-7", "unicode_escape", "idna", "utf-16", "hex"]
)
async def test_a_charset_is_one_that_takes_no_longer_for_longer_text(charset):
    """64 kB of punycode, which anybody could send as a form, took 4 s, and twice as much 16."""
    assert await answered(MULTIPART + charset, form("a", b"b" * 60_000)) == 400
    assert await answered(f"text/plain; charset={charset}", query=b"a=" + b"b" * 30_000) == 400


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "iso-8859-1", "windows-1252"])
async def test_the_charsets_of_browsers_are_read(charset):
    said = await answered(MULTIPART + charset, form("a", b"b" * 10), query=b"a=c")
    assert said == ("b" * 10, "c")


def form(name, value):
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n--x--\r\n"


# Signing in


@pytest.mark.parametrize("unit", ["\u0300\u0316", "\ufdfa", "a\u0300", "\u1e9e"])
def test_the_name_of_who_signs_in(unit):
    assert_doubles(sign_in.same, filled(unit, "a"), 254)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["username", "password"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_more_than_a_name_or_a_password_is_refused_unread(name, kind, monkeypatch):
    """A quarter of a megabyte of combining marks took 14 s to normalise."""
    worked = []
    monkeypatch.setattr(sign_in, "count_attempt", lambda *_: worked.append("counted"))
    given = {"username": "anna", "password": "p"} | {name: "a" + "\u0300\u0316" * 60_000}
    headers = {"Accept": "application/json"} if kind == "application/json" else {}
    body = given if kind == "application/json" else QueryDict(mutable=True)
    if body is not given:
        body.update(given)
        body = body.urlencode()
    begun = process_time()
    response = Client(headers=headers).post("/sign-in/", body, content_type=kind)
    assert response.status_code == 413
    assert process_time() - begun < 2
    assert not worked


@pytest.mark.parametrize("unit", ["Mozilla/5.0 ", "(", "Android ", "1.", "Chrome/1 ", "; ", " "])
def test_the_user_agent(unit):
    from user_agents import parsers

    assert parsers  # its expressions are compiled once, and not in a measurement
    described("")
    assert_doubles(lambda text: described(text[:LONGEST_AGENT]), filled(unit), HEAD)


@pytest.mark.parametrize("place", ["//a\u0300\u0316", "https://", "/\\", "´"])
@pytest.mark.django_db
def test_the_place_a_sign_in_leads_to(place):
    client = Client()
    assert_doubles(
        lambda text: client.post("/sign-in/", {"username": "a", "next": text}),
        filled(place), 20_000,
    )  # fmt: skip


# Addresses and cursors


@pytest.mark.parametrize("unit", ["a", "a=b&", "&", "%00", "after=1&", "%e2%82&"])
def test_the_query_of_a_stream(unit):
    def read(text):
        request = StreamRequest.of(scope_of() | {"query_string": text.encode()})
        assert request.cursor >= 0

    assert_doubles(read, filled(unit), HEAD)


@pytest.mark.parametrize("unit", ["1", "0", "a", "１"])
def test_a_cursor(unit):
    assert_doubles(lambda text: cursor.parse(text, None), filled(unit), HEAD)


@pytest.mark.parametrize("unit", ["a", ".", ":", "[", "]:1", "a."])
def test_the_host(unit):
    assert_doubles(split_domain_port, filled(unit), HEAD)


# Bodies


def json_of(text):
    return parsing.json_of(text.encode())


JSON = {
    "digits": filled("9", '{"a":', "}"),
    "fraction": filled("9", '{"a":1.', "}"),
    "exponent": filled("9", '{"a":1e', "}"),
    "arrays": filled("[", '{"a":'),
    "objects": filled('{"a":'),
    "escapes": filled("\\u0041", '{"a":"', '"}'),
    "halves of pairs": filled("\\ud800", '{"a":"', '"}'),
    "backslashes": filled("\\\\", '{"a":"', '"}'),
    "spaces": filled(" "),
    "one key again": filled('"a":1,', "{", '"b":1}'),
}


@pytest.mark.parametrize("text_of", JSON.values(), ids=JSON)
def test_json(text_of):
    assert_doubles(json_of, text_of, BODY)
    assert_doubles(
        lambda text: presence_endpoint.told(text.encode()), text_of, presence_endpoint.LONGEST
    )


@pytest.mark.parametrize("unit", ["a", "\\/", "a" * 1023 + '"', '"'])
def test_json_with_files_inside(unit):
    def read(text):
        return bytes_of_files(text.encode())

    assert_doubles(read, filled(unit), 8 * BODY)


def test_runs_that_are_nearly_files_are_read_once():
    def seconds(length):
        body = repeated("a" * length + '"', BODY // 8).encode()
        began = thread_time()
        assert bytes_of_files(body) == 0
        return thread_time() - began

    short, long = (min(seconds(length) for _ in range(4)) for length in (16, 1023))
    assert long < 8 * short + 0.02


@pytest.mark.parametrize("unit", ["a=b&", "%ff", "+", "&", "%", "content=%0D%0A&"])
def test_a_form(unit):
    kind = "application/x-www-form-urlencoded"

    def read(text):
        return parsing.form_of(RequestFactory().post("/", text, content_type=kind))

    assert_doubles(read, filled(unit), BODY)


PARTS = {
    "nothing but the boundary": "--x\r\n",
    "empty parts": "--x\r\n\r\n\r\n",
    "headers": "a: b\r\n",
    "a header without an end": "a",
    "line breaks": "\r\n",
    "files": '--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n\r\n',
    "fields": '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n',
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_form_in_parts(part):
    def read(text):
        request = RequestFactory().post("/", text, content_type="multipart/form-data; boundary=x")
        return request.POST

    assert_doubles(read, filled(part, "--x\r\n"), BODY)


@pytest.mark.parametrize("unit", ["\x00", "\ud800", "\ud83d\ude00", "\u0300", "a"])
def test_text_as_it_is_kept(unit):
    assert_doubles(clean, filled(unit), BODY // 6)


@pytest.mark.parametrize("unit", ["*", "**a", "# ", "- ", "`", "~~", " ", "*a*"])
def test_a_name_of_the_first_words(unit):
    assert_doubles(opening_of, filled(unit), 100_000)


@pytest.mark.django_db
@pytest.mark.parametrize("unit", ["a", "-", "ß", "\u0300"])
def test_a_code_as_it_is_typed(unit):
    assert_doubles(Pairing.by_code, filled(unit), BODY // 6)


def test_what_is_accepted_is_read_in_proportion():
    for unit in (",", "a/b,", "*/*;q=0.1,", ";", ";a*0=b"):

        def read(text):
            request = RequestFactory().get("/", headers={"Accept": text})
            return negotiation.wants_json(request)

        assert_doubles(read, filled(unit, "text/html"), 1000)
