"""Files that a site's own code sends with a prompt."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

import streams
from streams import exceptions
from streams.attachments import storage
from streams.models import Attachment, DiscardedFile, Message, attachment
from streams.models.attachment import upload
from streams.postgres import database
from tests import sample_files

# In another transaction than the caller's is noted what a rollback would leave behind.
pytestmark = pytest.mark.django_db(transaction=True)


def files():
    return [ContentFile(sample_files.png(), name="a/b.jpg"), BytesIO(b"words")]


def names(run):
    message = Message.objects.get(run__isnull=True, runs__uuid=run.id)
    return [block["name"] for block in message.blocks[1:]]


def test_files_go_with_a_prompt_and_with_its_key(anna, bert):
    chat = streams.start(anna)
    run = chat.ask("What?", attachments=files(), key="k")

    assert names(run) == ["b.jpg.png", "file.txt"]
    assert chat.ask("What?", attachments=files(), key="k") == run
    assert Attachment.objects.owned_by(anna).exclude(message=None).count() == 2
    with pytest.raises(exceptions.KeyReused):
        chat.ask("What?", attachments=files()[:1], key="k")
    before = upload(anna, "c.txt", BytesIO(b"more"))
    assert names(chat.ask("", attachments=[before.uuid])) == ["c.txt"]
    for other in (uuid4(), upload(bert, "d.txt", BytesIO(b"theirs")).uuid):
        with pytest.raises(exceptions.NotFound):
            chat.ask("Whose?", attachments=[other])


def test_a_key_knows_a_picture_by_what_is_kept_of_it(anna):
    chat = streams.start(anna)

    def ask():
        twice = [BytesIO(sample_files.PHOTO_JPEG), BytesIO(sample_files.PHOTO_JPEG)]
        return chat.ask("What?", attachments=twice, key="k")

    assert ask() == ask()
    assert Attachment.objects.count() == 1


def test_what_was_sent_with_a_key_meanwhile_is_the_same_prompt(anna, monkeypatch):
    monkeypatch.setattr("streams.api.prompt_files.sent_before", lambda *_: {})
    chat = streams.start(anna)
    runs = [chat.ask("What?", attachments=files(), key="k") for _ in range(2)]
    assert runs[0] == runs[1]
    assert Attachment.objects.count() == 2


def test_what_is_refused_leaves_no_file(anna, settings):
    chat = streams.start(anna)
    for attachments, error in (
        ([*files(), BytesIO(b"")], exceptions.Invalid),
        ([*files(), BytesIO(b"\x7fELF\0")], exceptions.Unsupported),
        (files() * 6, exceptions.TooManyFiles),
    ):
        with pytest.raises(error):
            chat.ask("What?", attachments=attachments)
    settings.STREAMS = {**settings.STREAMS, "models": {"scripted": {"takes": {"demo": []}}}}
    with pytest.raises(exceptions.Invalid, match="images"):
        chat.ask("What?", attachments=files())
    assert not Attachment.objects.exists()
    assert chat.refresh().head == 0


def test_a_rollback_leaves_a_file_to_be_deleted_and_a_commit_does_not(anna):
    chat = streams.start(anna)
    with transaction.atomic():
        chat.ask("What?", attachments=files()[:1])
    assert storage.read(Attachment.objects.get().place) == sample_files.png()
    assert not DiscardedFile.objects.exists()
    with transaction.atomic():
        chat.ask("And?", attachments=files()[:1])
        transaction.set_rollback(True)
    left = DiscardedFile.objects.get().place
    assert storage.read(left) == sample_files.png()
    assert Attachment.objects.count() == 1


@pytest.mark.django_db(transaction=False)
def test_in_a_test_nothing_is_committed_beside_its_transaction(anna, monkeypatch):
    monkeypatch.setattr(attachment, "own_cursor", lambda: pytest.fail("did"))
    with transaction.atomic():
        run = streams.start(anna).ask("What?", attachments=files())
    assert names(run) == ["b.jpg.png", "file.txt"]


def test_a_note_that_fails_leaves_no_connection_open(anna, monkeypatch):
    DiscardedFile.objects.create(place="there", due_at=timezone.now())
    used, wrapper = [], type(database.connection())
    copy = wrapper.copy
    monkeypatch.setattr(wrapper, "copy", lambda self: used.append(copy(self)) or used[-1])
    with pytest.raises(IntegrityError):
        attachment.announce("there", apart=True)
    assert [each.connection for each in used] == [None]


def test_a_transaction_with_files_takes_no_second_connection_of_the_pool(anna, monkeypatch):
    here = database.connection()
    here.close()
    of_one = {"min_size": 1, "max_size": 1, "timeout": 1.0}
    monkeypatch.setitem(here.settings_dict["OPTIONS"], "pool", of_one)
    try:
        with transaction.atomic():
            run = streams.start(anna).ask("What?", attachments=files())
        assert names(run) == ["b.jpg.png", "file.txt"]
    finally:
        here.close()
        here.close_pool()
