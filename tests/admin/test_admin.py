"""The admin, as the person on call meets it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from streams import log
from streams.admin import timeline
from streams.models import Attachment, Conversation, DeviceSession, Run, Usage

from ..factories import ConversationFactory, DeviceFactory, UserFactory, WorkerFactory
from ..views.agent_answers import agent_run, one, step, wait
from ..views.answers import begin

HOSTILE = '<script>alert("x")</script>'
WORDS = ("Because ", "of ", "Rayleigh.")
LISTS = ("run", "conversation", "device", "worker")
DAY = timedelta(days=1)


@pytest.fixture
def carla(db):
    """The person on call."""
    return UserFactory(username="carla", is_staff=True, is_superuser=True)


@pytest.fixture
def oncall(client, carla):
    client.force_login(carla)
    return client


def prompted(conversation: Conversation, text: str = "Why is the sky blue?") -> Run:
    return conversation.post(text, None)[1]


@transaction.atomic
def lived(run: Run, status: str, **values) -> Run:
    """A run as a worker would leave it, `status` reached."""
    now = timezone.now()
    run.status, run.attempt = status, 1
    run.queued_at, run.started_at = now - timedelta(seconds=9), now - timedelta(seconds=8)
    run.first_token_at = now - timedelta(seconds=6)
    run.ended_at = None if status == "running" else now
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    conversation = Conversation.lock(run.conversation_id)
    conversation.append(
        run.event("run.started", attempt=1),
        run.event("block.started", index=0, kind="text"),
        *(
            run.event("block.delta", index=0, text=word)
            for word in ("Because ", "of ", "Rayleigh.")
        ),
    )
    happened(
        run,
        {
            "run.queued": run.queued_at,
            "run.started": run.started_at,
            "block.started": run.first_token_at,
        },
    )
    if status == "failed":
        conversation.append(
            run.event("run.failed", code=run.error_code, message="", retryable=True)
        )
    elif status == "completed":
        run.answer.blocks = [{"index": 0, "kind": "text", "text": "Because of Rayleigh."}]
        run.answer.save()
        conversation.append(run.event("run.completed", stop_reason="end_turn", usage=run.usage))
    return run


def happened(run: Run, moments: dict[str, datetime]) -> None:
    """Move each type's latest event of a run to where it is said to have happened."""
    with connection.cursor() as cursor:
        for type, at in moments.items():
            cursor.execute(
                "UPDATE streams_event SET created_at = %s WHERE seq = (SELECT max(seq)"
                " FROM streams_event WHERE run_id = %s AND type = %s) AND run_id = %s",
                [at, run.pk, type, run.pk],
            )


