"""A site's own transactions and the requests of pages wait for each other in one order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

import streams
from streams.models import Run
from streams.postgres.database import connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("first", ["cancel", "delete"])
def test_a_transaction_that_stops_and_asks_meets_a_prompt_from_a_page(anna, settings, first):
    settings.STREAMS = {**settings.STREAMS, "running_per_user": 9}
    chat, other = streams.start(anna), streams.start(anna)
    run = chat.ask("Hello")
    held, posting = threading.Event(), threading.Event()

    def site():
        with transaction.atomic():
            getattr(chat if first == "delete" else run, first)()
            held.set()
            posting.wait(0.5)
            other.ask("Instead")
        connections.close_all()

    def page():
        held.wait(5)
        try:
            chat.ask("From a page")
        except streams.exceptions.NotFound:
            assert first == "delete"
        finally:
            posting.set()
            connections.close_all()

    with ThreadPoolExecutor() as both:
        for done in [both.submit(site), both.submit(page)]:
            done.result(20)


@pytest.mark.django_db(transaction=False)
@pytest.mark.parametrize("first", ["ask", "retry", "start"])
def test_where_only_files_are_counted_the_person_is_locked_first(anna, settings, first):
    settings.STREAMS = {**settings.STREAMS, "running_per_user": 0, "queued_per_user": 0}
    settings.STREAMS |= {"attachments_unsent": 9}
    chat = streams.start(anna)
    run = chat.ask("Hello")
    Run.objects.update(status=Run.Status.COMPLETED)
    acts = {
        "ask": lambda: chat.ask("And?"),
        "retry": run.retry,
        "start": lambda: streams.start(anna, key="k", messages=[("user", "Hello")]),
    }
    with CaptureQueriesContext(connection()) as asked:
        acts[first]()
    wanted = ("FOR NO KEY UPDATE", "INSERT", "UPDATE")
    holding = [each["sql"] for each in asked if any(word in each["sql"] for word in wanted)]
    assert f'FROM "{anna._meta.db_table}"' in holding[0]
