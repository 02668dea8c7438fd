"""Files go with whatever had them, however that goes, and a crash leaves none behind."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from streams.attachments import storage
from streams.models import Attachment, Conversation, DiscardedFile
from streams.models import attachment as attachments
from streams.models.attachment import upload
from streams.postgres.connections import connect
from streams.worker import purging, stored_files
from tests.factories import ConversationFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def raw(transactional_db):
    async with await connect("test") as connection:
        yield connection
    await sync_to_async(connections.close_all)()


def there(place):
    try:
        storage.open_file(place).close()
    except FileNotFoundError:
        return False
    return True


@sync_to_async
def sent(owner=None):
    owner = owner or UserFactory()
    here = ConversationFactory(owner=owner)
    files = [upload(owner, f"{n}.txt", BytesIO(b"words")) for n in range(2)]
    here.post("Look", None, attachments=[each.uuid for each in files])
    return here, [each.place for each in files]


@sync_to_async
def unsent(**changed):
    made = upload(UserFactory(), "a.txt", BytesIO(b"words"))
    Attachment.objects.filter(pk=made.pk).update(**changed)
    return made.place


async def test_files_go_with_the_conversation_and_with_the_person(raw):
    here, purged = await sent()
    there_still = [await sent() for _ in range(2)]
    other, by_orm = there_still[0]
    owner, by_person = there_still[1][0].owner, there_still[1][1]
    assert await stored_files.tidy(raw, 60) == 0
    assert all(map(there, purged + by_orm + by_person))

    await sync_to_async(here.delete_softly)(None)
    await purging.purge(raw, 0)
    await sync_to_async(other.delete)()
    await sync_to_async(owner.delete)()

    assert not await Attachment.objects.aexists()
    assert await stored_files.tidy(raw, 60) == 6
    assert not any(map(there, purged + by_orm + by_person))
    assert not await DiscardedFile.objects.aexists()


async def test_a_file_that_is_never_sent_goes_after_a_time(raw):
    old = await unsent(created_at=timezone.now() - 2 * HOUR)
    new = await unsent()
    assert await stored_files.tidy(raw, 3600) == 1
    assert [there(old), there(new)] == [False, True]


async def test_a_crash_between_file_and_row_leaves_a_file_that_is_found(raw, monkeypatch):
    def died(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(attachments, "keep", died)
        with pytest.raises(KeyboardInterrupt):
            await unsent()
    (left,) = [each async for each in DiscardedFile.objects.all()]
    assert there(left.place)
    assert await stored_files.tidy(raw, 3600) == 0  # it may still be on its way
    await DiscardedFile.objects.aupdate(due_at=timezone.now() - HOUR)
    assert await stored_files.tidy(raw, 3600) == 1
    assert not there(left.place)


async def test_a_file_that_cannot_be_deleted_waits_and_holds_up_no_other(raw, monkeypatch, caplog):
    here, (first, second) = await sent()
    await sync_to_async(here.delete)()
    real = storage.delete

    def refusing(place):
        if place == first:
            raise OSError("read-only")
        real(place)

    monkeypatch.setattr(storage, "delete", refusing)
    assert await stored_files.tidy(raw, 60) == 1
    assert [there(first), there(second)] == [True, False]
    assert "read-only" in caplog.text
    monkeypatch.undo()
    await DiscardedFile.objects.aupdate(due_at=timezone.now())
    assert await stored_files.tidy(raw, 60) == 1
    assert not there(first)


async def test_one_that_is_being_sent_is_not_swept_away(raw):
    place = await unsent(created_at=timezone.now() - 2 * HOUR)
    row = await Attachment.objects.aget()
    here = await sync_to_async(ConversationFactory)(owner_id=row.owner_id)
    async with await connect("sender") as sender, sender.transaction():
        await sender.execute("SELECT FROM streams_attachment FOR UPDATE")
        assert await stored_files.tidy(raw, 3600) == 0
        await sender.execute("UPDATE streams_attachment SET conversation_id = %s", [here.pk])
    assert await stored_files.tidy(raw, 3600) == 0
    assert there(place)
    assert await Conversation.objects.filter(attachments=row).aexists()
