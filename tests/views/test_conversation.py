"""`/c/<uuid>/`: the page and the JSON of one conversation."""

from __future__ import annotations

import html as html_module
import re
import uuid

import pytest
from django.template.loader import render_to_string

from streams import log
from streams.log import transcript
from streams.models import DeviceSession

from .answers import append, begin, complete, fail, say, stop
from .conftest import browser_of

pytestmark = pytest.mark.django_db


def html_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_json_is_what_the_log_folds_to(api, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Hello", end=False)
    answer = api("get", here).json()
    folded = transcript.fold(log.rows_after(conversation.pk)).as_dict()
    assert {name: answer[name] for name in folded} == folded
    assert {"id", "title", "model", "on_busy", "url", "archived"} <= set(answer)


def test_first_paint_holds_the_answer_so_far_and_where_to_go_on(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi <b>", laptop)
    begin(run)
    say(run, "First **bold**.\n\nSecond 😀\n\nThi", "rd", end=False)
    html = html_of(page.get(here))
    assert "Hi &lt;b&gt;" in html
    assert '<p dir="auto">First <strong>bold</strong>.</p>' in html
    assert 'data-source="First **bold**.\n\nSecond 😀\n\nThird"' in html
    assert 'data-closed="17"' in html
    assert 'data-state="streaming"' in html
    assert f'action="/runs/{run.uuid}/cancel"' in html


@pytest.mark.parametrize(
    ("stop_reason", "sentence", "unfinished"),
    [
        ("end_turn", "", False),
        ("max_tokens", "This answer reached its length limit.", True),
        ("pause_turn", "The model paused before this answer was finished.", True),
        ("refusal", "The model declined to answer this.", False),
        ("moon_phase", "ended this answer for a reason of its own: moon_phase.", False),
    ],
)
def test_each_end_of_an_answer_has_its_sentence(
    page, conversation, here, laptop, stop_reason, sentence, unfinished
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Well")
    complete(run, stop_reason)
    html = html_of(page.get(here))
    [ending, template] = re.findall(r'class="ending">([^<]*)<', html)
    assert html_module.unescape(ending).endswith(sentence)
    assert bool(ending) == bool(sentence)
    assert template == ""
    assert (" data-unfinished" in html) == unfinished


def test_closed_counts_utf16_units(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "😀😀\n\nb\n\nc", end=False)
    assert 'data-closed="6"' in html_of(page.get(here))


def test_each_state_of_an_answer_has_its_words(page, conversation, here, laptop, phone):
    _, failed, _ = conversation.post("One", laptop)
    begin(failed)
    fail(failed)
    _, stopped, _ = conversation.post("Two", laptop)
    begin(stopped)
    stopped.cancel(phone)
    stop(stopped)
    stopped.refresh_from_db()
    _, running, _ = conversation.post("Three", laptop)
    begin(running, attempt=2)
    conversation.post("Four", laptop)
    html = html_of(page.get(here))
    for words in ("The model is busy.", "Stopped by Phone", "The server restarted this answer"):
        assert words in html
    for state in ("failed", "cancelled", "thinking", "waiting"):
        assert f'data-state="{state}"' in html
    assert " data-restarted" in html


def test_stopped_here_is_just_stopped(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    run.cancel(laptop)
    assert 'data-state="stopping"' in html_of(page.get(here))
    stop(run)
    assert '<p data-when="cancelled" class="stopped">Stopped</p>' in html_of(page.get(here))


def test_a_replaced_answer_is_a_step_away(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "First try")
    complete(run)
    again = run.retry(laptop)
    html = html_of(page.get(here))
    assert "First try" not in html
    assert '<span class="count">2/2</span>' in html
    step = f"?branch={run.answer.uuid}"
    assert f'href="{step}#m-{run.answer.uuid}"' in html
    html = html_of(page.get(here + step))
    assert "First try" in html
    assert '<span class="count">1/2</span>' in html
    assert f'href="?branch={again.answer.uuid}#m-{again.answer.uuid}"' in html


def test_thoughts_and_tool_calls_are_folded_text(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Let me *see*", kind="reasoning")
    say(run, '{"a": "<i>"}', index=1, kind="tool_call", name="look", call_id="c")
    say(run, "No.", index=2, kind="refusal")
    complete(run)
    html = html_of(page.get(here))
    assert "Let me <em>see</em>" in html
    assert '<dt>a</dt><dd dir="auto">&lt;i&gt;</dd>' in html
    assert '<span class="call-words">Look</span>' in html
    assert 'class="block refusal"' in html


@pytest.mark.parametrize(("given", "note"), [
    ('{"city": "Oslo"}', "{&quot;city&quot;: &quot;Oslo&quot;}"),
    ("x" * 61, "x" * 59 + "…"),
    ("{}", ""),
])  # fmt: skip
def test_calls_of_a_history_are_told_apart_while_they_are_folded(given, note):
    block = {"index": 1, "name": "look", "text": given, "result": "So"}
    html = render_to_string("streams/blocks/imported_call.html", {"shown": {"block": block}})
    words = '<span class="call-words">look</span> <span class="call-note" dir="auto">'
    assert f"{words}{note}</span></summary>" in html


def test_a_visit_is_remembered_and_marks_everything_read(page, conversation, here, laptop):
    conversation.post("Hi", laptop)
    page.get(here)
    session = DeviceSession.objects.get(device=laptop, conversation=conversation)
    assert session.read_seq == 2
    page.get(here, headers={"Accept": "application/json"})


@pytest.mark.parametrize("prompts", [1, 30])
def test_as_many_queries_for_thirty_prompts_as_for_one(
    page, conversation, here, laptop, prompts, django_assert_max_num_queries
):
    page.get(here)
    for number in range(prompts):
        _, run, _ = conversation.post(str(number), laptop)
        begin(run)
        say(run, "Answer")
        complete(run)
    with django_assert_max_num_queries(15):  # three are a savepoint with a lock
        page.get(here)


def test_changing_it(api, conversation, here, laptop):
    given = {"title": "New", "model": "scripted:demo", "system": "S", "on_busy": "reject"}
    answer = api("patch", here, given | {"archived": True}).json()
    assert {name: answer[name] for name in given} == given
    assert answer["archived"] is True
    event = log.rows_after(conversation.pk)[-1]
    assert event.data["title"] == "New"
    assert event.data["archived"] is True
    assert event.data["device"]["name"] == "Laptop"
    assert api("patch", here, {"archived": True}).json()["head"] == answer["head"]
    assert api("patch", here, {"archived": False}).json()["archived"] is False


@pytest.mark.parametrize(
    "given", [{"model": "nobody:x"}, {"title": 1}, {"archived": "perhaps"}, {"x": 1}]
)
def test_a_change_that_cannot_be_is_422(api, here, given):
    assert api("patch", here, given).status_code == 422


def test_renaming_by_form(page, conversation, here):
    response = page.post(here, {"_method": "PATCH", "title": "By form"})
    assert (response.status_code, response["Location"]) == (303, here)
    conversation.refresh_from_db()
    assert conversation.title == "By form"


def test_deleting_hides_it_at_once(api, page, conversation, here, laptop):
    conversation.post("Hi", laptop)
    assert api("delete", here).status_code == 204
    assert api("get", here).status_code == 404
    assert api("delete", here).status_code == 404
    assert page.get(here).status_code == 404
    assert api("get", "/c/").json()["conversations"] == []


def test_deleting_by_form_leads_to_the_list(page, here):
    response = page.post(here, {"_method": "DELETE"})
    assert (response.status_code, response["Location"]) == (303, f"/c/?deleted={here[3:-1]}")


def test_someone_elses_is_as_if_it_were_not_there(bert_api, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    nowhere = uuid.uuid4()
    for method, path in [
        ("get", "/c/{}/"), ("patch", "/c/{}/"), ("delete", "/c/{}/"),
        ("post", "/c/{}/messages"), ("put", "/c/{}/read"),
    ]:  # fmt: skip
        theirs = bert_api(method, path.format(conversation.uuid), {})
        missing = bert_api(method, path.format(nowhere), {})
        assert (theirs.status_code, theirs.json()) == (404, missing.json()), (method, path)
    for method, path in [
        ("get", "/runs/{}/"),
        ("post", "/runs/{}/cancel"),
        ("post", "/runs/{}/retry"),
    ]:
        theirs = bert_api(method, path.format(run.uuid))
        missing = bert_api(method, path.format(nowhere))
        assert (theirs.status_code, theirs.json()) == (404, missing.json()), (method, path)


def test_a_handed_back_run_shows_what_it_had(page, conversation, here, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "So far", end=False)
    append(run, run.event("run.queued", attempt=1), status="queued")
    html = html_of(page.get(here))
    assert "So far" in html
    assert " data-restarted" in html


def test_what_is_archived_can_be_put_back_from_its_page(page, api, conversation, here):
    way_back = re.compile(r'id="streams-put-away"[^>]*"\s*(?P<hidden>hidden)?>')
    assert way_back.search(page.get(here).content.decode())["hidden"]
    api("patch", here, {"archived": True})
    assert not way_back.search(page.get(here).content.decode())["hidden"]
    assert page.post(here, {"_method": "PATCH", "archived": "false"}).status_code == 303
    conversation.refresh_from_db()
    assert conversation.archived_at is None


def test_scripts_are_told_numbers_as_they_read_them(page, conversation, laptop, here, settings):
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, *["word "] * 1200)
    told = dict(re.findall(r'data-(head|beat)="([^"]*)"', page.get(here).content.decode()))
    conversation.refresh_from_db()
    assert told == {"head": str(conversation.last_seq), "beat": "5000"}


def test_a_site_without_djangos_messages_goes_without(conversation, laptop, here, settings):
    settings.MIDDLEWARE = [it for it in settings.MIDDLEWARE if "messages" not in it]
    answer = browser_of(laptop).post(here, {"_method": "PATCH", "model": "scripted:demo"})
    assert answer.status_code == 303
