"""Where attached files lie: one of the site's storages, a folder by default."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import InvalidStorageError, Storage, storages

from streams.conf import conf

AT_ONCE = 65_536


def storage() -> Storage:
    """The storage that STREAMS names. Raises InvalidStorageError if STORAGES has none of it."""
    return storages[conf().attachment_storage]


def place_of(uuid: UUID) -> str:
    """Returns the name under which a file is stored, which tells nothing of it."""
    return f"attachments/{uuid.hex[:2]}/{uuid.hex}"


def write(place: str, content: IO[bytes]) -> str:
    """Stores a file; returns where, which a storage may decide otherwise."""
    content.seek(0)
    return str(storage().save(place, File(content)))


def open_file(place: str) -> Any:
    """Opens a stored file for reading. Raises OSError, or what the storage raises."""
    return storage().open(place, "rb")


def read(place: str) -> bytes:
    """Raises OSError, or what the storage raises."""
    with open_file(place) as file:
        return bytes(file.read())


def delete(place: str) -> None:
    """Deletes a file; one that is gone already is no error."""
    storage().delete(place)


def folder() -> Path | None:
    """Returns the folder of a storage that has one."""
    location = getattr(storage(), "location", None)
    return Path(location).resolve() if location else None


def problem() -> str | None:
    """Says what is wrong with the storage, after writing to it; None if nothing is."""
    place = "attachments/check"
    try:
        written = storage().save(place, File(BytesIO(b"written by manage.py check")))
        storage().delete(written)
    except InvalidStorageError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
