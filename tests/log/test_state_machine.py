"""Everything that happens to one conversation, in any order, against a plain model of it.

Two workers claim, speak, fall silent, wake up as zombies and take over; people ask and stop;
folding goes on in between; readers stand anywhere. Steps end, calls wait for decisions, and prompts
join the running answer. PostgreSQL is the real one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

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
from streams.conversation_snapshot import snapshot
from streams.exceptions import AlreadyDecided
from streams.log import Append, RunChange
from streams.log.transcript import Row, Transcript, fold
from streams.models import Conversation, Event, Message, Run, Step, ToolCall, Worker
from streams.postgres.connections import connect
from streams.text_cleaning import clean
from streams.worker import retention, takeover
from streams.worker.abandoned_runs import ends_of_calls
from streams.worker.agent_runs.step_start import begin_step
from streams.worker.claim_batches import Claims
from streams.worker.claimed_run import Claimed
from streams.worker.lease import Lease, LeaseLost
from tests.factories import ConversationFactory, DeviceFactory, WorkerFactory

TERMINAL = ("run.completed", "run.failed", "run.cancelled")
UNENDED = ("waiting", "approved", "denied", "running")
OPEN = ("queued", "running", "waiting")
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
    rank: int = 0
    steers: bool = False
    follows: Known | str = "the one before"  # or "nothing"
    steps: int = 0
    begun: int = 0
    base: int = 0
    blocks: dict[int, dict] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)

    def open_calls(self):
        return [call for call, status in self.calls.items() if status in UNENDED]

    def end_calls(self):
        """Ends what is open with the run; returns the events of that."""
        ended = self.open_calls()
        self.calls |= dict.fromkeys(ended, "ended")
        return ["tool.ended"] * len(ended)


@dataclass
class Held:
    """A lease as the worker that took it believes to have it."""

    claimed: Claimed
    run: Known


class Log(RuleBasedStateMachine):
    leases = Bundle("leases")
    readers = Bundle("readers")

    @initialize(target=leases, waits=st.lists(st.booleans(), max_size=2))
    def begin(self, waits):
        """An answer is under way, and has ended a step where `waits` names calls."""
        self.loop = asyncio.Runner()
        self.raw = self.do(connect("machine"))
        self.conversation = ConversationFactory()
        self.device = DeviceFactory(user=self.conversation.owner)
        self.workers = [WorkerFactory() for _ in range(2)]
        self.log: list[Row] = []
        self.runs: list[Known] = []
        self.current: Held | None = None
        self.undecided = 0
        self.branched = False
        self.ask("Begin", None, False)
        held = self.claim(0)
        if waits:
            self.end_step(held, waits)
        return held

    def teardown(self):
        if not hasattr(self, "log"):
            return
        try:
            self.everyone_ends_in_the_same_page()
        finally:
            self.do(self.raw.close())
            self.loop.close()
            for model in (Event, ToolCall, Step, Run, Message, Conversation, Worker):
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
        steers=st.booleans(),
    )
    def ask(self, text, back, steers):
        begun = [run.pk for run in self.runs if run.attempt]
        parent, follows = None, "the one before"
        if back == 0:
            parent, follows = "", "nothing" if self.kept() else follows
        elif back and begun:
            pk = begun[-min(back, len(begun))]
            parent = str(Run.objects.get(pk=pk).answer.uuid)
            if self.kept()[-1].pk != pk:
                follows = next(run for run in self.runs if run.pk == pk)
        on_busy = "steer" if steers else "queue"
        Conversation.objects.filter(pk=self.conversation.pk).update(on_busy=on_busy)
        _, run, _ = self.conversation.post(text, self.device, parent=parent)
        self.branched = self.branched or follows != "the one before"
        before = self.leading_to(follows) if self.branched else self.runs
        written = [each for each in before if each.status in OPEN]
        if self.branched:  # a prompt of another branch waits
            written = [each for each in written if each.attempt]
        joins = steers and bool(written)
        assert (run.steers, run.rank) == (joins, self.rank_of_steering() if joins else 0)
        self.runs.append(Known(run.pk, str(run.uuid), rank=run.rank, steers=joins))
        self.runs[-1].follows = follows
        self.told("message.created", "run.queued")

    def kept(self):
        """All but those that were taken back."""
        return [run for run in self.runs if run.status != "cancelled" or run.attempt]

    def leading_to(self, follows):
        """The runs of one branch, from where a prompt stands to its beginning."""
        found, kept = [], self.kept()
        at = len(kept)
        while follows != "nothing":
            at = at - 1 if follows == "the one before" else kept.index(follows)
            if at < 0:
                break
            found.append(kept[at])
            follows = kept[at].follows
        return found

    def rank_of_steering(self):
        """Before those that wait, if a run has begun; behind those that join it already."""
        waiting = [run for run in self.runs if run.status == "queued" and not run.attempt]
        if not any(run.status in OPEN and run.attempt for run in self.runs):
            return max(run.rank for run in waiting)
        joining = [run.rank for run in waiting if run.steers]
        return max(joining) if joining else min([0, *(run.rank for run in waiting)]) - 1

    @rule(data=st.data(), decision=st.sampled_from(["approved", "denied"]))
    def decide(self, data, decision):
        waiting = [
            (run, call) for run in self.runs for call, is_ in run.calls.items() if is_ == "waiting"
        ]
        if not waiting:
            return
        run, call = data.draw(st.sampled_from(waiting))
        stored = ToolCall.objects.get(run=run.pk, call_id=call)
        if run.asked_to_stop:
            with pytest.raises(AlreadyDecided):
                stored.decide(decision, self.device)
            self.told()
            return
        stored.decide(decision, self.device)
        run.calls[call] = decision
        self.undecided -= 1
        goes_on = run.status == "waiting" and not self.undecided
        if goes_on:
            run.status = "queued"
        self.told("tool.decided", *["run.queued"] * goes_on)

    @rule(data=st.data())
    def stop(self, data):
        if not self.runs:
            return
        run = data.draw(st.sampled_from(self.runs))
        Run.objects.get(pk=run.pk).cancel(self.device)
        if run.status in ("queued", "waiting"):
            self.told(*self.ended(run, "cancelled"))
        elif run.status == "running" and not run.asked_to_stop:
            run.asked_to_stop = True
            self.told("run.cancel_requested")
        else:
            self.told()

    def ended(self, run, how):
        """A run ends, with its open calls; returns the events of it."""
        if run.calls:
            self.undecided = 0
        run.status = how
        return [*run.end_calls(), f"run.{how}"]

    @rule(title=st.text(max_size=3))
    def rename(self, title):
        changed = Conversation.objects.get(pk=self.conversation.pk).title != clean(title)
        self.conversation.change(self.device, title=title)
        self.told(*["conversation.updated"] * changed)

    # Workers

    @rule(target=leases, which=st.integers(0, 1))
    def claim(self, which):
        claimed = self.do(claimed_by(self.raw, self.alive(which)))
        waiting = [run for run in self.runs if run.status == "queued"]
        waiting.sort(key=lambda run: (run.attempt == 0, run.rank, run.pk))
        if self.running or not waiting or any(run.status == "waiting" for run in self.runs):
            assert claimed == []
            self.told()
            return multiple()
        stopped = [run for run in waiting if run.asked_to_stop]  # while it was being handed back
        ended = []
        for run in stopped:
            ended += self.ended(run, "cancelled")
            waiting.remove(run)
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
            self.current = None
            self.told(*self.ended(run, "cancelled" if run.asked_to_stop else "failed"))
            return multiple()
        return self.take(run, taken[0], which)

    def take(self, run, claimed, which, *before):
        run.status, run.worker, run.begun = "running", which, run.steps
        run.blocks = {at: block for at, block in run.blocks.items() if at < run.base}
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
        run, events = held.run, []
        at = min(run.base + index, len(run.blocks))
        if at not in run.blocks:
            events.append(held.claimed.event("block.started", index=at, kind="text"))
        events += [held.claimed.event("block.delta", index=at, text=text) for text in texts]
        if events and self.append(held, events):
            block = run.blocks.setdefault(at, {"index": at, "kind": "text", "text": ""})
            for event in events:
                block["text"] += orjson.loads(event.json).get("text", "")

    @rule(held=leases, absorbs=st.booleans())
    def begin_step(self, held, absorbs):
        run = held.run
        lease = Lease(self.conversation.pk, run.pk, held.claimed.token, len(self.log))
        number, at_block = run.steps + 1, run.base
        begun = begin_step(self.raw, held.claimed, lease, number, at_block, absorbs=absorbs)
        if held is not self.current:
            with pytest.raises(LeaseLost):
                self.do(begun)
            return
        joining = [
            each for each in self.runs if absorbs and each.status == "queued" and each.steers
            and each.attempt == 0 and not each.asked_to_stop
        ]  # fmt: skip
        head = self.do(begun)
        if run.begun == number:  # asked again, since it was not known whether it committed
            self.told()
            return
        run.begun = number
        for each in joining:
            each.status = "steered"
        self.told(*["run.steered"] * len(joining), "step.started")
        assert head == len(self.log)

    @rule(held=leases, waits=st.lists(st.booleans(), min_size=1, max_size=2))
    def end_step(self, held, waits):
        run, number = held.run, held.run.steps + 1
        if held is self.current and run.open_calls():
            return  # its worker asks the model again once every call has ended
        blocks, made, events = dict(run.blocks), [], []
        for nth, wait in enumerate(waits):
            at, call_id = len(blocks), f"{number}.{nth}"
            block = {"index": at, "kind": "tool_call", "name": "t", "call_id": call_id}
            events.append(held.claimed.event("block.started", **block))
            blocks[at] = {**block, "text": ""}
            about = number, at, call_id, "v", "t", "{}", uuid4(), "never", False
            made.append(log.NewCall(uuid4(), *about, "waiting" if wait else "approved"))
        said = [
            {"id": str(c.uuid), "call_id": c.call_id, "name": c.name, "block": c.block}
            for c in made
        ]
        ledger = log.Ledger(
            ended=log.EndedStep(number, "tool_call", {}, "p", "m", [], run.base),
            answer=log.AnswerSoFar(held.claimed.answer_id, list(blocks.values()), {}),
            made=made,
        )
        known = {"step": number, "stop_reason": "tool_call", "usage": {}, "calls": said}
        events.append(held.claimed.noted("step.ended", ledger, **known))
        events += [
            held.claimed.event("tool.waiting", call_id=c.call_id)
            for c in made
            if c.status == "waiting"
        ]
        if self.append(held, events):
            run.steps, run.blocks, run.base = number, blocks, len(blocks)
            run.calls |= {c.call_id: c.status for c in made}
            self.undecided += sum(waits)

    @rule(held=leases, data=st.data())
    def go_on_with_a_call(self, held, data):
        """It begins to run, tells of its progress, or ends."""
        ready = [c for c in held.run.open_calls() if held.run.calls[c] != "waiting"]
        if not ready:
            return
        call_id = data.draw(st.sampled_from(ready))
        stored = ToolCall.objects.get(run=held.run.pk, call_id=call_id)
        status = held.run.calls[call_id]
        if status == "approved":
            change = log.CallChange(stored.uuid, "running", started=True)
            event = held.claimed.noted("tool.started", log.Ledger(changed=change), call_id=call_id)
            after = "running"
        elif status == "running" and data.draw(st.booleans()):
            event, after = held.claimed.event("tool.progress", call_id=call_id, text="…"), status
        else:
            end = "denied" if status == "denied" else "ok"
            change = log.CallChange(stored.uuid, end, ended=True, result="x", ms=1)
            known = {"call_id": call_id, "status": end, "result": "x", "ms": 1}
            event = held.claimed.noted("tool.ended", log.Ledger(changed=change), **known)
            after = "ended"
        if self.append(held, [event]):
            held.run.calls[call_id] = after

    @rule(held=leases)
    def pause(self, held):
        """Its worker has nothing left to do: it waits, unless all has been decided meanwhile."""
        change = RunChange(held.run.pk, status="waiting")
        event = held.claimed.event("run.waiting", attempt=held.claimed.attempt)
        one = Append(self.conversation.pk, [event], token=held.claimed.token, change=change)
        (outcome,) = self.do(log.append(self.raw, [one]))
        if held is not self.current:
            assert outcome.verdict == "refused"
            return
        held.run.status, self.current = "waiting" if self.undecided else "queued", None
        self.told(f"run.{held.run.status}")

    @rule(held=leases, how=st.sampled_from(["completed", "cancelled", "failed", "queued"]))
    def end(self, held, how):
        """Ends a run as its worker does, or hands it back."""
        run = held.run
        data = {
            "completed": {"stop_reason": "end_turn", "usage": {}},
            "failed": {"code": "internal", "message": "x", "retryable": True},
            "queued": {"attempt": held.claimed.attempt},
            "cancelled": {"device": self.device.mark} if run.asked_to_stop else {},
        }[how]
        change = RunChange(
            run.pk, status=how, answer_id=held.claimed.answer_id,
            blocks=None if how == "queued" else list(run.blocks.values()),
        )  # fmt: skip
        for name, value in data.items():
            if name in ("stop_reason", "usage", "retryable"):
                setattr(change, name, value)
        if how == "failed":
            change.error_code, change.error_message = data["code"], data["message"]
        calls = [] if how == "queued" else self.do(ends_of_calls(self.raw, held.claimed))
        if self.append(held, [*calls, held.claimed.event(f"run.{how}", **data)], change):
            self.current = None
            if how == "queued":
                run.status = how
            else:
                self.ended(run, how)

    def append(self, held, events, change=None):
        """Appends under a lease; returns whether it went in, as only the lease's holder may."""
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
        ended = [run for run in self.runs if run.status not in OPEN]
        unfolded = [run for run in ended if not run.folded]
        assert done.runs == min(most, len(unfolded))
        folded = Run.objects.filter(folded_at__isnull=False).values_list("pk", flat=True)
        for run in ended:
            run.folded = run.pk in folded
        self.told()

    @rule()
    def fold_steps(self):
        self.do(retention.compact_steps(self.raw, 0, 5))
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
        assert row.undecided == self.undecided
        assert self.undecided or not any(run.status == "waiting" for run in self.runs)
        for run in self.runs:
            ends = [r for r in self.log if r.type in TERMINAL and r.data["run"] == run.uuid]
            ends += [r for r in self.log if r.data.get("absorbed") == run.uuid]
            assert len(ends) == (run.status not in OPEN)
        assert snapshot(self.conversation.pk).transcript == fold(self.log)

    def everyone_ends_in_the_same_page(self):
        page = snapshot(self.conversation.pk).transcript
        assert page == fold(self.log)
        for limit in (1, 1000):
            reader = Transcript()
            while self.read_on(reader, limit, True):
                pass
            assert reader == page


async def claimed_by(raw, worker):
    """What a worker that is told once has in the end."""
    claims = Claims()
    runs, _ = await claims.take(raw, worker, 10)
    if await claims.rest(raw):
        runs += (await claims.take(raw, worker, 10)).runs
    return runs


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
