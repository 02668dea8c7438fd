"""A part of a conversation, as a page opens with it: the newest messages of one branch, or those
before a number, and the runs that are open anywhere. Where nothing has been branched, what it costs
depends on the part alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet

from .conversation_snapshot import (
    DEVICE_THEN,
    Snapshot,
    calls_by_run,
    newest_rows,
    one_moment,
    state_of,
    still_there,
)
from .log import branches
from .log.message_window import Window, around, window
from .log.transcript import Transcript, resumed
from .log.transcript_types import MessageState, RunState
from .models import Conversation, Message, Run, message_order
from .postgres import clock
from .postgres.database import atomic

EVERYTHING = (0, message_order.ALL)


@dataclass(slots=True)
class PartialSnapshot(Snapshot):
    """The transcript holds the part's messages, their runs, and all that are open.

    `begins` and `ends` are those of a `Window`. `siblings` says what else stands in each place.
    `opening` is the text of the branch's first message where the conversation has no title, `end`
    its last message, and `held` the message it was asked for by, if it is there. `newest` is the
    message that one without a parent follows. `elsewhere` are the open answers of other branches,
    with how many answers their prompts have; None where there are no other branches.
    """

    begins: int | None = None
    ends: bool = False
    siblings: dict[str, list[str]] = field(default_factory=dict)
    opening: str = ""
    end: str = ""
    held: str | None = None
    newest: str = ""
    elsewhere: list[tuple[MessageState, int]] | None = None

    @property
    def steers(self) -> bool:
        """Tells whether prompts that wait may join the answer whose turn it is."""
        first = next(iter(self.transcript.in_turn()), None)
        is_here = first is not None and first is self.front and first.steerable
        return is_here and self.conversation.on_busy == "steer"

    @property
    def front(self) -> RunState | None:
        """Returns the run that Stop stops, of those in this branch: the running one, or else the
        first that waits."""
        others = {message.run for message, _ in self.elsewhere or ()}
        return next((run for run in self.transcript.in_turn() if run.id not in others), None)


class Place(NamedTuple):
    """Where a part is: the messages shown, their branch, and what else is known, which may begin
    later than the conversation and end sooner; none of them with what they say.
    """

    shown: Window
    branch: Sequence[MessageState]
    known: message_order.Outline
    first: int
    last: int


@atomic
def partial_snapshot(
    conversation_id: int,
    most: int,
    before: int | None = None,
    holding: str | None = None,
    farthest: int | None = None,
) -> PartialSnapshot:
    """Takes a snapshot of the last `most` messages (0 is all) of the branch that holds a message,
    or of the newest; of those before number `before` if it is given. Without that the message it
    holds is among them: with all behind it, or, where those are more than `farthest`, with what is
    around it.

    Raises NotFound if the conversation was deleted a moment ago.
    """
    with one_moment(conversation_id):
        here = still_there(conversation_id)
        place = place_of(here, most, before, holding, farthest)
        part = read(here, place)
        part.opening, part.newest = opening_of(here, place), newest_of(here, place)
    part.begins, part.ends = place.shown.begins, place.shown.ends
    part.siblings = branches.siblings(place.known.messages)
    part.end = place.branch[-1].id if place.branch else ""
    part.held = next((it.id for it in place.branch if it.id == holding), None)
    part.elsewhere = elsewhere(place)
    return part


def place_of(
    here: Conversation,
    most: int,
    before: int | None,
    holding: str | None,
    farthest: int | None = None,
) -> Place:
    """Returns which `most` messages are shown: the newest of the branch that holds the message
    `holding`, or those before the number `before`. If `holding` is further than `farthest` from
    the end, those around it.
    """
    first, last = bounds(here, most, before, holding)
    known = message_order.outline(here.pk, first, last)
    if before is not None and all(message.seq != before for message in known.messages):
        first, last = EVERYTHING
        known = message_order.outline(here.pk)
    if holding:
        branch = branches.holding(known.messages, holding)
    else:
        branch = branches.ending_at_newest(known.messages)
    needed = {*known.open, holding or ""} if before is None else ()
    behind = (len(branch) - at for at, it in enumerate(branch) if it.id == holding)
    if holding and farthest and before is None and next(behind, 0) > farthest:
        shown = around(branch, most, holding)
    else:
        shown = window(branch, most, before, needed)
    if first and shown.begins is None and shown.messages:
        start = shown.messages[0].seq
        begins = start if message_order.begins_before(here.pk, start) else None
        shown = shown._replace(begins=begins)
    return Place(shown, branch, known, first, last)


def bounds(
    here: Conversation, most: int, before: int | None, holding: str | None
) -> tuple[int, int]:
    """Returns the numbers of the first and the last prompt among which the part is; all of them
    where a message names the one it follows, since then it may be anywhere.
    """
    short = here.last_seq <= most  # each message has a number of its own
    if not most or short or (before is not None and holding):
        return EVERYTHING
    if before is not None:
        last = message_order.prompt_at(here.pk, before)
        firsts = message_order.turns(here.pk, (last, most)) if last is not None else None
        return (firsts[0], last) if last is not None and firsts else EVERYTHING
    places = [(message_order.ALL, most - 1)]
    if holding and (held := message_order.prompt_held(here.pk, holding)) is not None:
        places.append((held, most - 1))  # the branch may end there
    firsts = message_order.turns(here.pk, *places)
    return (min(firsts), message_order.ALL) if firsts else EVERYTHING


def read(here: Conversation, place: Place) -> PartialSnapshot:
    """Reads what the messages say, and what became of the runs."""
    shown = place.shown.messages
    said = Message.objects.filter(uuid__in=[message.id for message in shown])
    rows = {str(row.uuid): row for row in said.annotate(device_then=DEVICE_THEN)}
    runs = {str(run.uuid): run for run in runs_of(here, place)}
    calls = calls_by_run(runs.values())
    states = {id: state_of(run, ids_of(run), {}, calls.get(run.pk, [])) for id, run in runs.items()}
    for message in shown:
        row = rows[message.id]
        message.blocks = row.blocks
        if message.run is None:
            message.device, message.client_key = row.device_then, row.client_key
        elif message.id in place.known.open:
            unsaid = newest_rows(runs[message.run])
            message.blocks = resumed(states[message.run], row.blocks, unsaid)
    times = {id: row.created_at for id, row in rows.items()}
    worked = {id: run.at_work for id, run in runs.items() if run.step}
    return PartialSnapshot(here, Transcript(here.last_seq, [*shown], states), times, worked)


def runs_of(here: Conversation, place: Place) -> QuerySet[Any]:
    """Returns the runs of the answers shown, and those that are open anywhere, with the ids of
    their prompts and answers."""
    wanted = {message.run for message in place.shown.messages} | {*place.known.open.values()}
    found = Q(uuid__in=wanted - {None})
    if place.last != message_order.ALL:  # not IN: only this way each finds its own partial index
        for status in Run.OPEN:
            found |= Q(conversation=here, status=status)
    known = Run.objects.filter(found).annotate(
        prompt_uuid=F("prompt__uuid"), answer_uuid=F("answer__uuid")
    )
    return clock.dated(known).order_by("answer__seq")


def ids_of(run: Any) -> dict[int, str]:
    return {run.prompt_id: str(run.prompt_uuid), run.answer_id: str(run.answer_uuid)}


def opening_of(here: Conversation, place: Place) -> str:
    if here.title or not place.branch:
        return ""
    if place.first:
        return message_order.first_of(here.pk)
    if place.shown.messages and place.shown.messages[0] is place.branch[0]:
        return text_of(place.branch[0])
    return here.messages.get(uuid=place.branch[0].id).text


def text_of(message: MessageState) -> str:
    return "".join(block["text"] for block in message.blocks if block["kind"] == "text")


def newest_of(here: Conversation, place: Place) -> str:
    if place.last != message_order.ALL:
        return message_order.newest_of(here.pk)
    return next(
        (message.id for message in reversed(place.known.messages) if message.run is None), ""
    )


def elsewhere(place: Place) -> list[tuple[MessageState, int]] | None:
    known, open = place.known
    if len(place.branch) == len(known):
        return None
    here = {message.id for message in place.branch}
    answers = Counter(message.parent for message in known if message.run)
    found = (message for message in known if message.id in open and message.id not in here)
    return [(message, answers[message.parent]) for message in found]
