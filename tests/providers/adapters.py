"""Every adapter in front of something that answers, stalls or fails when told to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.providers.base import Prompt, Provider, Turn
from streams.providers.scripted import Scripted
from tests.providers.http_adapters import Dialect
from tests.providers.vendor import Then, Vendor

PROMPT = Prompt("m", [Turn.of("user", "Tell me about the sea.")], max_tokens=24)


@dataclass
class ScriptedSubject:
    """`scripted:` says by name what it will do."""

    provider: Provider

    def answers(self) -> Prompt:
        return replace(PROMPT, model="demo@0")

    def goes_on(self) -> Prompt:
        return replace(PROMPT, model="stall")

    def fails(self) -> Prompt:
        return replace(PROMPT, model="fail-context-length")


@dataclass
class VendorSubject:
    """An adapter, its SDK, and a vendor's server told what to say."""

    provider: Provider
    dialect: Dialect
    vendor: Vendor

    def answers(self) -> Prompt:
        self.vendor.says(self.dialect.whole)
        return PROMPT

    def goes_on(self) -> Prompt:
        self.vendor.says(self.dialect.begin, Then.SILENCE)
        return PROMPT

    def fails(self) -> Prompt:
        self.vendor.refuses(400, {"error": {"code": "context_length_exceeded", "message": ""}})
        return PROMPT


@dataclass
class RealSubject:
    """An adapter, its SDK, and llama.cpp with a real model."""

    provider: Provider

    def answers(self) -> Prompt:
        return PROMPT

    def goes_on(self) -> Prompt:
        return replace(PROMPT, max_tokens=4000)

    def fails(self) -> Prompt:
        return replace(PROMPT, turns=[Turn.of("user", "sea " * 6000)])


Subject = ScriptedSubject | VendorSubject | RealSubject


def scripted() -> Subject:
    return ScriptedSubject(Scripted())
