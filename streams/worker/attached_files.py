"""Reads the files of a prompt just before a model is asked: those it takes and has room for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from ..attachments import kinds, storage
from ..conf import Settings
from ..providers import registry
from ..providers.base import File, Part, Prompt, Text, Turn

TEXT = '<file name="{name}">\n{text}\n</file>\n\n'
GONE = "[The file {name} is no longer there.]\n\n"
EARLIER = "[The file {name} was sent here before; it is not shown again.]\n\n"
NOT_TAKEN = "[The file {name} was sent here, which this model cannot read.]\n\n"


async def loaded(prompt: Prompt, model: str, conf: Settings) -> Prompt:
    """Returns the prompt with its files' content; those of text, and what is told of the others, in
    words. `model` is the name that was asked for, as `provider:model`.
    """
    if not any(isinstance(part, File) for turn in prompt.turns for part in turn.parts):
        return prompt
    files = Files(model, conf)
    return replace(prompt, turns=await asyncio.to_thread(files.told, prompt.turns))


class Files:
    """Reads files, the newest first, until there is no more room: for any, and for earlier ones."""

    def __init__(self, model: str, conf: Settings) -> None:
        self._takes = registry.takes(model)
        self._tokens = conf.attachment_tokens
        self._bytes = conf.attachment_bytes_again
        self._most = conf.attachment_bytes_at_once

    def told(self, turns: Sequence[Turn]) -> list[Turn]:
        newest = max(at for at, turn in enumerate(turns) if turn.role == "user" and is_said(turn))
        made = [self._turn(turn, is_new=at >= newest) for at, turn in reversed([*enumerate(turns)])]
        return made[::-1]

    def _turn(self, turn: Turn, is_new: bool) -> Turn:
        parts = [*self._parts(reversed(turn.parts), is_new)]
        return replace(turn, parts=tuple(parts[::-1]))

    def _parts(self, parts: Iterable[Part], is_new: bool) -> Iterator[Part]:
        for part in parts:
            yield self._read(part, is_new) if isinstance(part, File) else part

    def _read(self, file: File, is_new: bool) -> Part:
        if not self._is_taken(file):
            return Text(NOT_TAKEN.format(name=file.name))
        if file.size > self._most or not (is_new or self._has_room(file)):
            return Text(EARLIER.format(name=file.name))
        self._most -= file.size
        try:
            data = storage.read(storage.place_of(UUID(file.id)))
        except Exception:  # whatever a site's storage raises
            return Text(GONE.format(name=file.name))
        if file.type == kinds.TEXT:
            text = data.decode("utf-8-sig", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
            return Text(TEXT.format(name=file.name, text=text))
        return replace(file, data=data)

    def _is_taken(self, file: File) -> bool:
        kind = "image" if file.is_image else "pdf"
        return file.type == kinds.TEXT or kind in self._takes

    def _has_room(self, file: File) -> bool:
        tokens = file.tokens
        if tokens > self._tokens or file.size > self._bytes:
            self._tokens = self._bytes = 0  # nor for what is older
            return False
        self._tokens -= tokens
        self._bytes -= file.size
        return True


def is_said(turn: Turn) -> bool:
    """Tells whether a turn holds what a person said, and not only what tools gave."""
    return any(isinstance(part, Text | File) for part in turn.parts)
