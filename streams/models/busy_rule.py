"""What a new prompt does while an earlier one is being answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext

from streams.exceptions import Busy

from . import cancelling

if TYPE_CHECKING:
    from .conversation import Conversation
    from .device import Device
    from .run import Run


class Place(NamedTuple):
    """The place of a new prompt in the queue: its rank, and whether it may join the answer before
    it.
    """

    rank: int = 0
    steers: bool = False


ANYWHERE = Place()


def make_way(here: Conversation, device: Device | None) -> Place:
    """Applies the conversation's rule and returns the place of the new prompt. The caller holds the
    conversation's row. Raises Busy.
    """
    known = here.runs.model  # by the relation: the module of runs imports that of conversations
    busy = here.runs.filter(status__in=known.OPEN)
    if here.on_busy == here.OnBusy.REJECT and busy.exists():
        raise Busy(gettext("An answer is still being written."))
    if here.on_busy == here.OnBusy.INTERRUPT:
        begun = busy.exclude(status=known.Status.QUEUED, attempt=0)
        for run in begun.select_for_update(no_key=True):
            cancelling.cancel(run, here, device)
        # Those that were to join it would join the new one, which may be of another branch.
        queued(here).filter(steers=True).update(steers=False)
        first = queued(here).aggregate(rank=Min("rank"))["rank"]
        return Place(0 if first is None else first - 1)
    if here.on_busy == here.OnBusy.STEER and busy.exists():
        return Place(steering_rank(here), steers=True)
    return Place()


def steering_rank(here: Conversation) -> int:
    """Returns a rank before all prompts that wait for an answer of their own; where others are to
    join the running answer already, the rank of those. Where none has begun, it is behind them all:
    it joins the one that begins first.
    """
    begun = Q(status__in=("running", "waiting")) | Q(status="queued", attempt__gt=0)
    if not here.runs.filter(begun).exists():
        last_of_all: int | None = queued(here).aggregate(rank=Max("rank"))["rank"]
        return last_of_all or 0
    found = queued(here).aggregate(
        last=Max("rank", filter=Q(steers=True)), first=Min("rank", filter=Q(steers=False))
    )
    last: int | None = found["last"]
    return last if last is not None else (found["first"] or 0) - 1


def queued(here: Conversation) -> QuerySet[Run]:
    return here.runs.filter(status="queued", attempt=0)
