"""Everything that happens to one conversation, in any order, against a plain model of it.

Two workers claim, speak, fall silent, wake up as zombies and take over; people ask and stop;
folding goes on in between; readers stand anywhere. PostgreSQL is the real one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import orjson
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from streams import log
from streams.conf import Settings
from streams.log import Append, RunChange
from streams.log.transcript import Row, Transcript, fold
from streams.models import Conversation, Event, Message, Run, Worker
from streams.postgres.connections import connect
from streams.snapshot import snapshot
from streams.text import clean
from streams.worker import claim, retention, takeover
from streams.worker.claim import Claimed
from tests.factories import ConversationFactory, DeviceFactory, WorkerFactory

TERMINAL = ("run.completed", "run.failed", "run.cancelled")
CONF = Settings(lease=3600, max_attempts=3)


@dataclass
class Known:
    """A run as the model has it."""

    pk: int
    uuid: str
    status: str = "queued"
    attempt: int = 0
    deaths: int = 0
    asked_to_stop: bool = False
    worker: int = -1
    folded: bool = False
    texts: dict[int, str] = field(default_factory=dict)


@dataclass
class Held:
    """A lease as the worker that took it believes to have it."""

    claimed: Claimed
    run: Known
    started: set[int] = field(default_factory=set)


class Log(RuleBasedStateMachine):
    leases = Bundle("leases")
    readers = Bundle("readers")

    @initialize()
    def begin(self):
        self.loop = asyncio.Runner()
        self.raw = self.do(connect("machine"))
        self.conversation = ConversationFactory()
        self.device = DeviceFactory(user=self.conversation.owner)
        self.workers = [WorkerFactory() for _ in range(2)]
        self.log: list[Row] = []
        self.runs: list[Known] = []
        self.current: Held | None = None

    def teardown(self):
        if not hasattr(self, "log"):
            return
        try:
            self.everyone_ends_in_the_same_page()
        finally:
            self.do(self.raw.close())
            self.loop.close()
            for model in (Event, Run, Message, Conversation, Worker):
                model.objects.all().delete()

    def do(self, work):
        return self.loop.run(work)

    def told(self, *types):
        """What was just appended by others is of these types; the model takes it over."""
        rows = Event.objects.filter(
            conversation_id=self.conversation.pk, seq__gt=len(self.log)
        ).order_by("seq")
        assert [row.type for row in rows] == list(types)
        self.log += [Row(row.seq, row.type, row.data) for row in rows]

    # People

    @rule(
        text=st.text(min_size=1, max_size=5).filter(str.strip),
        back=st.none() | st.integers(0, 3),
    )
    def ask(self, text, back):
        begun = [run.pk for run in self.runs if run.attempt]
        parent = None
        if back == 0:
            parent = ""
        elif back and begun:
            parent = str(Run.objects.get(pk=begun[-min(back, len(begun))]).answer.uuid)
        _, run, _ = self.conversation.post(text, self.device, parent=parent)
        self.runs.append(Known(run.pk, str(run.uuid)))
        self.told("message.created", "run.queued")

    @rule(data=st.data())
    def stop(self, data):
        if not self.runs:
            return
        run = data.draw(st.sampled_from(self.runs))
        Run.objects.get(pk=run.pk).cancel(self.device)
        if run.status == "queued":
            run.status = "cancelled"
            self.told("run.cancelled")
        elif run.status == "running" and not run.asked_to_stop:
            run.asked_to_stop = True
            self.told("run.cancel_requested")
        else:
            self.told()

    @rule(title=st.text(max_size=3))
    def rename(self, title):
        changed = Conversation.objects.get(pk=self.conversation.pk).title != clean(title)
        self.conversation.change(self.device, title=title)
        self.told(*["conversation.updated"] * changed)

    # Workers

    @rule(target=leases, which=st.integers(0, 1))
    def claim(self, which):
        claimed = self.do(claim.claim(self.raw, self.alive(which), 10))
        waiting = [run for run in self.runs if run.status == "queued"]
        if self.running or not waiting:
            assert claimed == []
            self.told()
            return multiple()
        stopped = [run for run in waiting if run.asked_to_stop]  # while it was being handed back
        for run in stopped:
            run.status = "cancelled"
            waiting.remove(run)
        ended = ["run.cancelled"] * len(stopped)
        assert [run.run_id for run in claimed] == [run.pk for run in waiting[:1]]
        if not waiting:
            self.told(*ended)
            return multiple()
        return self.take(waiting[0], claimed[0], which, *ended)

    @rule(which=st.integers(0, 1))
    def fall_silent(self, which):
        Worker.objects.filter(pk=self.workers[which].pk).update(beat_at="2000-01-01T00:00Z")

    @rule(target=leases, which=st.integers(0, 1))
    def take_over(self, which):
        worker = self.alive(which)
        run = self.running
        mine = [run.pk] if run and run.worker == which else []
        taken = self.do(takeover.take_over(self.raw, worker, mine, 10, CONF))
        if run is None or not self.is_silent(run.worker):
            assert taken == []
            self.told()
            return multiple()
        run.deaths += 1
        if run.asked_to_stop or run.deaths == CONF.max_attempts:
            assert taken == []
            run.status = "cancelled" if run.asked_to_stop else "failed"
            self.current = None
            self.told(f"run.{run.status}")
            return multiple()
        return self.take(run, taken[0], which)

    def take(self, run, claimed, which, *before):
        run.status, run.worker, run.texts = "running", which, {}
        run.attempt += 1
        assert claimed.attempt == run.attempt
        self.told(*before, "run.started")
        self.current = Held(claimed, run)
        return self.current

    def alive(self, which):
        worker = self.workers[which]
        Worker.objects.filter(pk=worker.pk).update(beat_at=timezone.now(), stopped_at=None)
        return worker.pk

    def is_silent(self, which):
        return Worker.objects.get(pk=self.workers[which].pk).beat_at.year == 2000

    @property
    def running(self):
        return next((run for run in self.runs if run.status == "running"), None)

    @rule(held=leases, index=st.integers(0, 2), texts=st.lists(st.text(max_size=3), max_size=4))
    def speak(self, held, index, texts):
        events = []
        if index not in held.started:
            events.append(held.claimed.event("block.started", index=index, kind="text"))
        events += [held.claimed.event("block.delta", index=index, text=text) for text in texts]
        if events and self.append(held, events):
            held.started.add(index)
            run = held.run
            run.texts[index] = run.texts.get(index, "") + "".join(
                orjson.loads(event.json).get("text", "") for event in events
            )

    @rule(held=leases, how=st.sampled_from(["completed", "cancelled", "failed", "queued"]))
    def end(self, held, how):
        """As its worker ends it, or hands it back."""
        run = held.run
        data = {
            "completed": {"stop_reason": "end_turn", "usage": {}},
            "failed": {"code": "internal", "message": "x", "retryable": True},
            "queued": {"attempt": held.claimed.attempt},
            "cancelled": {"device": self.device.mark} if run.asked_to_stop else {},
        }[how]
        blocks = [{"index": i, "kind": "text", "text": text} for i, text in run.texts.items()]
        change = RunChange(
            run.pk, status=how, answer_id=held.claimed.answer_id,
            blocks=None if how == "queued" else blocks,
        )  # fmt: skip
        for name, value in data.items():
            if name in ("stop_reason", "usage", "retryable"):
                setattr(change, name, value)
        if how == "failed":
            change.error_code, change.error_message = data["code"], data["message"]
        if self.append(held, [held.claimed.event(f"run.{how}", **data)], change):
            run.status, self.current = how, None

    def append(self, held, events, change=None):
        """Whether it went in: only for who holds the lease."""
        one = Append(self.conversation.pk, events, token=held.claimed.token, change=change)
        (outcome,) = self.do(log.append(self.raw, [one]))
        if held is not self.current:
            assert outcome.verdict == "refused"
            return False
        assert outcome.verdict == "ok"
        self.log += [
            Row(len(self.log) + n, event.type, orjson.loads(event.json))
            for n, event in enumerate(events, 1)
        ]
        assert outcome.head == len(self.log)
        return True

    # Retention and readers

    @rule(most=st.integers(1, 5))
    def fold_some(self, most):
        done = self.do(retention.compact_ended(self.raw, 0, most))
        ended = [run for run in self.runs if run.status not in ("queued", "running")]
        unfolded = [run for run in ended if not run.folded]
        assert done.runs == min(most, len(unfolded))
        folded = Run.objects.filter(folded_at__isnull=False).values_list("pk", flat=True)
        for run in ended:
            run.folded = run.pk in folded
        self.told()

    @rule(target=readers)
    def arrive(self):
        return Transcript()

    @rule(reader=readers, limit=st.integers(1, 8), rolled=st.booleans())
    def read(self, reader, limit, rolled):
        self.read_on(reader, limit, rolled)

    def read_on(self, reader, limit, rolled):
        pk = self.conversation.pk
        if rolled:
            rows, more = self.do(log.catch_up(self.raw, pk, reader.head, limit))
        else:
            rows = self.do(log.read_new(self.raw, {pk: reader.head}, limit)).get(pk, [])
            more = len(rows) == limit
        for row in rows:
            reader.apply(Row(row.seq, row.type, orjson.loads(row.data)))
        assert reader == fold(self.log[: reader.head])
        return more

    @rule(reader=consumes(readers))
    def catch_up_and_leave(self, reader):
        while self.read_on(reader, 3, True):
            pass
        assert reader == fold(self.log)

    # What always holds

    @invariant()
    def the_conversation_is_as_the_model_says(self):
        if not hasattr(self, "log"):
            return
        row = Conversation.objects.get(pk=self.conversation.pk)
        assert row.last_seq == len(self.log)
        assert row.active_run_id == (self.running.pk if self.running else None)
        stored = dict(Run.objects.values_list("pk", "status"))
        assert stored == {run.pk: run.status for run in self.runs}
        for run in self.runs:
            ends = [r for r in self.log if r.type in TERMINAL and r.data["run"] == run.uuid]
            assert len(ends) == (run.status not in ("queued", "running"))

    def everyone_ends_in_the_same_page(self):
        page = snapshot(self.conversation.pk).transcript
        assert page == fold(self.log)
        for limit in (1, 1000):
            reader = Transcript()
            while self.read_on(reader, limit, True):
                pass
            assert reader == page


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_log_is_what_the_model_says(request):
    run_state_machine_as_test(
        Log,
        settings=settings(
            max_examples=request.config.getoption("--examples"),
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
