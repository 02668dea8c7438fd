"""Prepares an uploaded file for storage: determines its type and removes a picture's metadata."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import IO

from django.utils.translation import gettext

from streams.exceptions import Invalid

from . import kinds, metadata
from .kinds import Content


def taken(content: IO[bytes]) -> tuple[IO[bytes], Content]:
    """Returns the content to store, read from its beginning, and its kind, size and digest.

    Raises what `kinds.examined` raises, and Invalid for a damaged picture.
    """
    found = kinds.examined(content)
    if not kinds.is_image(found.type):
        return content, found
    given = content.read()
    content.seek(0)
    try:
        kept = metadata.without(given, found.type)
    except metadata.Damaged as error:
        raise Invalid(gettext(kinds.BROKEN), field="file") from error
    if kept == given:
        return content, found
    digest = hashlib.sha256(kept).hexdigest()
    return BytesIO(kept), found._replace(size=len(kept), sha256=digest)
