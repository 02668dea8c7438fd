"""A person's monthly budget: each answer counts once, also after its conversation is deleted."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from decimal import Decimal
from importlib import import_module

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.utils import translation

from streams import budgets
from streams.exceptions import BudgetSpent
from streams.models import Budget, Conversation, Message, Run, Usage
from streams.postgres.connections import INDEXED, connect
from streams.worker import retention
from tests.factories import ConversationFactory, UserFactory
from tests.views.answers import append, begin, fail, say
from tests.views.conftest import Api, browser_of

HTML = {"Accept": "text/html"}


@pytest.fixture
def api(laptop):
    return Api(browser_of(laptop))


@pytest.fixture
def limit(settings):
    def set_to(**limits):
        settings.STREAMS = {**settings.STREAMS, **limits}

    return set_to


def answered(here, **usage):
    run = here.post("Hi", None)[1]
    begin(run)
    say(run, "Hello")
    event = run.event("run.completed", stop_reason="end_turn", usage=usage)
    append(run, event, status="completed", stop_reason="end_turn", usage=usage)
    return run


@pytest.mark.django_db
def test_each_answer_counts_once_however_it_ends_and_what_has_never_begun_does_not(conversation):
    answered(conversation, input_tokens=10, output_tokens=5, cached_tokens=4)
    failed, stopped, handed_back, waiting = (conversation.post("Hi", None)[1] for _ in range(4))
    begin(failed)
    fail(failed)
    begin(stopped)
    append(stopped, stopped.event("run.cancelled"), status="cancelled",
           usage={"input_tokens": 7, "output_tokens": "many", "estimated": True})  # fmt: skip
    Run.objects.filter(pk=handed_back.pk).update(attempt=1, usage={"input_tokens": 100})
    for _ in range(2):
        Run.objects.get(pk=handed_back.pk).cancel(None)
    waiting.cancel(None)
    (line,) = budgets.lines(conversation.owner_id)
    assert line == {
        "month": budgets.this_month(), "model": conversation.model, "answers": 4,
        "input_tokens": 117, "output_tokens": 5, "cached_tokens": 4, "estimated_answers": 1,
    }  # fmt: skip
    assert Usage.objects.count() == 4


@pytest.mark.django_db
def test_no_count_overflows_a_column_whatever_a_service_says(conversation):
    answered(conversation, input_tokens=-1, output_tokens=1e30)
    Usage.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("streams.migrations.0031_usage").COUNT)
    used = Usage.objects.get()
    assert (used.input_tokens, used.output_tokens) == (0, 10**15)
    assert [budgets.counted(each) for each in (-1, 1e30, float("inf"))] == [0, 10**15, 10**15]


@pytest.mark.django_db
def test_who_has_used_the_budget_is_refused_in_words_until_the_next_month(api, conversation, limit):
    limit(budget_tokens=20)
    run = answered(conversation, input_tokens=10, output_tokens=9)
    assert api("post", f"/c/{conversation.uuid}/messages", {"content": "Hi"}).status_code == 201
    Run.objects.latest("pk").cancel(None)
    answered(conversation, output_tokens=1)
    conversation.delete_softly(None)  # which resets nothing
    conversation.restore()
    path, body = f"/c/{conversation.uuid}/messages", {"content": "Hi"}
    for told in (
        api("post", path, body),
        api("post", "/c/", body),
        api("post", f"/runs/{run.uuid}/retry"),
        api("post", "/v1/responses", {"model": "scripted:demo", "input": "Hi"}),
        api("post", "/v1/chat/completions",
            {"model": "scripted:demo", "messages": [{"role": "user", "content": "Hi"}]}),
    ):  # fmt: skip
        error = told.json()["error"]
        assert (told.status_code, error["code"]) == (429, "budget_spent")
        assert "20 tokens" in error["message"]
        assert "Retry-After" not in told
    assert told["x-should-retry"] == "false"
    page = api.client.post(path, body, headers=HTML)
    assert page.status_code == 429
    assert "20 tokens" in page.content.decode()
    with translation.override("de"), pytest.raises(BudgetSpent, match="Budget von 20 Tokens"):
        budgets.check(conversation.owner_id)
    Usage.objects.update(month="2001-01-01")
    assert api("post", path, body).status_code == 201


@pytest.mark.django_db
def test_one_persons_own_budget_goes_before_the_settings_and_is_set_in_the_admin(
    anna, bert, conversation, limit, admin_user
):
    limit(budget_tokens=5)
    oncall = Client()
    oncall.force_login(admin_user)
    given = {"owner": anna.pk, "tokens": "50", "dollars": ""}
    assert oncall.post("/admin/streams/budget/add/", given).status_code == 302
    answered(conversation, input_tokens=49)
    budgets.check(anna.pk)
    answered(conversation, input_tokens=1)
    with pytest.raises(BudgetSpent):
        budgets.check(anna.pk)
    assert "50 tokens" in oncall.get("/admin/streams/budget/").content.decode()
    assert "scripted:demo" in oncall.get("/admin/streams/usage/").content.decode()
    Budget.objects.update(tokens=0)
    budgets.check(anna.pk)  # no limit
    budgets.check(bert.pk)


@pytest.mark.django_db
def test_dollars_are_counted_by_what_models_cost(api, anna, settings, limit):
    limit(budget_dollars=1.0, agents={"crew": "tests.worker.agents.agent"})
    assert budgets.price("agent:gone", {"input_tokens": 1}) is None
    assert budgets.price("agent:crew", {"input_tokens": 1}) is None  # a script costs nothing
    one, many = {"input_tokens": 150_000}, {"input_tokens": 300_000, "requests": 2}
    long = "anthropic:claude-sonnet-4-5"  # one request of more than 200,000 costs twice as much
    assert budgets.price(long, many) == 2 * budgets.price(long, one)
    month = {"owner": anna, "month": budgets.this_month()}
    Usage.objects.create(**month, model="local:smollm2", input_tokens=10**9)
    Usage.objects.create(**month, model="openai:gpt-4o", input_tokens=100_000)
    budgets.check(anna.pk)
    Usage.objects.create(**month, model="openai:gpt-4o", output_tokens=100_000)
    with pytest.raises(BudgetSpent, match=r"\$1\.00"):
        budgets.check(anna.pk)
    told = api("get", "/usage").json()["budget"]
    assert (told["dollars"], told["used_dollars"]) == ("1.00", "1.25")
    page = api.client.get("/usage", headers=HTML).content.decode()
    assert "1.25 of 1.00" in page


@pytest.mark.django_db
def test_each_month_says_what_a_model_cost_and_whether_that_is_an_estimate(api, anna, admin_user):
    Usage.objects.create(owner=anna, month="2026-02-01", model="local:smollm2", input_tokens=10)
    assert "Dollars" not in api.client.get("/usage", headers=HTML).content.decode()
    tokens = {"input_tokens": 100_000, "output_tokens": 100_000}
    march = {"month": "2026-03-01", "model": "openai:gpt-4o", "answers": 4, "estimated_answers": 3}
    Usage.objects.create(owner=anna, **march, **tokens)
    long = {"model": "anthropic:claude-sonnet-4-5", "answers": 1, "requests": 2}
    Usage.objects.create(owner=anna, month="2026-03-01", input_tokens=300_000, **long)
    lines = api("get", "/usage").json()["usage"]
    told = [(line["month"], line["dollars"], line["estimated_answers"]) for line in lines]
    assert told == [("2026-03", "0.9000", 0), ("2026-03", "1.2500", 3), ("2026-02", None, 0)]
    page = api.client.get("/usage", headers=HTML).content.decode()
    assert re.findall(r"<td data-name[^>]*>(.*?)</td>", page) == [
        "1", "300,000", "0", "0.90", "4", "≈ 100,000", "≈ 100,000", "≈ 1.25", "1", "10", "0", "–",
    ]  # fmt: skip
    assert "March 2026 · ≈ $2.15</caption>" in page
    oncall = Client()
    oncall.force_login(admin_user)
    listed = oncall.get("/admin/streams/usage/").content.decode()
    assert "$1.2500" in listed
    assert "$0.9000" in listed


PEOPLE = 2000


@pytest.mark.django_db
def test_what_one_person_used_is_read_by_an_index_however_many_there_are(anna):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO streams_usage (owner_id, month, model)"
            " SELECT 1000 + n %% %s, date '2026-01-01' + (n %% 12) * interval '1 month', 'm'"
            " FROM generate_series(1, 10 * %s) n",
            [PEOPLE, PEOPLE],
        )
        cursor.execute("ANALYZE streams_usage")
    plan = budgets.lines(1001).explain()
    assert "usage_of_owner" in plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db
def test_what_is_under_way_is_found_without_what_waits_for_its_turn(anna):
    other = UserFactory()
    places = Conversation.objects.bulk_create(
        Conversation(owner=owner, last_seq=2) for owner in [anna] * 300 + [other] * 300
    )
    said = Message.objects.bulk_create(
        Message(conversation=each, role=role, seq=seq, blocks=[])
        for each in places
        for seq, role in ((1, "user"), (2, "assistant"))
    )
    Run.objects.bulk_create(
        Run(
            conversation=each,
            prompt=prompt,
            answer=answer,
            model="m",
            status="completed" if each.owner == anna else "queued",
            attempt=int(each.owner == anna),
        )
        for each, prompt, answer in zip(places, said[::2], said[1::2], strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE streams_run, streams_conversation")
        cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small
        budgets.used_under_way(anna.pk, priced=False)
        plan = Run.objects.under_way().filter(conversation__owner=anna).explain()
    assert "runs_handed_back" in plan
    assert "runs_queued" not in plan


def test_a_price_is_remembered_for_a_day(monkeypatch):
    costs = [Decimal(2), Decimal(1)]
    monkeypatch.setattr(budgets.limits, "cost", lambda *of: costs.pop())
    dearer = [budgets.cost_of(date(2026, 3, day), "remembered", 1, 0, 0) for day in (1, 1, 2)]
    assert dearer == [1, 1, 2]


@pytest.mark.django_db
def test_a_worker_asks_nothing_while_nobody_has_a_budget(anna, settings):
    budgets.forget_none()
    assert budgets.any_budgets()
    budgets.refresh_any()
    assert not budgets.any_budgets()
    settings.STREAMS = {**settings.STREAMS, "budget_tokens": 1}
    assert budgets.any_budgets()
    settings.STREAMS = {**settings.STREAMS, "budget_tokens": 0}
    assert not budgets.any_budgets()
    Budget.objects.create(owner=anna, tokens=1)
    assert budgets.any_budgets()
    budgets.refresh_any()
    assert budgets.any_budgets()


@pytest.mark.django_db(transaction=True)
def test_merging_changes_no_sum_and_forgets_who_was_deleted(anna, conversation):
    gone = UserFactory()
    for _ in range(3):
        answered(conversation, input_tokens=2)
    Usage.objects.create(owner=gone, month="2026-01-01", model="m")
    left = Usage.objects.get(owner=gone)
    gone.delete()
    left.save()  # as an answer does that ends at the same moment
    before = list(budgets.lines(anna.pk))

    async def merge():
        async with await connect("test", **INDEXED) as one, await connect("test", **INDEXED) as two:
            while any(await asyncio.gather(*(retention.merge_usage(c, 1) for c in (one, two)))):
                pass

    async_to_sync(merge)()
    answered(ConversationFactory(owner=anna), input_tokens=1)
    before[0] |= {"answers": 4, "input_tokens": 7}
    assert list(budgets.lines(anna.pk)) == before
    async_to_sync(merge)()
    assert list(budgets.lines(anna.pk)) == before
    assert Usage.objects.filter(merged=False).count() == 0
    assert not Usage.objects.exclude(owner=anna).exists()
