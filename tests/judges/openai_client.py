"""What tests of OpenAI's client have in common."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

MODEL = "openai-chat:told"
OPEN = ("queued", "in_progress")


def read(stream: Any) -> list[Any]:
    with stream:
        return [*stream]


def joined(events: list[Any]) -> str:
    return "".join(e.delta for e in events if e.type == "response.output_text.delta")


def texts(told: Any) -> list[str]:
    """Returns the texts that the model was told last."""
    return [message["content"] for message in told.requests[-1]["messages"]]


def data_url(content: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
