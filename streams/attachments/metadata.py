"""Removes metadata from JPEG, PNG and WebP: where and when a picture was taken, with which device,
by whom, and the small or further pictures that cameras put beside it. A GIF stays as it is.

Nothing is decoded: parts of a file are left out, and those that stay do so bit for bit. Colours,
animation and the way up stay.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from .kinds import JPEG, PNG, WEBP

MOST_PARTS = 100_000  # of one file

# JPEG markers: without a length, reserved, end of image, start of scan, and the segments that are
# kept.
ALONE = {0x01, *range(0xD0, 0xD9)}
UNKNOWN = {*range(0x02, 0xC0), *range(0xF0, 0xFE)}
END, SCAN, EXIF = 0xD9, 0xDA, 0xE1
PLAIN_EXIF = b"Exif\0\0"
JFIF, JFIF_HEAD = 0xE0, b"JFIF\0"
JFIF_SAYS = 12  # bytes before the sizes of its small picture
KEPT_DATA = {JFIF: JFIF_HEAD, 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
APPLICATION = range(0xE0, 0xF0)
COMMENT = 0xFE
MARKER = re.compile(rb"\xff(?=[^\x00\xff])")
AFTER_SCAN = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")

# PNG: what begins in lower case can be left out, and these are about what is shown.
KEPT_CHUNKS = frozenset(
    b"tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
PNG_START = 8
CHUNK_HEAD = 8

PIXELS_OF_WEBP = frozenset((b"VP8 ", b"VP8L", b"ANMF"))
KEPT_OF_WEBP = PIXELS_OF_WEBP | {b"VP8X", b"ANIM", b"ALPH", b"ICCP"}
HAS_EXIF, HAS_XMP = 0x08, 0x04  # flags of VP8X

ORIENTATION, SHORT = 0x0112, 3
UPRIGHT = 1
TURNED = range(2, 9)
MOST_TAGS = 1000


class Damaged(ValueError):
    """The parts of a picture do not follow one another."""


def without(content: bytes, type: str) -> bytes:
    """Returns a picture without metadata; a file of another kind as it is. Raises Damaged."""
    remove = {JPEG: jpeg, PNG: png, WEBP: webp}.get(type)
    try:
        return remove(content) if remove else content
    except (struct.error, IndexError) as error:
        raise Damaged from error


def jpeg(content: bytes) -> bytes:
    """Returns a JPEG without its metadata but for the orientation. Raises Damaged if it holds no
    picture.
    """
    kept, way_up = [], UPRIGHT
    for part in segments(content):
        if part.kind == EXIF and part.data.startswith(PLAIN_EXIF):
            way_up = orientation(part.data[len(PLAIN_EXIF) :]) or way_up
        beginning = KEPT_DATA.get(part.kind)
        is_more = part.kind in APPLICATION or part.kind == COMMENT
        if not is_more or (beginning and part.data.startswith(beginning)):
            kept.append(plain_jfif(part.data) if part.kind == JFIF else part.whole)
    if not any(part[1] == SCAN for part in kept):
        raise Damaged
    if way_up in TURNED:
        told = PLAIN_EXIF + turned(way_up)
        first = 1 if kept and kept[0][1] == JFIF else 0  # JFIF comes before all else
        kept.insert(first, b"\xff\xe1" + struct.pack(">H", len(told) + 2) + told)
    return content[:2] + b"".join(kept)


def plain_jfif(data: bytes) -> bytes:
    """Makes JFIF without its small picture."""
    says = (data[:JFIF_SAYS] + b"\0\0")[: len(data)]
    return b"\xff\xe0" + struct.pack(">H", len(says) + 2) + says


class Part(NamedTuple):
    """A part of a file: its kind, what it holds, and all of it."""

    kind: int
    data: bytes
    whole: bytes


def segments(content: bytes) -> Iterator[Part]:
    """Returns the parts of the first picture of a JPEG; that of a scan holds what it shows. What
    stands between two or behind the picture's end is none of it, and where there is no end it has
    been cut off.
    """
    at, scanned = 2, False
    for _ in bounded():
        if not (marker := MARKER.search(content, at)):
            return
        at = marker.start()
        kind = content[at + 1]
        if kind in UNKNOWN and not scanned:  # before any, no decoder takes them
            raise Damaged
        if kind in ALONE or kind == END:
            end = at + 2
        else:
            end = at + 2 + struct.unpack_from(">H", content, at + 2)[0]
            if end < at + 4 or end > len(content):
                raise Damaged
        data = content[at + 4 : end]
        if kind == SCAN:
            scanned = True
            following = AFTER_SCAN.search(content, end)
            end = following.start() if following else len(content)
        yield Part(kind, data, content[at:end])
        if kind == END:
            return
        at = end


def bounded() -> Iterator[None]:
    """Counts a file's parts, of which there are not as many as bytes. Raises Damaged."""
    for _ in range(MOST_PARTS):
        yield
    raise Damaged


def png(content: bytes) -> bytes:
    """Returns a PNG without its metadata but for the orientation. Raises Damaged if it holds no
    picture.
    """
    kept, way_up, at = [content[:PNG_START]], UPRIGHT, PNG_START
    for _ in bounded():
        if at + CHUNK_HEAD > len(content):
            break
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if kind == b"eXIf":
            way_up = orientation(content[at + CHUNK_HEAD : end - 4]) or way_up
        elif kind[:1].isupper() or kind in KEPT_CHUNKS:
            kept.append(content[at:end])  # or what there is, where the file has been cut off
        if kind == b"IEND":
            break
        at = end
    if not any(part[4:8] == b"IDAT" for part in kept):
        raise Damaged
    if way_up in TURNED:
        told = b"eXIf" + turned(way_up)
        size, check = struct.pack(">I", len(told) - 4), struct.pack(">I", zlib.crc32(told))
        kept.insert(2, size + told + check)  # behind the start and IHDR
    return b"".join(kept)


def webp(content: bytes) -> bytes:
    """Returns a WebP without its metadata but for the orientation. Raises Damaged if it holds no
    picture.
    """
    kept, way_up, at = [], UPRIGHT, 12
    until = min(len(content), 8 + struct.unpack_from("<I", content, 4)[0])
    for _ in bounded():
        if at + 8 > until:
            break
        kind, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + length % 2
        if kind == b"EXIF":
            way_up = orientation(content[at + 8 : end].removeprefix(PLAIN_EXIF)) or way_up
        elif kind in KEPT_OF_WEBP:
            kept.append(bytearray(content[at:end]))
        at = end
    if not any(bytes(part[:4]) in PIXELS_OF_WEBP for part in kept):
        raise Damaged
    is_turned = way_up in TURNED
    for part in kept:
        if part[:4] == b"VP8X":
            part[8] = part[8] & ~(HAS_EXIF | HAS_XMP) | HAS_EXIF * is_turned
    if is_turned:
        told = turned(way_up)
        kept.append(bytearray(b"EXIF" + struct.pack("<I", len(told)) + told))
    size = 4 + sum(map(len, kept))
    return b"RIFF" + struct.pack("<I", size) + b"WEBP" + b"".join(kept)


def orientation(exif: bytes) -> int | None:
    """Returns which way up a picture is, if its Exif says so."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, at)
        for number in range(min(count, MOST_TAGS)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, at + 2 + 12 * number)
            if tag == ORIENTATION and kind == SHORT:
                return int(value)
    except struct.error:
        pass
    return None


def turned(way_up: int) -> bytes:
    """Makes Exif that says this alone."""
    first_tag = struct.pack(">HHIHH", ORIENTATION, SHORT, 1, way_up, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + first_tag + struct.pack(">I", 0)
