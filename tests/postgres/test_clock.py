"""A web server's clock may differ from the database's without effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from streams.admin import filters
from streams.models import Device, Pairing, Run
from streams.postgres import clock
from streams.views.devices import Row
from tests.factories import WorkerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[-1, 1], ids=["behind", "ahead"])
def elsewhere(request, monkeypatch):
    """Ten minutes off, for this process alone."""
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + request.param * timedelta(minutes=10))


def test_a_code_lives_as_long_as_it_says(elsewhere, laptop, conversation, client, anna):
    opened = Pairing.open(laptop, conversation)
    assert Pairing.by_token(opened.token).state == "waiting"
    assert abs(opened.pairing.expires_at - clock.now() - timedelta(seconds=120)) < NEAR
    laptop.sign_out()
    assert not Pairing.objects.filter(expires_at__gt=Now()).exists()
    Pairing.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    Device.objects.update(signed_out_at=None)
    assert Pairing.known().get().state == "expired"


NEAR = timedelta(seconds=30)


def test_a_worker_is_alive_by_the_clock_it_beats_by(elsewhere, admin_client):
    worker = WorkerFactory(started_at=clock.now(), beat_at=clock.now())
    assert worker.state == "alive"
    page = admin_client.get("/admin/streams/worker/").content.decode()
    assert "pill-alive" in page
    worker.beat_at -= timedelta(minutes=1)
    worker.save()
    assert worker.state == "stale"
    assert "pill-stale" in admin_client.get("/admin/streams/worker/").content.decode()


def test_what_is_stuck_is_so_by_the_databases_clock(elsewhere, conversation):
    run = conversation.post("Hello", None)[1]
    assert not Run.objects.filter(filters.waiting())
    run.queued_at -= timedelta(minutes=1)
    run.save()
    assert Run.objects.filter(filters.waiting())


def test_an_answer_that_was_stopped_ends_when_the_database_says(elsewhere, conversation, laptop):
    run = conversation.post("Hello", None)[1]
    run = run.cancel(laptop)
    assert abs(run.ended_at - clock.now()) < NEAR


def test_a_device_was_seen_when_the_database_says(elsewhere, client, anna):
    client.force_login(anna)
    client.get("/devices/")
    device = Device.objects.get()
    assert abs(device.last_seen_at - clock.now()) < NEAR
    Device.objects.update(last_seen_at=clock.now() - timedelta(hours=1))
    client.get("/devices/")
    client.get("/devices/")
    device = Device.objects.get()
    assert Row(device, True, None, False).seen in ("just now", "1 hour ago")
