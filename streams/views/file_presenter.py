"""The files of a prompt, for the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from django.urls import reverse

from streams.attachments.kinds import is_image
from streams.log import file_references
from streams.log.transcript import Block


class ShownFile(NamedTuple):
    """A file with its address; `reference` is what scripts know of it, as JSON."""

    name: str
    size: int
    image: bool
    url: str
    reference: str


def shown_files(blocks: Sequence[Block]) -> list[ShownFile]:
    return [
        ShownFile(
            name=each["name"],
            size=each["size"],
            image=is_image(each["type"]),
            url=reverse("streams:attached-file", args=[each["id"], each["name"]]),
            reference=json.dumps(each),
        )
        for each in file_references.of_blocks(blocks)
    ]
