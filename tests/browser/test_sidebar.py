"""The list of conversations: its scroll position, its further pages and the archive."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from streams.models import Conversation
from tests.factories import ConversationFactory
from tests.processes import eventually
from tests.views.answers import append, begin, complete, fail, say

LIVE = ("data-connection", "live")
DESK = {"viewport": {"width": 1280, "height": 700}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOP = "document.querySelector('.shelf-list').scrollTop"
NAMES = "[...document.querySelectorAll('#streams-shelf-lines .name')].map((it) => it.textContent)"


def line(page, conversation):
    return page.locator(f'.shelf [data-conversation="{conversation.uuid}"]')


@pytest.fixture
def many(anna):
    """Sixty of them, the newest first: ten more than a page of the list."""
    now = timezone.now()
    return [
        ConversationFactory(owner=anna, title=f"No. {n}", updated_at=now - timezone.timedelta(n))
        for n in range(60)
    ]


def test_older_ones_come_below_and_the_list_keeps_its_place(open_as, laptop, many):
    page = open_as(laptop, f"/c/{many[30].uuid}/", **DESK)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    expect(line(page, many[30])).to_be_in_viewport()
    page.get_by_role("link", name="Older", exact=True).click()
    expect(line(page, many[59])).to_be_attached()
    expect(page.get_by_role("link", name="Older", exact=True)).to_have_count(0)
    expect(line(page, many[50])).to_be_focused()
    assert page.evaluate(NAMES) == [f"No. {n}" for n in range(60)]
    assert page.url.endswith(f"/c/{many[30].uuid}/"), "it is the conversation still"
    line(page, many[55]).scroll_into_view_if_needed()
    top = page.evaluate(TOP)
    line(page, many[55]).click()
    page.wait_for_url(f"**/c/{many[55].uuid}/")
    expect(line(page, many[59])).to_be_attached()
    eventually(lambda: abs(page.evaluate(TOP) - top) < 2)
    expect(line(page, many[55])).to_have_attribute("aria-current", "page")
    expect(line(page, many[55])).to_be_in_viewport()
    # Nor does what the feed tells of the first page take the others away.
    many[3].post("Once more", laptop)
    expect(page.locator("#streams-shelf-lines .name").first).to_have_text("No. 3")
    many[4].delete_softly(laptop)
    expect(line(page, many[4])).to_have_count(0)
    expect(line(page, many[59])).to_be_attached()
    assert page.evaluate("document.querySelectorAll('#streams-shelf-lines li').length") == 59
    # One that waits is in the feed however old it is: once it has gone from there, it has gone.
    Conversation.objects.filter(pk=many[57].pk).update(undecided=1)
    Conversation.objects.get(pk=many[58].pk).change(laptop, title="News")
    expect(page.locator("#streams-shelf-lines .name").first).to_have_text("No. 57")
    Conversation.objects.get(pk=many[57].pk).delete_softly(laptop)
    expect(line(page, many[57])).to_have_count(0)


def test_an_old_conversation_is_in_the_list_of_its_own_page(open_as, laptop, many):
    page = open_as(laptop, f"/c/{many[58].uuid}/", **DESK)
    current = page.locator("#streams-shelf-lines [aria-current] .name")
    expect(current).to_have_text("No. 58")
    expect(page.locator("main")).to_have_attribute(*LIVE)
    ConversationFactory(owner=laptop.user, title="New").post("Hi", laptop)
    expect(page.locator("#streams-shelf-lines .name").first).to_have_text("New")
    expect(current).to_have_count(1)
    expect(current).to_be_in_viewport()
    many[58].post("Again", laptop)
    expect(page.locator("#streams-shelf-lines .name").first).to_have_text("No. 58")
    expect(page.locator("#streams-shelf-lines .name", has_text="No. 58")).to_have_count(1)


def test_a_click_leaves_the_list_where_it_stood(open_as, laptop, many):
    page = open_as(laptop, f"/c/{many[0].uuid}/", **DESK)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    for n in (20, 24, 18):
        line(page, many[n]).scroll_into_view_if_needed()
        top = page.evaluate(TOP)
        line(page, many[n]).click()
        page.wait_for_url(f"**/c/{many[n].uuid}/")
        expect(page.locator("main")).to_have_attribute(*LIVE)
        assert page.evaluate(TOP) == top


def test_without_javascript_older_ones_are_beside_the_same_page(open_as, laptop, many):
    page = open_as(laptop, f"/c/{many[2].uuid}/", java_script_enabled=False, **DESK)
    page.get_by_role("link", name="Older", exact=True).click()
    expect(page).to_have_title("No. 2 · chatstream")
    expect(line(page, many[59])).to_be_visible()
    expect(page.locator("#streams-shelf-lines [aria-current] .name")).to_have_text("No. 2")


def test_older_ones_that_come_before_the_feed_take_nothing_away(open_as, laptop, many):
    page = open_as(laptop, f"/c/{many[2].uuid}/", **DESK)
    page.route("**/events*", lambda route: None)
    page.reload()
    page.get_by_role("link", name="Older", exact=True).click()
    expect(line(page, many[59])).to_be_attached()
    assert page.evaluate(NAMES) == [f"No. {n}" for n in range(60)]


@pytest.mark.parametrize("scripts", [True, False])
def test_archived_ones_have_a_place_and_a_way_back(open_as, laptop, conversation, here, scripts):
    conversation.change(laptop, title="Put away")
    page = open_as(laptop, here, java_script_enabled=scripts, **DESK)
    page.get_by_role("button", name="Settings").click()
    for words in ("Markdown", "JSON"):
        way = page.get_by_role("link", name=f"Export as {words}")
        expect(way).to_have_attribute("href", f"{here}export?as={words.lower()}")
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("This conversation is archived.")).to_be_visible()
    expect(page.locator("#streams-shelf-lines h2")).to_have_text(["Archived"])
    page.get_by_role("link", name="New", exact=True).click()
    expect(line(page, conversation)).to_have_count(0)
    page.get_by_role("link", name="Archived").click()
    expect(page.get_by_role("heading", name="Archived", exact=True, level=1)).to_be_visible()
    page.get_by_role("link", name="Put away").click()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_text("This conversation is archived.")).to_be_hidden()
    expect(line(page, conversation)).to_be_visible()
    conversation.change(laptop, archived_at=timezone.now())
    page.goto("/c/?archived=true")
    page.get_by_role("button", name="Put Put away back").click()
    expect(page.get_by_text("This conversation is archived.")).to_be_hidden()
    expect(line(page, conversation)).to_be_visible()


def test_archiving_is_seen_on_the_other_device(open_as, laptop, phone, conversation, here, many):
    page = open_as(laptop, here, **DESK)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    Conversation.objects.get(pk=conversation.pk).change(phone, archived_at=timezone.now())
    expect(page.get_by_text("This conversation is archived.")).to_be_visible()
    expect(page.locator("#streams-shelf-lines h2").last).to_have_text("Archived")
    expect(line(page, conversation)).to_be_attached()
    Conversation.objects.get(pk=conversation.pk).change(phone, archived_at=None)
    expect(page.get_by_text("This conversation is archived.")).to_be_hidden()
    expect(page.locator("#streams-shelf-lines h2", has_text="Archived")).to_have_count(0)
    expect(line(page, conversation)).to_be_attached()


def test_a_failure_elsewhere_is_no_unread_success(open_as, laptop, phone, conversation, here):
    other = ConversationFactory(owner=laptop.user, title="Elsewhere")
    page = open_as(laptop, here, **DESK)
    for ending, words in ((complete, "Unread"), (fail, "Failed"), (complete, "Unread")):
        run = other.post("Hi", phone)[1]
        begin(run)
        say(run, "Some words")
        expect(line(page, other)).to_have_attribute("data-running", "")
        ending(run)
        expect(line(page, other)).not_to_have_attribute("data-running", "")
        expect(line(page, other)).to_have_class("unread")
        expect(line(page, other)).to_have_accessible_name(f"Elsewhere {words}")
        expect(line(page, other).locator(".fault")).to_be_visible(visible=ending is fail)
        page.reload()  # the server draws the same
        expect(line(page, other)).to_have_accessible_name(f"Elsewhere {words}")
    fail(other.post("Hi", phone)[1])
    page.goto(f"/c/{other.uuid}/")
    expect(page.locator("main")).to_have_attribute(*LIVE)
    page.goto(here)
    expect(line(page, other).locator(".fault")).to_be_hidden()


def test_own_colours_leave_every_mark_visible(open_as, laptop, phone, conversation, here):
    """A high-contrast theme paints every background in its one colour."""
    other = ConversationFactory(owner=laptop.user, title="Elsewhere")
    begin(other.post("Hi", phone)[1])
    run = conversation.post("Hi", laptop)[1]
    begin(run)
    say(run, "A *caret", end=False)
    page = open_as(laptop, here, forced_colors="active", **DESK)
    append(run, run.event("block.delta", index=0, text=" follows"))
    expect(page.locator(".fresh")).to_be_visible()
    marks = {
        "the dot of another": (line(page, other).locator(".dot"), None),
        "the caret": (page.locator(".fresh").last, "::after"),
    }
    around = page.locator("body").evaluate("(it) => getComputedStyle(it).backgroundColor")
    for name, (mark, part) in marks.items():
        colour = mark.evaluate("(it, part) => getComputedStyle(it, part).backgroundColor", part)
        assert colour not in (around, "rgba(0, 0, 0, 0)"), name
    current = line(page, conversation)
    assert current.evaluate("(it) => getComputedStyle(it).backgroundColor") != around
    behind = current.evaluate("(it) => getComputedStyle(it).backgroundColor")
    dot = current.locator(".dot").evaluate("(it) => getComputedStyle(it).backgroundColor")
    assert dot not in (behind, "rgba(0, 0, 0, 0)")


def test_a_phone_has_older_ones_in_its_sheet(open_as, phone, many):
    page = open_as(phone, "/c/", **PHONE)
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("link", name="Older", exact=True).click()
    expect(line(page, many[50])).to_be_in_viewport()
    expect(page.locator("#streams-shelf")).to_be_visible()
    page.keyboard.press("Escape")
    # What waits for its person says so outside of the closed list, and not on its own page.
    opener = page.locator(".shelf-button")
    expect(opener).to_have_accessible_name("Conversations")
    many[2].post("Hi", phone)
    Conversation.objects.filter(pk=many[2].pk).update(undecided=1)
    many[3].post("Hi", phone)
    expect(opener).to_have_accessible_name("Conversations One needs your decision")
    expect(opener.locator(".shelf-asks")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.goto(f"/c/{many[3].uuid}/")  # the server draws the same
    expect(opener).to_have_accessible_name("Conversations One needs your decision")
    page.goto(f"/c/{many[2].uuid}/")
    expect(line(page, many[2])).to_have_attribute("data-waiting", "")
    expect(opener).to_have_accessible_name("Conversations")


def test_a_row_has_a_menu_and_what_it_does_is_seen_everywhere(
    open_as, laptop, phone, conversation, here, many
):
    one = open_as(laptop, here, **DESK)
    two = open_as(phone, f"/c/{many[1].uuid}/", **DESK)
    expect(two.locator("main")).to_have_attribute(*LIVE)
    menu = one.get_by_role("dialog", name="More")

    def choose(name):
        row = one.locator(f'[data-line="{many[7].uuid}"]')
        row.get_by_role("link", name="More").click()
        expect(menu).to_be_visible()
        menu.get_by_role("button", name=name, exact=True).click()

    choose("Pin")
    for page in (one, two):
        expect(page.locator("#streams-shelf-lines h2").first).to_have_text("Pinned")
        expect(page.locator("#streams-shelf-lines .name").first).to_have_text("No. 7")
    expect(one.locator(":focus")).to_have_attribute("href", f"/c/{many[7].uuid}/actions")
    one.keyboard.press("Enter")
    menu.get_by_label("Rename").fill("Renamed")
    one.keyboard.press("Enter")
    for page in (one, two):
        expect(line(page, many[7]).locator(".name")).to_have_text("Renamed")
    assert Axe().run(one).response["violations"] == []
    two.reload()
    expect(two.locator("#streams-shelf-lines h2").first).to_have_text("Pinned")
    choose("Unpin")
    expect(two.locator("#streams-shelf-lines h2", has_text="Pinned")).to_have_count(0)
    choose("Delete…")
    menu.get_by_role("button", name="Delete on all devices?").click()
    for page in (one, two):
        expect(line(page, many[7])).to_have_count(0)
    one.get_by_role("button", name="Undo").click()
    for page in (one, two):
        expect(line(page, many[7])).to_be_attached()
    choose("Archive")
    for page in (one, two):
        expect(line(page, many[7])).to_have_count(0)
    many[2].post("Hi", phone)
    Conversation.objects.filter(pk=many[2].pk).update(undecided=1)
    many[3].post("Hi", phone)
    for page in (one, two):
        expect(page.locator("#streams-shelf-lines h2").first).to_have_text("Now")
        expect(line(page, many[2])).to_have_accessible_name("No. 2 Needs you Unread")
        expect(page.locator("#streams-shelf-lines .name").first).to_have_text("No. 2")
