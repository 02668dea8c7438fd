"""Determines a file's type from its content; its name and the type its sender gives are ignored."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable
from typing import IO, NamedTuple

import imagesize
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, gettext_noop

from streams.conf import conf
from streams.exceptions import Invalid, TooLarge, Unsupported

PNG, JPEG, GIF, WEBP = "image/png", "image/jpeg", "image/gif", "image/webp"
PDF, TEXT = "application/pdf", "text/plain"
IMAGES = (PNG, JPEG, GIF, WEBP)

HEAD = 16  # bytes in which each of them says what it is
AT_ONCE = 65_536
SIGNATURES: dict[str, Callable[[bytes], object]] = {
    PNG: lambda head: head.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    JPEG: lambda head: head.startswith(b"\xff\xd8\xff"),
    GIF: lambda head: head.startswith((b"GIF87a", b"GIF89a")),
    WEBP: lambda head: head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8",
    PDF: lambda head: head.startswith(b"%PDF-"),
}

# What no text has: such a file is of another kind, or cannot be shown to a model.
BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

NONE_HERE = gettext_noop("No files can be attached here.")
EMPTY = gettext_noop("This file is empty.")
UNKNOWN = gettext_noop(
    "This kind of file can't be attached: PNG, JPEG, GIF and WebP images, PDF, and text in UTF-8."
)
TOO_LARGE = gettext_noop("This file is too large: at most %(most)s.")
TEXT_TOO_LARGE = gettext_noop("This text is too long to attach: at most %(most)s.")
TOO_MANY_PIXELS = gettext_noop("This image has too many pixels: at most %(most)d million.")
BROKEN = gettext_noop("This image is damaged.")


class Content(NamedTuple):
    """A file's content: its type, its bytes, and an image's measures in pixels."""

    type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None


def is_image(type: str) -> bool:
    return type in IMAGES


def examined(content: IO[bytes]) -> Content:
    """Reads a file once, in pieces, and leaves it at its beginning.

    Raises Invalid for an empty or damaged one, Unsupported for one of another kind, and TooLarge.
    """
    size, digest = measured(content)
    if not size:
        raise Invalid(gettext(EMPTY), field="file")
    content.seek(0)
    head = content.read(HEAD)
    type = next((name for name, found in SIGNATURES.items() if found(head)), TEXT)
    width, height = pixels(content) if is_image(type) else (None, None)
    if type == TEXT:
        check_text(content, size)
    content.seek(0)
    return Content(type, size, digest, width, height)


def measured(content: IO[bytes]) -> tuple[int, str]:
    most, size, digest = conf().attachment_bytes, 0, hashlib.sha256()
    content.seek(0)
    while piece := content.read(AT_ONCE):
        size += len(piece)
        if size > most:
            raise too_large()
        digest.update(piece)
    return size, digest.hexdigest()


def too_large() -> TooLarge:
    """Makes the refusal of a file that is longer than it may be."""
    if not conf().attachment_bytes:
        return TooLarge(gettext(NONE_HERE), field="file")
    most = filesizeformat(conf().attachment_bytes)
    return TooLarge(gettext(TOO_LARGE) % {"most": most}, field="file")


def pixels(content: IO[bytes]) -> tuple[int, int]:
    """Returns an image's width and height as its head states them; nothing is decoded, and what a
    browser would need gigabytes for is refused.
    """
    content.seek(0)
    try:
        width, height = imagesize.get(content)
    except Exception as error:  # of a parser that meets foreign bytes
        raise Invalid(gettext(BROKEN), field="file") from error
    if width < 1 or height < 1:
        raise Invalid(gettext(BROKEN), field="file")
    most = conf().image_pixels
    if most and width * height > most:
        told = gettext(TOO_MANY_PIXELS) % {"most": most // 1_000_000}
        raise TooLarge(told, field="file")
    return int(width), int(height)


def check_text(content: IO[bytes], size: int) -> None:
    """Raises Unsupported unless the file is text in UTF-8, and TooLarge."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    content.seek(0)
    try:
        while piece := content.read(AT_ONCE):
            if BINARY.search(decoder.decode(piece)):
                raise Unsupported(gettext(UNKNOWN), field="file")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Unsupported(gettext(UNKNOWN), field="file") from error
    most = conf().attachment_text_bytes
    if most and size > most:
        told = gettext(TEXT_TOO_LARGE) % {"most": filesizeformat(most)}
        raise TooLarge(told, field="file")
