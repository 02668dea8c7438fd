"""Thoughts written into the text are thoughts, however they are cut; quoted tags are text."""

from __future__ import annotations

from collections import deque

import pytest

from streams.providers.base import BlockDelta, BlockStarted, Kind, ProviderEvent
from streams.providers.openai_chat import ChatCompletion
from streams.providers.reasoning_tags import Thoughts
from streams.providers.sse_parser import DONE
from tests.complexity import growth, is_linear, repeated
from tests.providers.vendor_streams import completion

SAID = [
    ("<think>Greet back.</think>Hello.", "Greet back.", "Hello."),
    ("<think>\nGreet back.\n</think>\n\nHello.", "Greet back.\n", "Hello."),
    ("\n <think>Hm</think> a < b and 1<2", "Hm", "a < b and 1<2"),
    ("<think>a<b, </thi, a</think>Yes", "a<b, </thi, a", "Yes"),
    ("<think>\n\n</think>\n\nYes", "", "Yes"),
    ("<think></think>Yes", "", "Yes"),
    ("<think/>Yes", "", "Yes"),
    ("<think />\n\nYes", "", "Yes"),
    ("<think>one</think>\n<think>two</think>Yes", "onetwo", "Yes"),
    ("<think>it was cut", "it was cut", ""),
    ("<think>it was cut </th", "it was cut </th", ""),
    ("</think>\n\nYes", "", "Yes"),
    ("Greet back.\n</think>\n\nHello.", "", "Greet back.\n\n\nHello."),
    ("Greet back.</think>\n\nHello.", "", "Greet back.\n\nHello."),
    ("Greet back.</think>Hello.", "", "Greet back.Hello."),
    ("<thin ice", "", "<thin ice"),
    ("<th", "", "<th"),
    ("  \n", "", "  \n"),
    ("  Hello", "", "  Hello"),
    ("a </think", "", "a </think"),
    ("Write <think> first and </think> last.", "", "Write <think> first and </think> last."),
    ("It ends with `</think>` there.", "", "It ends with `</think>` there."),
    ("It says “</think>” there.", "", "It says “</think>” there."),
    ("```\nx\n</think>\n```\nSee?", "", "```\nx\n</think>\n```\nSee?"),
    ("<think>Hm</think>End it with </think>.", "Hm", "End it with </think>."),
    ("<thinking>aloud</thinking>", "", "<thinking>aloud</thinking>"),
]


def told(events: list[ProviderEvent], kind: Kind) -> str:
    blocks = {e.index for e in events if isinstance(e, BlockStarted) and e.kind is kind}
    return "".join(e.text for e in events if isinstance(e, BlockDelta) and e.index in blocks)


def read(*pieces: str) -> tuple[str, str]:
    """The thoughts and the text of a completion that came in these pieces."""
    reader, events = ChatCompletion(), []
    for piece in pieces:
        events += reader.read(completion({"content": piece})) or []
    events += [*reader.read(completion({}, "stop")), *reader.read(DONE)]
    return told(events, Kind.REASONING), told(events, Kind.TEXT)


@pytest.mark.parametrize(("whole", "thought", "text"), SAID)
def test_thoughts_in_the_text_are_told_apart_wherever_it_is_cut(
    whole: str, thought: str, text: str
) -> None:
    assert read(whole) == (thought, text)
    assert read(*whole) == (thought, text)
    for cut in range(len(whole) + 1):
        assert read(whole[:cut], whole[cut:]) == (thought, text), cut


def test_a_thought_is_never_shown_as_text_and_text_never_waits_for_long() -> None:
    thoughts = Thoughts()
    pieces = ("<th", "ink>a<b", "</", "think>", "\n1 <", "2")
    assert [list(thoughts.split(piece)) for piece in pieces] == [
        [],
        [(Kind.REASONING, "a<b")],
        [],
        [],
        [(Kind.TEXT, "1 <")],
        [(Kind.TEXT, "2")],
    ]


@pytest.mark.parametrize(
    "unit",
    ["<think>", "</think>", "<think></think>", "<think/>", "<", "</", "`</think>", "\n```\n", " "],
)
def test_telling_thoughts_apart_takes_time_in_proportion(unit: str) -> None:
    def split(text: str) -> None:
        thoughts = Thoughts()
        deque(thoughts.split(text))
        for at in range(0, len(text), 7):
            deque(thoughts.split(text[at : at + 7]))
        deque(thoughts.rest())

    times = growth(split, lambda length: repeated(unit, length), 400_000)
    assert is_linear(times), times
