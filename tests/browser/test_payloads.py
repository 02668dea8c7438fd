"""Published payloads through a real browser, live and after a reload: nothing runs.

What the server makes of them is in tests/test_hostile_text.py.
"""

from __future__ import annotations

from playwright.sync_api import expect

from streams.text_cleaning import clean
from tests.views.answers import begin, complete, say
from tests.xss_payloads import CORPUS

ALARM = "window.ranAt = []; window.ran = () => window.ranAt.push(document.body.className || 'x')"
ALIEN = ".transcript :is(script, iframe, img, object, embed, form form)"
POKE = """() => document.querySelectorAll('.transcript *').forEach((it) => {
  for (const type of ['mouseover', 'focus', 'toggle', 'load', 'error', 'animationstart'])
    it.dispatchEvent(new Event(type, {bubbles: true}));
})"""


def test_nothing_a_model_or_a_person_wrote_runs_live_or_after_a_reload(
    open_as, laptop, conversation, here
):
    page = open_as(laptop, here)
    page.context.add_init_script(ALARM)
    page.reload()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    conversation.change(laptop, title=clean(CORPUS[0]))
    _, run, _ = conversation.post(clean("\n".join(CORPUS)), laptop)
    begin(run)
    say(run, *(f"{clean(payload)}\n\n" for payload in CORPUS))
    say(run, *(clean(payload) for payload in CORPUS), index=1, kind="reasoning")
    say(run, "The end.", index=2)
    complete(run)
    expect(page.locator(".answer").last).to_have_attribute("data-state", "completed")
    expect(page.locator(".answer").last).to_contain_text("The end.")
    for moment in ("live", "after a reload"):
        page.evaluate(POKE)
        assert page.evaluate("window.ranAt") == [], moment
        assert page.locator(ALIEN).count() == 0
        page.reload()
        expect(page.locator(".answer").last).to_contain_text("The end.")
    assert dialogs == []