def listed(client, model: str = "run", /, **query) -> str:
    answer = client.get(reverse(f"admin:streams_{model}_changelist"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def page(client, run: Run) -> str:
    answer = client.get(reverse("admin:streams_run_change", args=[run.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> int:
    return html.count('class="action-select"')


def test_the_admin_is_in_the_readers_language(oncall, conversation):
    run = lived(prompted(conversation), "completed")
    oncall.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    shown = page(oncall, run)
    assert "<h2>Zeitachse</h2>" in shown
    assert '<span class="pill pill-completed">fertig</span>' in shown
    assert "Erstes Token um" in shown
    found = listed(oncall)
    assert "Ausgewählte Läufe abbrechen" in found
    assert "Läuft, sein Worker schweigt" in found


def test_a_list_of_runs_says_how_each_is_doing(oncall, conversation):
    worker = WorkerFactory(name="amber")
    lived(prompted(conversation), "completed", worker=worker, usage={"output_tokens": 60})

    html = listed(oncall)

    for shown in ("pill-completed", "scripted:demo", "2.0 s", "10.0", "8.0 s", "amber", "anna"):
        assert shown in html


def test_a_list_of_runs_says_what_failed_why_and_after_how_many_attempts(oncall, anna):
    lived(prompted(ConversationFactory(owner=anna)), "failed", error_code="timeout")
    assert '<span class="pill pill-failed">failed</span> timeout</a>' in listed(oncall)
    Run.objects.update(attempt=3)
    assert '<span class="pill pill-failed">failed</span> timeout, attempt 3</a>' in listed(oncall)


def test_a_conversation_goes_by_its_title_or_its_first_words(oncall, anna):
    prompted(ConversationFactory(owner=anna), f"# Why is the **sky** {HOSTILE} blue?")
    prompted(ConversationFactory(owner=anna, title="Weather"), "Will it rain?")

    html = listed(oncall)

    assert ">Why is the sky &lt;script&gt;" in html
    assert ">Weather</span>" in html
    assert "Will it rain?" not in html
    assert HOSTILE not in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status__exact": "failed"}, 1),
        ({"error_code": "timeout"}, 1),
        ({"error_code": "auth"}, 0),
        ({"model": "scripted:demo"}, 3),
        ({"stuck": "lost"}, 1),
        ({"stuck": "waiting"}, 1),
        ({"stuck": "any"}, 2),
        ({"q": "anna"}, 3),
        ({"q": "timeout"}, 1),
        ({"q": "weather"}, 1),
        ({"q": "nothing like it"}, 0),
    ],
)
def test_runs_are_found_by_what_is_asked_about_them(oncall, anna, query, found):
    silent = WorkerFactory(beat_at=timezone.now() - timedelta(minutes=1))
    lived(prompted(ConversationFactory(owner=anna, title="Weather")), "running", worker=silent)
    lived(prompted(ConversationFactory(owner=anna)), "failed", error_code="timeout")
    waiting = prompted(ConversationFactory(owner=anna))
    Run.objects.filter(pk=waiting.pk).update(queued_at=timezone.now() - timedelta(minutes=5))

    assert rows(listed(oncall, **query)) == found


def test_a_run_is_found_by_its_own_and_by_its_conversations_uuid(oncall, anna):
    run = prompted(ConversationFactory(owner=anna))
    prompted(ConversationFactory(owner=anna))

    assert rows(listed(oncall, q=str(run.uuid))) == 1
    assert rows(listed(oncall, q=str(run.uuid)[:13])) == 1
    assert rows(listed(oncall, q=str(run.conversation.uuid))) == 1


@pytest.mark.parametrize("text", ["alice@example.org", "ALICE", "example.org", "Alice"])
def test_people_are_found_by_any_part_of_their_name_in_either_case(oncall, text):
    owner = UserFactory(username="Alice@Example.org")
    conversation = ConversationFactory(owner=owner)
    failed = lived(prompted(conversation), "failed", error_code="rate_limited")
    Usage.add(failed)
    kept = {"type": "image/png", "size": 1, "sha256": "ab" * 32}
    Attachment.objects.create(owner=owner, name="cat.png", **kept)
    Attachment.objects.create(owner=UserFactory(), name="dog.pdf", **kept | {"sha256": "cd" * 32})
    lived(prompted(ConversationFactory()), "failed", error_code="auth")

    for model in ("run", "conversation", "attachment"):
        assert rows(listed(oncall, model, q=text)) == 1, model
    assert "Alice@Example.org" in listed(oncall, "usage", q=text)
    assert "Alice@Example.org" not in listed(oncall, "usage", q="nobody")
    assert rows(listed(oncall, q="rate_")) == 1
    for query in ({"q": "CAT"}, {"q": "abab"}, {"type": "image/png", "q": "cat"}):
        assert rows(listed(oncall, "attachment", **query)) == 1


def test_waiting_behind_an_answer_is_not_stuck(oncall, conversation):
    lived(prompted(conversation), "running", worker=WorkerFactory())
    prompted(conversation)
    Run.objects.update(queued_at=timezone.now() - timedelta(minutes=5))

    assert rows(listed(oncall, stuck="any")) == 0


@pytest.mark.parametrize("model", LISTS)
def test_a_list_costs_the_same_with_thirty_rows_as_with_three(
    oncall, model, django_assert_num_queries, django_assert_max_num_queries
):
    def populate(count: int) -> None:
        for _ in range(count):
            conversation = ConversationFactory()
            run = prompted(conversation)
            Run.objects.filter(pk=run.pk).update(worker=WorkerFactory())
            device = DeviceFactory(user=conversation.owner)
            DeviceSession.objects.create(device=device, conversation=conversation)

    populate(3)
    listed(oncall, model)  # content types and the like are remembered from here on
    with django_assert_max_num_queries(40) as few:
        listed(oncall, model)
    populate(27)
    with django_assert_num_queries(len(few)):
        listed(oncall, model)


def test_a_conversations_page_costs_the_same_with_thirty_devices_as_with_three(
    oncall, conversation, django_assert_num_queries, django_assert_max_num_queries
):
    url = reverse("admin:streams_conversation_change", args=[conversation.pk])

    def open_on(count: int) -> None:
        for _ in range(count):
            device = DeviceFactory(user=conversation.owner)
            DeviceSession.objects.create(device=device, conversation=conversation)

    open_on(3)
    oncall.get(url)
    with django_assert_max_num_queries(40) as few:
        oncall.get(url)
    open_on(27)
    with django_assert_num_queries(len(few)):
        oncall.get(url)


def test_a_runs_page_shows_its_life_its_words_and_its_error(oncall, conversation):
    run = lived(
        prompted(conversation),
        "failed",
        error_code="timeout",
        error_message="It went silent.",
    )

    html = page(oncall, run)

    for shown in ("Why is the sky blue?", "Because of Rayleigh.", "It went silent."):
        assert shown in html
    for event in ("run.queued", "run.started", "block.delta", "run.failed"):
        assert f"<td>{event}</td>" in html
    assert "<td>× 3</td>" in html


def picture_of(html: str) -> ElementTree.Element:
    """Parsed as XML, so that a drawing that is not well-formed fails here."""
    return ElementTree.fromstring(
        html[(start := html.index("<svg viewBox")) : html.index("</svg>", start) + 6]
    )


def test_the_timeline_is_a_picture_that_a_strict_policy_allows(oncall, conversation):
    run = lived(prompted(conversation), "completed", usage={"output_tokens": 3})

    drawing = picture_of(page(oncall, run))

    titles = [element.text for element in drawing.iter("title")]
    assert titles[:3] == ["queued 1.0 s", "thinking 2.0 s", "writing 6.0 s"]
    assert "writing 6.0 s, completed" in drawing.get("aria-label")
    for element in drawing.iter():
        assert element.tag not in ("style", "script")
        assert not {"style", "onload", "onclick"} & set(element.attrib)
    for rect in drawing.iter("rect"):
        assert float(rect.get("width")) >= 0
        assert 0 <= float(rect.get("x")) <= 960


def test_the_picture_is_as_fine_a_day_later(oncall, conversation):
    run = lived(prompted(conversation), "completed", usage={"output_tokens": 3})
    day = timedelta(days=1)
    for name in ("queued_at", "started_at", "first_token_at", "ended_at"):
        setattr(run, name, getattr(run, name) - day)
    run.save()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE streams_event SET created_at = created_at - %s WHERE run_id = %s", [day, run.pk]
        )

    titles = [element.text for element in picture_of(page(oncall, run)).iter("title")]

    assert "3 in 67 ms" in titles


@pytest.fixture
def taken_over(conversation):
    """A run whose worker wrote for 2 s and was lost; 13 s later another began it again."""
    run = prompted(conversation)
    run.queued_at = timezone.now() - timedelta(seconds=30)
    happened(run, {"run.queued": run.queued_at})

    def after(seconds: float) -> datetime:
        return run.queued_at + timedelta(seconds=seconds)

    with transaction.atomic():
        for attempt, begun in (1, 1), (2, 19):
            Conversation.lock(conversation.pk).append(
                run.event("run.started", attempt=attempt),
                run.event("block.started", index=0, kind="text"),
                run.event("block.delta", index=0, text="Because"),
            )
            times = {"run.started": begun, "block.started": begun + 3, "block.delta": begun + 5}
            happened(run, {type: after(seconds) for type, seconds in times.items()})
    run.status, run.attempt, run.started_at = "completed", 2, after(1)
    run.first_token_at, run.ended_at = after(22), after(30)
    run.save()
    return run


def test_a_run_that_was_taken_over_shows_each_attempt_and_the_silence_between(oncall, taken_over):
    drawing = picture_of(page(oncall, taken_over))

    assert drawing.get("aria-label") == (
        "queued 1.0 s, thinking 3.0 s, writing 2.0 s, silent 13.0 s, "
        "thinking 3.0 s, writing 8.0 s, completed"
    )
    assert "started again" in [element.text for element in drawing.iter("text")]


def test_what_tools_and_people_took_is_no_speed(taken_over):
    """It waited for a day between two steps of a second each."""
    taken_over.usage, taken_over.ended_at = {"output_tokens": 20}, taken_over.started_at + DAY
    assert taken_over.duration == DAY
    assert taken_over.tokens_per_second
    taken_over.steps, taken_over.worked = 2, 2.0
    assert taken_over.duration == timedelta(seconds=2)
    assert taken_over.tokens_per_second is None


def test_the_table_of_events_runs_forwards(oncall, taken_over):
    html = page(oncall, taken_over)
    times = [float(at) for at in re.findall(r"<td>\+([\d.]+) m?s</td>", html)]
    assert len(times) == 7
    assert times == sorted(times)


def test_a_run_that_was_handed_back_is_queued_twice(oncall, taken_over):
    with transaction.atomic():
        Conversation.lock(taken_over.conversation_id).append(
            taken_over.event("run.queued", attempt=2)
        )
    happened(taken_over, {"run.queued": taken_over.queued_at + timedelta(seconds=26)})
    taken_over.status, taken_over.first_token_at, taken_over.ended_at = "queued", None, None
    taken_over.save()

    drawing = picture_of(page(oncall, taken_over))

    assert "thinking 3.0 s, writing 4.0 s, queued" in drawing.get("aria-label")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_picture_holds_in_languages_with_decimal_commas(
    oncall, conversation, settings, language
):
    settings.LANGUAGE_CODE = language
    settings.USE_THOUSAND_SEPARATOR = True
    run = lived(prompted(conversation), "completed", usage={"output_tokens": 3})

    assert "," not in "".join(rect.get("x") for rect in picture_of(page(oncall, run)).iter("rect"))


def test_a_run_that_has_only_been_queued_has_a_page(oncall, conversation):
    html = page(oncall, prompted(conversation))
    assert "Nothing yet." in html
    assert "run.queued" in html


def test_a_prompt_that_joined_another_answer_leads_to_it(oncall, conversation):
    run, joined = prompted(conversation), prompted(conversation)
    Run.objects.filter(pk=joined.pk).update(status="steered", into=run)
    html = page(oncall, joined)
    assert f'href="{reverse("admin:streams_run_change", args=[run.pk])}"' in html
    assert "Nothing yet." not in html


def test_notes_of_progress_in_a_row_are_one_line_for_each_call():
    now = timezone.now()
    told = [
        log.Moment(now, seq, "tool.progress", {"run": "r", "call_id": id, "text": f"{seq} %"}, 0)
        for seq, id in enumerate(["a", "b", "a", "a"])
    ]
    lines = [(seq, details) for _, seq, details in timeline.told("tool.progress", told)]
    assert lines == [(1, "b × 1: 1 %"), (3, "a × 3: 3 %")]


def test_an_unfinished_answer_is_read_from_the_log(oncall, conversation):
    run = lived(prompted(conversation), "running", worker=WorkerFactory())
    assert "Because of Rayleigh." in page(oncall, run)


def test_what_people_write_is_only_ever_text(oncall, anna):
    conversation = ConversationFactory(owner=anna, title=HOSTILE, system=HOSTILE)
    run = lived(prompted(conversation, HOSTILE), "failed", error_message=HOSTILE)
    conversation.change(None, title=HOSTILE + "2")
    confirm = reverse("admin:streams_run_again", args=[run.pk])
    change = reverse("admin:streams_conversation_change", args=[conversation.pk])

    for html in (
        *(page(oncall, run), listed(oncall), listed(oncall, "conversation")),
        *(listed(oncall, q=HOSTILE), oncall.get(confirm).content.decode()),
        oncall.get(change).content.decode(),
    ):
        assert HOSTILE not in html
    assert "&lt;script&gt;" in page(oncall, run)


def test_a_button_cancels_one_run_after_asking(oncall, conversation):
    run = prompted(conversation)
    url = reverse("admin:streams_run_cancel", args=[run.pk])
    assert url in page(oncall, run)

    assert "Are you sure?" in oncall.get(url).content.decode()
    run.refresh_from_db()
    assert run.status == "queued"

    oncall.post(url)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert url not in page(oncall, run)


def test_a_running_run_is_asked_to_stop_by_the_device_of_the_person_on_call(oncall, conversation):
    run = lived(prompted(conversation), "running", worker=WorkerFactory())

    oncall.post(reverse("admin:streams_run_cancel", args=[run.pk]))

    run.refresh_from_db()
    assert run.status == "running"
    assert run.cancel_requested_at
    assert run.cancelled_by["name"]
    assert "pill-stopping" in page(oncall, run)


def test_an_action_cancels_what_was_selected_after_asking(oncall):
    runs = [prompted(ConversationFactory()) for _ in range(3)]
    url = reverse("admin:streams_run_changelist")
    selected = {"action": "cancel_selected", "_selected_action": [run.pk for run in runs[:2]]}

    assert "This stops 2 answers" in oncall.post(url, selected).content.decode()
    assert not Run.objects.filter(status="cancelled").exists()

    oncall.post(url, selected | {"confirmed": "yes"})
    assert set(Run.objects.filter(status="cancelled")) == set(runs[:2])


def test_run_again_leads_to_the_new_run(oncall, conversation):
    run = lived(prompted(conversation), "failed", error_code="timeout")
    url = reverse("admin:streams_run_again", args=[run.pk])
    assert url in page(oncall, run)

    answer = oncall.post(url)

    new = Run.objects.exclude(pk=run.pk).get()
    assert new.prompt == run.prompt
    assert answer.url == reverse("admin:streams_run_change", args=[new.pk])


def test_a_run_of_a_deleted_conversation_is_told_and_not_a_crash(oncall, conversation):
    run = lived(prompted(conversation), "failed")
    conversation.delete_softly(None)

    answer = oncall.post(reverse("admin:streams_run_again", args=[run.pk]), follow=True)

    assert "isn&#x27;t here" in answer.content.decode()


def test_looking_is_not_changing(client, conversation):
    dora = UserFactory(is_staff=True)
    dora.user_permissions.set(Permission.objects.filter(codename="view_run"))
    client.force_login(dora)
    run = prompted(conversation)
    cancel = reverse("admin:streams_run_cancel", args=[run.pk])

    assert cancel not in page(client, run)
    assert client.post(cancel).status_code == 403
    assert client.post(reverse("admin:streams_run_again", args=[run.pk])).status_code == 403
    client.post(
        reverse("admin:streams_run_changelist"),
        {"action": "cancel_selected", "_selected_action": [run.pk], "confirmed": "yes"},
    )
    run.refresh_from_db()
    assert run.status == "queued"


def test_the_change_permission_alone_may_look_and_cancel(client, conversation):
    emil = UserFactory(is_staff=True)
    emil.user_permissions.set(Permission.objects.filter(codename="change_run"))
    client.force_login(emil)
    run = prompted(conversation)
    client.post(reverse("admin:streams_run_cancel", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == "cancelled"


@pytest.mark.parametrize("model", LISTS)
def test_nothing_is_added_or_edited_by_hand_and_only_what_goes_whole_is_deleted(
    oncall, conversation, model
):
    run = prompted(conversation)
    device = DeviceFactory(user=conversation.owner)
    rows = {"run": run, "conversation": conversation, "device": device, "worker": WorkerFactory()}
    pk = rows[model].pk

    assert oncall.get(reverse(f"admin:streams_{model}_add")).status_code == 403
    change = reverse(f"admin:streams_{model}_change", args=[pk])
    assert 'name="_save"' not in oncall.get(change).content.decode()
    assert oncall.post(change, {"title": "changed"}).status_code == 403
    deleted = oncall.post(reverse(f"admin:streams_{model}_delete", args=[pk])).status_code
    assert deleted == (200 if model in ("conversation", "device") else 403)


def test_workers_are_alive_or_not(oncall):
    long_ago = timezone.now() - timedelta(minutes=1)
    began = long_ago - timedelta(minutes=4)
    WorkerFactory()
    stale = WorkerFactory(started_at=began, beat_at=long_ago)
    stopped = WorkerFactory(started_at=began, beat_at=long_ago, stopped_at=long_ago)

    html = listed(oncall, "worker")
    for state in ("alive", "stale", "stopped"):
        assert f"pill-{state}" in html

    assert html.count("4 min 0 s") == 2  # to the last sign of life

    def delete(worker):
        return oncall.post(
            reverse("admin:streams_worker_delete", args=[worker.pk]), {"post": "yes"}
        )

    assert delete(stale).status_code == 403
    assert delete(stopped).status_code == 302


def test_a_device_shows_what_it_has_open(oncall, conversation, phone):
    DeviceSession.objects.create(device=phone, conversation=conversation, read_seq=7)
    html = oncall.get(reverse("admin:streams_device_change", args=[phone.pk])).content.decode()
    assert str(conversation) in html


@pytest.mark.parametrize("tokens", ["many", {"n": 1}, [1], -5, 10**18, 1.5, True, None])
def test_counts_of_old_rows_may_be_anything(oncall, conversation, tokens):
    """Rows from before what a provider says was checked where it enters."""
    run = lived(prompted(conversation), "completed", usage={"output_tokens": tokens})
    for path in ("", f"{run.pk}/change/"):
        assert oncall.get(f"/admin/streams/run/{path}").status_code == 200


def test_a_call_that_waits_is_decided_on_the_runs_page(oncall, conversation, laptop):
    run = agent_run(conversation, laptop)
    begin(run)
    step(run, 1, ("refund", {"order": 41}), waits=(0,))
    wait(run)
    page = f"/admin/streams/run/{run.pk}/change/"
    html = oncall.get(page).content.decode()
    assert "Calls of tools" in html
    assert 'class="call call-waiting"' in html
    place = reverse("admin:streams_run_decide", args=[run.pk, one(run, "call-1-0").uuid])
    assert place in html
    assert oncall.get(place).status_code == 405
    oncall.post(place, {"decision": "denied"})
    assert one(run, "call-1-0").status == "denied"
    assert place not in oncall.get(page).content.decode()
