"""The metadata of a picture is removed before it is stored."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest

from streams.attachments import metadata
from streams.attachments.intake import taken
from streams.attachments.kinds import JPEG, PNG, WEBP
from streams.exceptions import Invalid
from tests import sample_files

PHOTOS = {
    JPEG: sample_files.PHOTO_JPEG,
    PNG: sample_files.PHOTO_PNG,
    WEBP: sample_files.PHOTO_WEBP,
}


def exif_of(content, type):
    """The bytes of a picture's part of Exif, with its head, and what is in it."""
    begins, length, head, tail = {
        JPEG: (content.find(b"\xff\xe1"), ">H", 2, 0),
        PNG: (content.find(b"eXIf") - 4, ">I", 4, 8),
        WEBP: (content.find(b"EXIF"), "<I", 4, 4),
    }[type]
    at = begins if type == PNG else begins + head
    (size,) = struct.unpack_from(length, content, at)
    part = content[begins : begins + head + size + tail]
    inside = max(part.find(b"II*\0"), part.find(b"MM\0*"))
    return part, part[inside:]


@pytest.mark.parametrize("type", PHOTOS)
def test_a_photo_keeps_its_picture_and_the_way_up_alone(type):
    given = PHOTOS[type]
    assert b"ACME" in given
    kept = metadata.without(given + b"Behind it: ACME", type)
    assert b"ACME" not in kept
    before, said = exif_of(given, type)
    after, left = exif_of(kept, type)
    assert metadata.orientation(said) == metadata.orientation(left) == 6
    assert len(left) - (4 if type == PNG else 0) == 26  # one tag
    start = 12 if type == WEBP else 0  # of which the length is another
    assert kept.replace(after, b"")[start:] == given.replace(before, b"")[start:]
    assert metadata.without(kept, type) == kept


def jpeg(*parts):
    start, rest = sample_files.JPEG[:2], sample_files.JPEG[2:]
    return start + b"".join(parts) + rest


def part(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


@pytest.mark.parametrize(
    ("beside", "stays"),
    [
        (part(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), False),
        (part(0xED, b"Photoshop 3.0\0city"), False),
        (part(0xE2, b"MPF\0more pictures"), False),
        (part(0xFE, b"by me"), False),
        (part(0xE1, b"Exif\0\0"), False),
        (part(0xE2, b"ICC_PROFILE\0colours"), True),
        (part(0xEE, b"Adobe\0colours"), True),
    ],
)
def test_parts_of_a_jpeg_stay_that_are_about_what_it_shows(beside, stays):
    assert metadata.without(jpeg(beside), JPEG) == (jpeg(beside) if stays else sample_files.JPEG)
    behind = sample_files.JPEG + jpeg(beside)
    assert metadata.without(behind, JPEG) == sample_files.JPEG


def test_words_in_a_png_and_a_webp_go():
    given = sample_files.png()
    words = sample_files.part(b"tEXt", b"Author\0me") + sample_files.part(
        b"iTXt", b"XML:com.adobe.xmp\0"
    )
    assert metadata.without(given[:33] + words + given[33:], PNG) == given
    colours = sample_files.part(b"gAMA", b"\0\0\xb1\x8f")
    assert colours in metadata.without(given[:33] + colours + given[33:], PNG)
    xmp = b"XMP " + struct.pack("<I", 4) + b"<x/>"
    longer = (
        b"RIFF" + struct.pack("<I", len(sample_files.WEBP) - 8 + len(xmp)) + sample_files.WEBP[8:]
    )
    assert metadata.without(longer + xmp, WEBP) == sample_files.WEBP


def test_a_picture_that_was_cut_off_is_kept_as_far_as_it_goes():
    for type, content in (
        (JPEG, sample_files.JPEG),
        (PNG, sample_files.png()),
        (WEBP, sample_files.WEBP),
    ):
        for lost in (3, 5):
            assert metadata.without(content[:-lost], type)[12:] in content


def test_words_that_a_png_is_cut_off_in_go_too():
    given, end = sample_files.png(), -12
    words = sample_files.part(b"tEXt", b"Author\0ACME" * 3)
    for lost in range(1, len(words)):
        kept = metadata.without(given[:end] + words[:-lost], PNG)
        assert kept == given[:end]
    too_long = struct.pack(">I", 10**6) + words[4:]
    assert metadata.without(given[:end] + too_long + given[end:], PNG) == given[:end]


@pytest.mark.parametrize("beside", [b"\0\0", b"ACME", b"\xff\0\xff\xff"])
def test_what_stands_between_the_parts_of_a_jpeg_goes(beside):
    """Decoders show it, with a warning."""
    words = part(0xFE, b"by me")
    assert metadata.without(jpeg(beside, words, beside), JPEG) == sample_files.JPEG
    tables = sample_files.JPEG.find(b"\xff\xdb")
    given = sample_files.JPEG[:tables] + beside + sample_files.JPEG[tables:]
    assert metadata.without(given, JPEG) == sample_files.JPEG


def test_the_small_picture_in_the_head_of_a_jpeg_goes():
    head = b"JFIF\0\1\1\0\0\1\0\1"
    small, none = (part(0xE0, head + sizes) for sizes in (b"\4\4" + b"ACME" * 12, b"\0\0"))
    rest = sample_files.JPEG[2 + len(none) :]
    assert metadata.without(b"\xff\xd8" + small + rest, JPEG) == sample_files.JPEG
    further = part(0xE0, b"JFXX\0\x10ACME")
    assert metadata.without(b"\xff\xd8" + none + further + rest, JPEG) == sample_files.JPEG


@pytest.mark.parametrize(
    ("type", "content"),
    [
        (JPEG, b"\xff\xd8" + b"\xff\xe1\0\2" * 200_000),
        (JPEG, b"\xff\xd8\xff\xe1\xff\xff"),
        (JPEG, b"\xff\xd8 words"),
        (JPEG, b"\xff\xd8" + b"\xff" * 5_000_000),
        (JPEG, jpeg(part(0x12, b"ACME"))),
        (
            PNG,
            sample_files.header(3, 2)
            + struct.pack(">I", 10**6)
            + b"eXIf"
            + sample_files.png()[33:],
        ),
        (WEBP, sample_files.WEBP[:4] + bytes(4) + sample_files.WEBP[8:]),
        (WEBP, sample_files.PHOTO_WEBP[:4] + b"\x10\0\0\0" + sample_files.PHOTO_WEBP[8:]),
    ],
)
def test_what_is_no_picture_is_damaged_and_takes_no_time(type, content):
    with pytest.raises(metadata.Damaged):
        metadata.without(content, type)


def test_what_is_stored_is_what_is_counted():
    content, found = taken(BytesIO(sample_files.PHOTO_JPEG))
    assert found.size == len(content.read()) < len(sample_files.PHOTO_JPEG)
    again, same = taken(BytesIO(sample_files.PHOTO_JPEG))
    assert same.sha256 == found.sha256 == taken(again)[1].sha256
    with pytest.raises(Invalid, match="damaged"):
        taken(BytesIO(jpeg(b"\xff\xe1\xff\xff")))
