"""A site's own transactions and the requests of pages wait for each other in one order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

import streams

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
