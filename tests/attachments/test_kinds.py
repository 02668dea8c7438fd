"""A file's type comes from its content, and only some types may be attached."""

from __future__ import annotations

import hashlib
import struct
from io import BytesIO

import pytest

from streams.attachments import kinds
from streams.attachments.kinds import GIF, JPEG, PDF, PNG, TEXT, WEBP, examined
from streams.attachments.names import named
from streams.exceptions import Invalid, TooLarge, Unsupported
from tests import sample_files


@pytest.mark.parametrize(
    ("content", "type", "measures"),
    [
        (sample_files.png(3, 2), PNG, (3, 2)),
        (sample_files.GIF, GIF, (1, 1)),
        (sample_files.JPEG, JPEG, (5, 4)),
        (sample_files.WEBP, WEBP, (1, 1)),
        (sample_files.PDF, PDF, (None, None)),
        (b"Just words, \xc3\xa4nd more.\n", TEXT, (None, None)),
        (b"<script>alert(1)</script>", TEXT, (None, None)),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', TEXT, (None, None)),
        (sample_files.GIF + b"<script>alert(1)</script>", GIF, (1, 1)),
        (b"GIF89a/*" + b"\0" * 9 + b"*/=1;alert(1)", GIF, (10799, 0)),
    ],
)
def test_a_file_is_what_its_content_says(content, type, measures):
    if measures[1] == 0:
        with pytest.raises(Invalid, match="damaged"):
            examined(BytesIO(content))
        return
    file = BytesIO(content)
    found = examined(file)
    assert (found.type, found.width, found.height) == (type, *measures)
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert file.tell() == 0


@pytest.mark.parametrize(
    ("content", "refusal", "words"),
    [
        (b"", Invalid, "empty"),
        (b"PK\x03\x04\x14\0\0\0", Unsupported, "can't be attached"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0", Unsupported, "can't be attached"),
        ("Grüße".encode("latin-1"), Unsupported, "can't be attached"),
        ("Grüße".encode("utf-16"), Unsupported, "can't be attached"),
        (b"cut off in a letter \xc3", Unsupported, "can't be attached"),
        (b"\x89PNG\r\n\x1a\n", Unsupported, "can't be attached"),
        (sample_files.header(0, 5), Invalid, "damaged"),
        (b"\xff\xd8\xff\xe0 and no picture at all", Invalid, "damaged"),
        (b"\xff\xd8\xff" + b"\xff\xe0\x00\x02" * 9, Invalid, "damaged"),
        (sample_files.huge_png(), TooLarge, "too many pixels: at most 50 million"),
        (b"GIF89a" + struct.pack("<HH", 30000, 30000) + b"\0" * 9, TooLarge, "pixels"),
        (b"words " * 70_000, TooLarge, "too long to attach"),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(content, refusal, words):
    with pytest.raises(refusal, match=words):
        examined(BytesIO(content))


def test_a_file_is_read_no_further_than_it_may_be_long(settings):
    settings.STREAMS = {**settings.STREAMS, "attachment_bytes": 100_000}

    class Endless(BytesIO):
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(TooLarge, match="at most 97"):
        examined(endless)
    assert endless.taken <= 100_000 + kinds.AT_ONCE
    settings.STREAMS = {**settings.STREAMS, "attachment_bytes": 0}
    with pytest.raises(TooLarge, match="No files can be attached here"):
        examined(BytesIO(b"x"))


@pytest.mark.parametrize(
    ("given", "type", "name"),
    [
        ("photo.png", PNG, "photo.png"),
        ("photo.PNG", PNG, "photo.PNG"),
        ("photo.html", PNG, "photo.html.png"),
        ("photo", JPEG, "photo.jpg"),
        ("../../etc/passwd", TEXT, "passwd.txt"),
        ("C:\\Users\\Anna\\notes.md", TEXT, "notes.md"),
        ("a\r\nContent-Type: text-html\r\n\r\n<b>.txt", TEXT, "a Content-Type_ text-html _b_.txt"),
        ("gepj.\u202eexe.png", PNG, "gepj. exe.png"),
        ("nul\0l.txt", TEXT, "nul\ufffdl.txt"),
        ("", PDF, "file.pdf"),
        ("...", TEXT, "file.txt"),
        ("/", GIF, "file.gif"),
        ("e\u0301t\u00e9.txt", TEXT, "\u00e9t\u00e9.txt"),
        ("写真.webp", WEBP, "写真.webp"),
        ("x" * 300 + ".png", PNG, "x" * 116 + ".png"),
        ("a" * 300, TEXT, "a" * 116 + ".txt"),
        ("q." + "z" * 300, TEXT, "q." + "z" * 118),
    ],
)
def test_a_name_is_safe_to_show_and_to_save(given, type, name):
    assert named(given, type) == name
