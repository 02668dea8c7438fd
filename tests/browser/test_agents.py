"""A run with tools on the page: lines, cards that wait, folds, and prompts that join."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from streams.models import Run
from tests.processes import eventually
from tests.views.agent_answers import agent_run, done, one, steered, step, wait, works
from tests.views.answers import begin, complete, say

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
SHOWN = """() => [...document.querySelectorAll('.transcript .answer')].map((answer) => {
  const copy = answer.querySelector('.blocks').cloneNode(true);
  for (const it of copy.querySelectorAll('[name=csrfmiddlewaretoken], [hidden]')) it.remove();
  for (const it of copy.querySelectorAll('details')) it.open = false;
  return answer.dataset.state + ' ' + copy.innerText.replace(/\\s+/g, ' ')
    + [...copy.querySelectorAll('form')].map((form) => new URL(form.action).pathname).join();
})"""
REFUND = {"order": 41, "reason": "It came broken:\n“in two”", "amount": 12345678901234567890.10}


def same_after_a_reload(page):
    """What was written last may still be on its way to the page, which another tab tells."""
    tab = page.context.new_page()
    tab.goto(page.url)

    def same():
        assert page.evaluate(SHOWN) == tab.evaluate(SHOWN)
        return True

    eventually(same)
    page.reload()
    eventually(same)
    tab.close()


def test_a_call_is_a_line_waits_as_a_card_and_is_decided_on_any_device(
    open_as, laptop, phone, conversation, here
):
    run = agent_run(conversation, laptop)
    begin(run)
    page, other = open_as(laptop, here), open_as(phone, here, **PHONE)
    step(run, 1, ("find_order", {"order": 41}), says="I look first.")
    line = page.locator(".call").first
    expect(line.locator(".call-words")).to_have_text("Looking up order 41 …")
    works(run, "call-1-0", "Page 2 of 3")
    expect(line.locator(".progress")).to_have_text("Page 2 of 3")
    expect(page.locator(".answer")).to_have_attribute("data-state", "streaming")
    done(run, "call-1-0", "Order 41: a lamp, 41.00")
    expect(line.locator("summary")).to_have_text("Looked up order 41 1.2 s")
    expect(page.locator(".answer")).to_have_attribute("data-state", "thinking")
    expect(line.locator(".result")).to_be_hidden()
    line.locator("summary").click()
    expect(line.locator(".result")).to_have_text("Order 41: a lamp, 41.00")
    same_after_a_reload(page)

    step(run, 2, ("refund", REFUND), ("refund", {"order": 42}), waits=(0, 1))
    wait(run)
    for each in (page, other):
        card = each.locator(".call[data-status=waiting]").first
        expect(card.locator("dd")).to_have_text(["41", REFUND["reason"], "1.2345678901234567e+19"])
        expect(card.locator("summary")).to_have_text("Refund order 41")
        expect(each.locator(".answer")).to_have_attribute("data-state", "asking")
        expect(each).to_have_title("(1) Refund order 41 · chatstream")
    same_after_a_reload(page)
    violations = Axe().run(other).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations] == []
    assert other.evaluate("document.documentElement.scrollWidth") == 390

    card = other.locator(".call[data-status=waiting]").first
    card.get_by_label("Note").fill("This once")
    card.get_by_label("Note").press("Enter")
    assert one(run, "call-2-0").status == "waiting", "Enter in a note decides nothing"
    card.get_by_label("Note").fill("This once")
    card.get_by_role("button", name="Approve").click()
    expect(page.locator(".call").nth(1).locator(".decided")).to_have_text(
        "Approved by Phone: “This once”"
    )
    expect(other.locator(".call").nth(1).locator(".decided")).to_have_text("Approved: “This once”")
    page.locator(".call[data-status=waiting]").get_by_role("button", name="Deny").click()
    expect(other.locator(".call").nth(2).locator(".decided")).to_have_text("Denied by Laptop")
    eventually(lambda: Run.objects.get(pk=run.pk).status == "queued")
    same_after_a_reload(page)
    expect(page).to_have_title("Refund order 41 · chatstream")


def test_a_long_run_folds_its_steps_takes_a_prompt_in_and_says_what_it_does_not_know(
    open_as, laptop, conversation, here
):
    conversation.change(laptop, on_busy="steer")
    run = agent_run(conversation, laptop)
    begin(run)
    page = open_as(laptop, here)
    expect(page.locator(".next")).to_have_text("Send into this answer")
    for number in range(1, 7):
        step(run, number, ("find_order", {"order": number}), says=f"Step {number}.")
        done(run, f"call-{number}-0")
        if number == 3:
            other = run.conversation.post("And order 99", laptop)[1]
            joins = "Joins the answer above with its next step, or follows it"
            expect(page.locator(".ahead:visible")).to_have_text(joins)
            same_after_a_reload(page)
            expect(page.locator(".ahead:visible")).to_have_text(joins)
            steered(run, other)
            expect(page.locator(".blocks > .prompt .said")).to_have_text("And order 99")
    expect(page.locator(".work > summary")).to_have_text(["3 steps"])
    same_after_a_reload(page)
    step(run, 7, ("refund", {"order": 7}))
    done(run, "call-7-0", "Nobody knows.", status="unknown")
    say(run, "Look yourself.", index=14)
    complete(run)
    expect(page.locator(".work > summary")).to_have_text(["3 steps", "4 steps"])
    unknown = page.locator(".call[data-status=unknown]")
    expect(unknown.get_by_role("button", name="Run it again")).to_be_visible()
    same_after_a_reload(page)
    expect(page.locator(".work").first.locator(".call").first).to_be_hidden()
    expect(unknown).to_be_visible()
    unknown.get_by_role("button", name="Run it again").click()
    expect(page.locator(".prompt .said").last).to_have_text("Run refund again")
    assert Run.objects.latest("pk").repeats == one(run, "call-7-0")


def test_without_javascript_a_card_is_a_form(open_as, laptop, conversation, here):
    run = agent_run(conversation, laptop)
    begin(run)
    step(run, 1, ("refund", REFUND), waits=(0,))
    wait(run)
    page = open_as(laptop, here, java_script_enabled=False)
    expect(page).to_have_title("(1) Refund order 41 · chatstream")
    page.get_by_label("Note").fill("No: ask first")
    page.get_by_role("button", name="Deny").click()
    expect(page.locator(".decided")).to_have_text("Denied: “No: ask first”")
    assert one(run, "call-1-0").status == "denied"
