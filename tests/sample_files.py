"""Small real files of each kind that can be attached."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode


def png(width: int = 3, height: int = 2, colour: tuple[int, int, int] = (200, 60, 40)) -> bytes:
    """A picture of one colour."""
    return header(width, height) + rest((b"\0" + bytes(colour) * width) * height)


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes whose head promises gigabytes of pixels."""
    return header(width, height) + rest(b"\0" * 1000)


def header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))


def rest(rows: bytes) -> bytes:
    return part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


GIF = bytes.fromhex(
    "47494638396101000100800000ff0000ffffff21f90400000000002c00000000010001000002024401003b"
)
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300030202020202030202020303030304060404"
    "040404080606050609080a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f101011100a0c12131210130f"
    "101010ffc9000b080004000501011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)
WEBP = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
# As Pillow writes a photo: turned by a quarter (6), by a phone of ACME's, in the middle of Berlin.
PHOTO_JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QC6RXhpZgAATU0AKgAAAAgABAEPAAIAAAAFAAAAPgEQAAIAAAAIAAAARAESAAMA"
    "AAABAAYAAIglAAQAAAABAAAATAAAAABBQ01FAABQaG9uZSAzAAAEAAEAAgAAAAJOAAAAAAIABQAAAAMAAACCAAMAAgAA"
    "AAJFAAAAAAQABQAAAAMAAACaAAAAAAAAADQAAAABAAAAHwAAAAEAAAAMAAAAAQAAAA0AAAABAAAAGAAAAAEAAAASAAAA"
    "Af/bAEMAGxIUFxQRGxcWFx4cGyAoQisoJSUoUTo9MEJgVWVkX1VdW2p4mYFqcZBzW12FtYaQnqOrratngLzJuqbHmair"
    "pP/bAEMBHB4eKCMoTisrTqRuXW6kpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSk"
    "pP/AABEIAAYACAMBIgACEQEDEQH/xAAVAAEBAAAAAAAAAAAAAAAAAAAABP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAV"
    "AQEBAAAAAAAAAAAAAAAAAAAEBf/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AJwBVV//2Q=="
)
PHOTO_PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAsmVYSWZNTQAqAAAACAAEAQ8AAgAAAAUAAAA+ARAAAgAA"
    "AAgAAABEARIAAwAAAAEABgAAiCUABAAAAAEAAABMAAAAAEFDTUUAAFBob25lIDMAAAQAAQACAAAAAk4AAAAAAgAFAAAA"
    "AwAAAIIAAwACAAAAAkUAAAAABAAFAAAAAwAAAJoAAAAAAAAANAAAAAEAAAAfAAAAAQAAAAwAAAABAAAADQAAAAEAAAAY"
    "AAAAAQAAABIAAAABbdlH/QAAABRJREFUeJxjPGGjwYANMGEVpZMEALIqATj8tyhAAAAAAElFTkSuQmCC"
)
PHOTO_WEBP = b64decode(
    "UklGRgABAABXRUJQVlA4WAoAAAAIAAAABwAABQAAVlA4ICgAAACQAQCdASoIAAYABABoJaACdLoAA5gA/uHDfDaqytv/"
    "ggtqPTDiAAAARVhJRrIAAABNTQAqAAAACAAEAQ8AAgAAAAUAAAA+ARAAAgAAAAgAAABEARIAAwAAAAEABgAAiCUABAAA"
    "AAEAAABMAAAAAEFDTUUAAFBob25lIDMAAAQAAQACAAAAAk4AAAAAAgAFAAAAAwAAAIIAAwACAAAAAkUAAAAABAAFAAAA"
    "AwAAAJoAAAAAAAAANAAAAAEAAAAfAAAAAQAAAAwAAAABAAAADQAAAAEAAAAYAAAAAQAAABIAAAAB"
)
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
