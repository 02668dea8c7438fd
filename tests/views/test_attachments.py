"""Files are attached, sent, read by who may read the conversation, and taken back before that."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from streams.attachments import storage
from streams.conversation_snapshot import snapshot
from streams.log.transcript import Row, fold
from streams.models import Attachment, Conversation, DiscardedFile, Event, Message, Run
from streams.models.attachment import upload
from tests import sample_files

from .answers import begin, complete, say
from .conftest import browser_of

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def limits(settings, **changed):
    settings.STREAMS = {**settings.STREAMS, **changed}


@pytest.fixture
def attach(api):
    """Uploads as the page does; the reference."""

    def attached(content=None, name="photo.png", status=201, **headers):
        content = sample_files.png() if content is None else content
        file = SimpleUploadedFile(name, content, content_type="text/html")
        answer = api.client.post("/attachments/", {"file": file}, headers=JSON | headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    return attached


def read(answer):
    async def whole():
        return b"".join([piece async for piece in answer.streaming_content])

    return async_to_sync(whole)()


def test_a_file_is_attached_read_and_taken_back(attach, api, anna):
    made = attach()

    known = {"id": made["id"], "name": "photo.png", "type": "image/png", "size": 73}
    known |= {"width": 3, "height": 2, "conversation": None}
    assert made == known | {"url": f"/attachments/{made['id']}/photo.png"}
    assert api("get", f"/attachments/{made['id']}/").json() == made
    assert api("delete", f"/attachments/{made['id']}/").status_code == 204
    assert api("get", made["url"]).status_code == 404
    assert api("delete", f"/attachments/{made['id']}/").status_code == 404
    raw = api.client.post(
        "/attachments/?name=a/b.txt", b"words", content_type="text/plain", headers=JSON
    )
    assert (raw.status_code, raw.json()["name"], raw["Location"]) == (
        201,
        "b.txt",
        raw.json()["url"],
    )
    by_form = api.client.post(
        "/attachments/", {"file": BytesIO(b"more")}, headers={"Accept": "text/html"}
    )
    assert by_form.status_code == 303
    assert read(api.client.get(by_form["Location"])) == b"more"


@pytest.mark.parametrize(
    ("content", "name", "type", "disposition"),
    [
        (
            sample_files.png(),
            "Grüße.png",
            "image/png",
            "inline; filename*=utf-8''Gr%C3%BC%C3%9Fe.png",
        ),
        (sample_files.PDF, "a.pdf", "application/pdf", 'attachment; filename="a.pdf"'),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "x.svg",
            "text/plain; charset=utf-8",
            'attachment; filename="x.svg"',
        ),
        (
            sample_files.GIF + b"<script>alert(1)</script>",
            "page.html",
            "image/gif",
            'inline; filename="page.html.gif"',
        ),
    ],
)
def test_a_file_is_served_as_what_it_is_and_never_as_a_page(
    attach, api, content, name, type, disposition
):
    made = attach(content, name)

    answer = api.client.get(f"/attachments/{made['id']}/evil.html")
    assert read(answer) == content
    known = ("Content-Type", "Content-Disposition", "Content-Length", "X-Content-Type-Options")
    assert [answer[each] for each in known] == [type, disposition, str(len(content)), "nosniff"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"].startswith("private")
    again = api.client.get(made["url"], headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = api.client.head(made["url"])
    assert (head.status_code, head["Content-Type"], head.content) == (200, type, b"")


def test_refusals_say_what_to_do_in_both_faces(attach, api, page, settings):
    limits(settings, attachment_bytes=200)
    assert attach(b"PK\3\4", status=415)["error"]["message"].startswith("This kind of file can't")
    assert attach(b"x" * 201, "a.txt", status=413)["error"] == {
        "code": "too_large",
        "message": "This file is too large: at most 200\xa0bytes.",
        "field": "file",
    }
    raw = {"content_type": "text/plain", "headers": JSON}
    assert api.client.post("/attachments/", b"x" * 201, **raw).status_code == 413
    far = api.client.post("/attachments/", b"x" * 100_000, **raw)
    assert far.json()["error"]["message"] == "This file is too large: at most 200\xa0bytes."
    assert (
        api.client.post("/attachments/", b"", **raw).json()["error"]["message"]
        == "This file is empty."
    )
    none = api.client.post("/attachments/", {"other": "x"}, headers=JSON)
    assert none.json()["error"]["message"] == "Choose a file first."
    shown = page.post("/attachments/", {"file": SimpleUploadedFile("a.zip", b"PK\3\4")})
    assert (shown.status_code, shown["Content-Type"]) == (415, "text/html; charset=utf-8")
    assert "PNG, JPEG, GIF and WebP images" in shown.content.decode()
    limits(settings, attachment_bytes=0)
    assert attach(status=413)["error"]["message"] == "No files can be attached here."
    assert not Attachment.objects.exists()


def test_one_needs_to_be_known_and_to_have_the_token(laptop):
    file = {"file": BytesIO(b"words")}
    assert Client().post("/attachments/", file, headers=JSON).status_code == 401
    forged = browser_of(laptop, enforce_csrf_checks=True)
    assert (
        forged.post("/attachments/", {"file": BytesIO(b"words")}, headers=JSON).status_code == 403
    )
    assert not Attachment.objects.exists()


def test_limits_of_a_person_count_what_is_theirs(attach, anna, bert, settings):
    limits(settings, attachment_bytes_per_user=200, attachments_unsent=2)
    upload(bert, "his.txt", BytesIO(b"x" * 150))
    attach()
    attach(b"x" * 127, "a.txt")
    assert attach(b"x", "b.txt", 422)["error"]["code"] == "no_room"
    limits(settings, attachment_bytes_per_user=0)
    assert attach(b"x", "b.txt", 422)["error"]["message"].startswith("You have attached 2 files")
    assert Attachment.objects.filter(owner=anna).count() == 2


def test_a_prompt_brings_its_files_into_the_log_as_references_alone(
    attach, api, here, conversation, laptop
):
    first, second = attach(), attach(b"Some words", "notes.md")
    body = {"content": "Look", "client_key": "k", "attachments": [second["id"], first["id"]]}

    posted = api("post", f"{here}messages", body)

    assert posted.status_code == 201
    blocks = api("get", here).json()["messages"][0]["blocks"]
    assert blocks == [
        {"index": 0, "kind": "text", "text": "Look"},
        {"index": 1, "kind": "attachment", "text": "", "id": second["id"], "name": "notes.md",
         "type": "text/plain", "size": 10},
        {"index": 2, "kind": "attachment", "text": "", "id": first["id"], "name": "photo.png",
         "type": "image/png", "size": 73, "width": 3, "height": 2},
    ]  # fmt: skip
    again = api("post", f"{here}messages", body)
    assert (again.status_code, again.json()["message"]) == (200, posted.json()["message"])
    other = api("post", f"{here}messages", body | {"attachments": [first["id"]]})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
    sent = Attachment.objects.get(uuid=first["id"])
    assert (sent.conversation, str(sent.message.uuid)) == (
        conversation,
        posted.json()["message"]["id"],
    )
    assert api("delete", f"/attachments/{first['id']}/").status_code == 404
    assert read(api("get", first["url"])) == sample_files.png()


def test_what_events_say_is_what_the_page_shows(attach, api, here, conversation):
    made = attach()
    api("post", f"{here}messages", {"attachments": [made["id"]]})
    stored = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    folded = fold(Row(row.seq, row.type, row.data) for row in stored)
    assert folded.messages[0].blocks[1]["name"] == "photo.png"
    assert folded.as_dict() == snapshot(conversation.pk).transcript.as_dict()


def test_a_new_conversation_begins_with_files(attach, api):
    made = attach()
    body = {"content": "", "client_key": "k", "attachments": [made["id"]], "model": "scripted:demo"}
    begun = api("post", "/c/", body)
    assert begun.status_code == 201
    assert api("post", "/c/", body).status_code == 200
    message = Message.objects.get(uuid=begun.json()["message"]["id"])
    assert (message.text, message.attachments.get().name) == ("", "photo.png")
    assert api("post", "/c/", {"content": ""}).status_code == 422


def test_only_what_is_ones_own_and_here_can_be_sent(attach, api, bert, here, settings, laptop):
    made = attach()
    elsewhere = Conversation.begin(laptop.user, model="scripted:demo")
    elsewhere.post("x", laptop, attachments=[Attachment.objects.get(uuid=made["id"]).uuid])
    his = upload(bert, "his.txt", BytesIO(b"secret"))
    for id in (made["id"], str(his.uuid), "00000000-0000-4000-8000-000000000000"):
        refused = api("post", f"{here}messages", {"content": "x", "attachments": [id]})
        assert (refused.status_code, refused.json()["error"]["field"]) == (404, "attachments")
        assert "attach it again" in refused.json()["error"]["message"]
    for wrong in (["x"], [None], [[]], "x", {"a": 1}):
        refused = api("post", f"{here}messages", {"content": "x", "attachments": wrong})
        assert refused.status_code == 422, wrong
    limits(settings, attachments_per_message=2)
    three = [attach()["id"] for _ in range(3)]
    refused = api("post", f"{here}messages", {"content": "x", "attachments": three})
    assert refused.json()["error"]["message"] == "At most 2 files go with one message."


def test_a_model_that_takes_no_images_says_so_before_anything_is_sent(
    attach, api, here, conversation, settings
):
    limits(settings, models={"openai-chat": {"url": "http://x", "takes": {"vl*": ["image"]}}})
    conversation.model = "openai-chat:blind"
    conversation.save()
    image, pdf, text = attach(), attach(sample_files.PDF, "a.pdf"), attach(b"words", "a.txt")
    refused = api("post", f"{here}messages", {"content": "x", "attachments": [image["id"]]})
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == (
        "Blind · own server can't look at images. Choose another model, or remove them."
    )
    sent = api("post", f"{here}messages", {"content": "x", "attachments": [text["id"]]})
    assert sent.status_code == 201
    new = {"content": "x", "model": "openai-chat:vl2", "attachments": [image["id"]]}
    assert api("post", "/c/", new | {"attachments": [pdf["id"]]}).status_code == 422
    assert api("post", "/c/", new).status_code == 201


def test_a_form_brings_its_files_itself(page, here, api):
    form = {
        "content": "Look",
        "files": [
            SimpleUploadedFile("a.png", sample_files.png()),
            SimpleUploadedFile("b.txt", b"b"),
        ],
    }
    assert page.post(f"{here}messages", form).status_code == 303
    blocks = api("get", here).json()["messages"][0]["blocks"]
    assert [block.get("name") for block in blocks] == [None, "a.png", "b.txt"]
    begun = page.post("/c/", {"content": "", "files": [SimpleUploadedFile("c.txt", b"c")]})
    assert begun.status_code == 303
    for path in (f"{here}messages", "/c/"):
        keyed = {"content": "Look", "client_key": "k"}
        sent = [
            page.post(path, keyed | {"files": [SimpleUploadedFile("d.txt", b"d") for _ in "12"]})
            for _ in range(2)
        ]
        assert [each.status_code for each in sent] == [303, 303]
        assert sent[0]["Location"] == sent[1]["Location"]
    assert Attachment.objects.filter(conversation=None).count() == 0
    assert Attachment.objects.filter(name="d.txt").count() == 2
    nothing = (
        b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nJust words\r\n'
        b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    )
    plain = page.generic("POST", "/c/", nothing, content_type="multipart/form-data; boundary=x")
    assert plain.status_code == 303
    refused = page.post(f"{here}messages", form | {"files": [SimpleUploadedFile("z", b"PK\3\4")]})
    assert refused.status_code == 415
    assert "PNG, JPEG" in refused.content.decode()


def test_an_edited_prompt_keeps_its_files_unless_it_says_otherwise(attach, api, here, laptop):
    one, two = attach(), attach(b"b", "b.txt")
    body = {"content": "Look", "attachments": [one["id"]]}
    posted = api("post", f"{here}messages", body).json()
    run = Run.objects.get(uuid=posted["run"]["id"])
    begin(run), say(run, "Hm"), complete(run)
    edit = f"{here}messages/{posted['message']['id']}/edit"

    again = api("post", edit, {}).json()
    assert again["message"]["id"] == posted["message"]["id"]
    run = Run.objects.get(uuid=again["run"]["id"])
    begin(run), say(run, "Hm"), complete(run)
    edited = api("post", edit, {"content": "Look here"}).json()["message"]["id"]
    swapped = api("post", edit, {"attachments": [two["id"], one["id"]]}).json()["message"]["id"]
    assert names_of(edited) == ["photo.png"]
    assert names_of(swapped) == ["b.txt", "photo.png"]


def test_a_form_says_which_files_stay_with_an_edited_prompt_and_brings_more(
    attach, api, page, here
):
    one, two = attach(), attach(b"b", "b.txt")
    body = {"content": "Look", "attachments": [one["id"], two["id"]]}
    posted = api("post", f"{here}messages", body).json()
    edit = f"{here}messages/{posted['message']['id']}/edit"
    shown = page.get(edit).content.decode()
    assert f'value="{two["id"]}" checked> b.txt' in shown

    def edited(stay, *brought):
        files = [SimpleUploadedFile(name, b"x") for name in brought]
        form = {"content": "Look here", "attachments": ["", *stay], "files": files}
        assert page.post(edit, form).status_code == 303
        return names_of(Message.objects.filter(role="user").latest("pk").uuid)

    assert edited([two["id"]], "c.txt") == ["b.txt", "c.txt"]
    assert edited([]) == []
    stay = ["", one["id"]]
    for form, told in (
        ({"content": "", "attachments": ""}, "Write something"),
        ({"content": "Look", "attachments": stay, "model": "nobodys:x"}, ""),
        ({"content": "Look", "attachments": stay, "client_key": "k" * 999}, ""),
    ):
        refused = page.post(edit, form)
        assert refused.status_code == 422
        assert told in (html := refused.content.decode())
        assert (f'value="{one["id"]}" checked' in html) is (form["attachments"] == stay)


def names_of(message):
    blocks = Message.objects.get(uuid=message).blocks
    return [block["name"] for block in blocks if block["kind"] == "attachment"]


def test_a_file_that_is_gone_from_the_disk_is_not_found(attach, api):
    made = attach()
    storage.delete(Attachment.objects.get().place)
    assert api("get", made["url"]).status_code == 404


def test_a_deleted_conversations_files_are_nothing_at_all(attach, api, here, conversation, laptop):
    made = attach()
    api("post", f"{here}messages", {"content": "x", "attachments": [made["id"]]})
    conversation.refresh_from_db()
    conversation.delete_softly(laptop)
    assert api("get", made["url"]).status_code == 404
    assert api("get", f"/attachments/{made['id']}/").status_code == 404
    conversation.restore()
    assert api("get", made["url"]).status_code == 200


def test_the_admin_lists_files_and_says_with_which_message_they_went(
    attach, api, here, admin_client
):
    made = attach()
    api("post", f"{here}messages", {"content": "Look at it", "attachments": [made["id"]]})
    row = Attachment.objects.get()
    listed = admin_client.get("/admin/streams/attachment/").content.decode()
    assert "photo.png" in listed
    one = admin_client.get(f"/admin/streams/attachment/{row.pk}/change/").content.decode()
    assert "user: Look at it" in one
    assert admin_client.get("/admin/streams/attachment/add/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_find_room_for_one(anna, settings):
    limits(settings, attachment_bytes_per_user=1000)
    done = []

    def one():
        try:
            done.append(upload(anna, "a.txt", BytesIO(b"x" * 600)).size)
        except Exception as error:
            done.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(6)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert sorted(map(str, done)) == ["600", *["NoRoom"] * 5]
    kept = Attachment.objects.get().place
    assert kept not in DiscardedFile.objects.values_list("place", flat=True)
