"""Another person's things look like things that do not exist, at any address, as HTML and JSON:
same words, headers and number of queries.
"""

from __future__ import annotations

import re
from io import BytesIO
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from streams.models import Attachment, Conversation, Device, Message, Pairing, Run, Share, ToolCall
from streams.models.attachment import upload
from tests.factories import DeviceFactory

from .answers import begin, complete, say, waiting
from .conftest import browser_of

pytestmark = pytest.mark.django_db
NOWHERE = "00000000-0000-4000-8000-000000000000"
FACES = ("application/json", "text/html")
CLOSED = [
    ("get", "/c/{c}/"), ("patch", "/c/{c}/"), ("delete", "/c/{c}/"), ("post", "/c/{c}/messages"),
    ("put", "/c/{c}/read"), ("post", "/c/{c}/restore"), ("get", "/c/{c}/pair"),
    ("post", "/c/{c}/pair"), ("get", "/runs/{r}/"), ("post", "/runs/{r}/cancel"),
    ("post", "/runs/{r}/retry"), ("post", "/runs/{r}/calls/{k}/decision"),
    ("post", "/runs/{r}/calls/{k}/again"), ("get", "/devices/{d}/"), ("patch", "/devices/{d}/"),
    ("post", "/devices/{d}/revoke"), ("get", "/devices/{d}/push"), ("put", "/devices/{d}/push"),
    ("delete", "/devices/{d}/push"), ("get", "/pair/{p}/"), ("get", "/c/{c}/actions"),
    ("get", "/c/{c}/export"), ("get", "/c/{c}/messages/{m}/edit"), ("get", "/c/{c}/shares"),
    ("post", "/c/{c}/shares"), ("delete", "/shares/{s}/"), ("get", "/attachments/{a}/"),
    ("delete", "/attachments/{a}/"), ("get", "/attachments/{a}/soup.txt"),
]  # fmt: skip
# By ids of another protocol, which are ours after a word.
IN_OTHER_WORDS = [
    ("get", "/v1/responses/resp_{r.hex}"), ("delete", "/v1/responses/resp_{r.hex}"),
    ("post", "/v1/responses/resp_{r.hex}/cancel"),
    ("get", "/v1/responses/resp_{r.hex}/input_items"),
    ("get", "/v1/conversations/conv_{c.hex}"), ("post", "/v1/conversations/conv_{c.hex}"),
    ("delete", "/v1/conversations/conv_{c.hex}"),
    ("get", "/v1/conversations/conv_{c.hex}/items"),
    ("post", "/v1/conversations/conv_{c.hex}/items"),
]  # fmt: skip
OF_A_CONVERSATION = [
    each for each in CLOSED if re.search(r"\{[crsa]\}", each[1]) and "restore" not in each[1]
]
# Served beside Django, and held to the same in tests/acceptance/test_access.py.
STREAMED = {"conversation-events", "run-events", "presence"}


@pytest.fixture
def theirs(conversation, laptop, phone):
    """One of each of what Anna has: an answer, a device that is elsewhere, a pairing."""
    file = upload(laptop.user, "soup.txt", BytesIO(b"A secret soup"))
    prompt, run, _ = conversation.post("A secret soup", laptop, attachments=[file.uuid])
    begin(run)
    say(run, "Secret words")
    complete(run)
    pairing = Pairing.open(laptop, conversation).pairing
    return {
        "c": conversation.uuid,
        "r": run.uuid,
        "d": phone.uuid,
        "p": pairing.uuid,
        "k": waiting(run).uuid,
        "m": prompt.uuid,
        "s": Share.make(conversation, "Secret", [{"role": "user", "text": "soup"}]).uuid,
        "a": file.uuid,
    }


@pytest.fixture
def stranger(bert):
    client = browser_of(DeviceFactory(user=bert, name="Tablet"))
    client.get("/c/")
    return client


def told(client, method, path, face):
    """All that is told, and in how many questions."""
    body = {"data": {}, "content_type": "application/json"} if method != "get" else {}
    with CaptureQueriesContext(connection) as asked:
        answer = getattr(client, method)(path, headers={"Accept": face}, **body)
    plain = re.sub(r'value="\w{64}"', "", answer.content.decode())  # masked anew every time
    return answer.status_code, plain, dict(answer.headers), len(asked)


def everything():
    models = (Attachment, Conversation, Message, Run, ToolCall, Device, Pairing, Share)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize(("method", "path"), [*CLOSED, *IN_OTHER_WORDS])
def test_someone_elses_is_nothing_at_all(stranger, theirs, method, path):
    before = everything()
    nowhere = path.format(**dict.fromkeys(theirs, UUID(NOWHERE)))
    for face in FACES:
        asked = told(stranger, method, path.format(**theirs), face)
        nothing = told(stranger, method, nowhere, face)
        assert asked[0] == 404, face
        assert asked == nothing, face
        assert everything() == before, face


@pytest.mark.parametrize(("method", "path"), OF_A_CONVERSATION)
def test_what_was_deleted_is_nothing_at_all_even_to_its_owner(
    laptop, theirs, conversation, method, path
):
    conversation.delete_softly(laptop)
    owner = browser_of(laptop)
    owner.get("/c/")
    nowhere = path.format(**dict.fromkeys(theirs, UUID(NOWHERE)))
    for face in FACES:
        asked = told(owner, method, path.format(**theirs), face)
        assert asked[0] == 404, face
        assert asked == told(owner, method, nowhere, face), face


def test_someone_elses_deletion_is_neither_offered_nor_taken_back(
    stranger, theirs, conversation, laptop
):
    conversation.delete_softly(laptop)
    for face in FACES:
        asked = told(stranger, "post", f"/c/{theirs['c']}/restore", face)
        assert asked == told(stranger, "post", f"/c/{NOWHERE}/restore", face)
    offered = told(stranger, "get", f"/c/?deleted={theirs['c']}", "text/html")
    assert offered == told(stranger, "get", f"/c/?deleted={NOWHERE}", "text/html")


@pytest.mark.parametrize(
    "path", ["/c/", "/devices/", "/c/?before=", "/password/", "/pair/", "/shares/"]
)
def test_a_list_holds_nothing_of_anyone_else(stranger, theirs, path):
    for face in FACES:
        page = stranger.get(path, headers={"Accept": face}).content.decode()
        for secret in ("soup", "Secret", "Laptop", "Phone", *map(str, theirs.values())):
            assert secret not in page, face


def test_every_address_with_an_identity_in_it_is_held_to_this():
    """A view added tomorrow is on the list, or this fails."""
    routes = [one for one in get_resolver("streams.urls").url_patterns if "uuid:" in str(one)]
    named = {"{k}": "<uuid:call>", "{m}": "<uuid:message>"}
    held = {
        re.sub(r"\{\w\}", lambda it: named.get(it[0], "<uuid:uuid>"), p).lstrip("/")
        for _, p in CLOSED
    }
    held = {path.replace("soup.txt", "<str:name>") for path in held}
    assert {str(it.pattern) for it in routes if it.name not in STREAMED} == held


@pytest.mark.parametrize("path", ["", "conversation/", "run/", "device/", "worker/"])
def test_the_admin_is_for_staff_with_the_permission_alone(stranger, bert, theirs, path):
    place = "/admin/" + (path and f"streams/{path}")
    assert stranger.get(place, follow=True).status_code == 403
    assert Client().get(place)["Location"] == f"/admin/login/?next={place}"
    bert.is_staff = True
    bert.save()
    assert "soup" not in stranger.get(place).content.decode()
    assert stranger.get(place).status_code == (403 if path else 200)
