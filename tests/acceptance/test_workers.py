"""Worker processes that are killed, frozen and drained in the middle of an answer."""

from __future__ import annotations

import signal
import time

import pytest

from streams import log
from streams.log import transcript
from streams.models import Event, Run, Worker
from tests.processes import Process, WorkerProcess, eventually

pytestmark = pytest.mark.django_db(transaction=True)

SLOW = "scripted:count-200@60"


@pytest.fixture
def two(spawn):
    """Both up before there is anything to do: starting may take as long as an answer."""
    short = {"STREAMS": '{"lease": 3, "heartbeat": 1}'}
    return spawn(WorkerProcess, **short), spawn(WorkerProcess, **short)


@pytest.fixture
def counting(conversation, laptop):
    """A run of three seconds, queued."""
    conversation.change(laptop, model=SLOW)
    conversation.refresh_from_db()
    return conversation.post("Count", laptop)[1]


def deltas(run):
    return Event.objects.filter(run_id=run.pk, type="block.delta").count()


def ended(run):
    run.refresh_from_db()
    return run.status not in Run.OPEN


def holds(process, run):
    return run.worker.name.endswith(f":{process.popen.pid}")


def assert_complete(run):
    rows = list(Event.objects.filter(conversation_id=run.conversation_id).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert [row.type for row in rows if row.type in Event.TERMINAL] == ["run.completed"]
    run.refresh_from_db()
    assert run.answer.text.split() == [str(n) for n in range(1, 201)]
    assert transcript.blocks_of(log.run_rows(run.conversation_id, run.pk)) == run.answer.blocks


@pytest.mark.parametrize(
    ("where", "within", "lost"),
    [("on this machine", 2.5, True), ("elsewhere", 3 + 5, False)],
)
def test_a_killed_workers_run_is_taken_over_and_completed_with_no_mixed_text(
    two, counting, where, within, lost
):
    eventually(lambda: deltas(counting) > 20)
    counting.refresh_from_db()
    if where == "elsewhere":
        Worker.objects.filter(pk=counting.worker_id).update(process="another boot/1/1")
    next(each for each in two if holds(each, counting)).kill()
    killed = time.monotonic()
    assert not ended(counting), "killed too late to show anything"
    eventually(lambda: Event.objects.filter(type="run.started", data__attempt=2).exists())
    assert time.monotonic() - killed < within
    assert Worker.objects.get(pk=counting.worker_id).lost == lost
    eventually(lambda: ended(counting))
    assert_complete(counting)


def test_a_killed_workers_run_is_the_next_ones_as_soon_as_that_is_up(spawn, counting):
    first = spawn(WorkerProcess)
    eventually(lambda: deltas(counting) > 20)
    first.kill()
    spawn(WorkerProcess)
    started = time.monotonic()
    eventually(lambda: Event.objects.filter(type="run.started", data__attempt=2).exists())
    assert time.monotonic() - started < 2.5
    eventually(lambda: ended(counting))
    assert_complete(counting)


def test_a_worker_frozen_past_its_lease_appends_no_row_when_it_wakes(two, counting):
    eventually(lambda: deltas(counting) > 20)
    counting.refresh_from_db()
    first, second = sorted(two, key=lambda each: not holds(each, counting))
    first.send(signal.SIGSTOP)
    assert not ended(counting), "frozen too late to wake in the middle"
    eventually(lambda: ended(counting))
    rows = Event.objects.count()
    first.send(signal.SIGCONT)
    first.wait_for("lease is another worker's")
    assert Event.objects.count() == rows
    assert_complete(counting)
    assert second.popen.poll() is None


def test_a_drained_worker_finishes_what_it_can_and_exits(spawn, counting):
    worker = spawn(WorkerProcess)
    eventually(lambda: deltas(counting) > 20)
    assert worker.stop() == 0
    assert_complete(counting)
    counting.refresh_from_db()
    assert counting.worker.state == "stopped"


def test_a_second_signal_hands_back_at_once(spawn, counting):
    worker = spawn(WorkerProcess)
    eventually(lambda: deltas(counting) > 20)
    worker.send(signal.SIGTERM)
    worker.wait_for("draining")
    assert worker.stop(within=5) == 0
    counting.refresh_from_db()
    assert (counting.status, counting.attempt) == ("queued", 1)
    spawn(WorkerProcess)
    eventually(lambda: ended(counting))
    assert_complete(counting)


def test_a_worker_that_never_reached_postgresql_leaves_when_told(spawn):
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    worker = spawn(Process, "manage.py", "runworker", DATABASE_URL=nowhere)
    worker.wait_for("worker waits: PostgreSQL cannot be reached")
    assert worker.output.count("Connection refused") == 1
    assert worker.stop(within=10) == 0
