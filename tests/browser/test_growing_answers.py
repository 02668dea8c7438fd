"""A growing answer never jumps on a slow network: every frame is examined."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from streams.providers.demo_text import ANSWER
from tests.processes import WorkerProcess, eventually
from tests.sample_files import png
from tests.views.answers import append, begin, complete, say

# What models write, with the marks that change their meaning when more arrives.
EVERYTHING = """\
Some **bold, and *nested*, words** with `code_of * this`, a [link](https://example.org/a_b) and \
snake_case, 2 * 3 and 5*4, [1] and an ending “!”
A second line of the paragraph, \\*escaped\\*.
如**“何”**是。**注意：**正文前**（测试）**后**不变。**源，见 https://example.com/a，_b_ and ~~c~~.

It costs $5 or **$4**: \\(x_{1} + y_{2}\\) and $$a_{1} * b_{1} * c$$ in $HOME, 5*4 or a_b.
\\[
a_{1}
+ b_{1}
\\]

## A heading with `code`

Text right below it — **Bold:** more.

- **First:** a *point*
- second
  - nested `one`
  - nested two

  Still the second.
3 apples are no list.

1. ```python
   x = {"a": "**b**"}  # no heading
   | no table |
   - no list

   ```
2. Then more.

Text after the list.

| a | b |
|:--|--:|
| `x` | **y** |
| 1 | 2 |

Text below the table, which belongs to no cell.

```
~~~
## code
```

> Quoted **words**
> and more.

<details>
<summary>More **of it**</summary>

Folded, and

- an item

</details>

---

~~~markdown
```
- inner
```
~~~
2024 was **the** end.
"""

# Every /render takes 200 ms there and 200 ms back, and the second is lost.
SLOW = """
const real = window.fetch, away = () => new Promise((done) => setTimeout(done, 200));
window.asked = 0;
window.fetch = async (url, options) => {
  if (!url.endsWith("/render")) return real(url, options);
  const lost = ++asked === 2;
  await away();
  if (lost) throw new TypeError("lost");
  const answer = await real(url, options);
  await away();
  return answer;
};
"""
WATCH = """
window.frames_ = [];
const look = () => {
  requestAnimationFrame(look);
  const block = document.querySelector(".block.text");
  if (block) window.frames_.push({
    at: performance.now(),
    text: block.textContent.replace(/\\s+/g, ""),
    height: block.offsetHeight,
    state: block.closest(".answer").dataset.state,
    growing: block.querySelector(".open").hasChildNodes(),
  });
};
requestAnimationFrame(look);
"""
LINE = 28


def test_a_slow_network_shows_no_marks_and_takes_nothing_back(
    open_as, spawn, laptop, conversation, here
):
    conversation.change(laptop, model="scripted:echo@100")
    spawn(WorkerProcess)
    conversation.refresh_from_db()
    page = open_as(laptop, here)
    page.context.add_init_script(SLOW + WATCH)
    page.reload()
    conversation.post(EVERYTHING + ANSWER.format(said="Go on"), laptop)
    expect(page.locator(".answer")).to_have_attribute("data-state", "completed", timeout=30_000)
    expect(page.locator(".open > *")).to_have_count(0)
    page.wait_for_function("frames_.some(it => it.state === 'completed' && !it.growing)")
    frames = page.evaluate("frames_")
    whole = frames[-1]["text"]
    assert {it["text"] for it in frames if not whole.startswith(it["text"])} == set()
    heights = [it["height"] for it in frames]
    fallen = [a - b for a, b in pairwise(heights)]
    assert max(fallen) <= LINE
    ended = next(it["at"] for it in frames if it["state"] == "completed")
    final = next(it["at"] for it in frames if it["state"] == "completed" and not it["growing"])
    assert final - ended < 2000


def test_what_is_plain_is_drawn_before_the_server_has_answered(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    page.route("**/render", lambda route: None)
    say(run, "Some **bo", end=False)
    expect(page.locator(".open p strong")).to_have_text("bo")
    rest = (
        "ld** and\nmore.\n## Head\n- on",
        "e\n- `two`\n\n```py",
        "thon\nx = 1\n",
        "``",
        "`\nBe",
        "low",
    )
    append(run, *[run.event("block.delta", index=0, text=text) for text in rest])
    expect(page.locator(".open p")).to_have_text(["Some bold and more.", "Below"])
    expect(page.locator(".open h2")).to_have_text("Head")
    expect(page.locator(".open ul > li")).to_have_text(["one", "two"])
    expect(page.locator(".open .code-bar span")).to_have_text("python")
    assert page.locator(".open pre code").text_content() == "x = 1"
    append(run, run.event("block.delta", index=0, text=".\n\n| a | b"))
    expect(page.locator(".open p").last).to_have_text("Below.")
    expect(page.locator(".fresh")).to_have_count(1)


def test_a_request_that_hangs_holds_nobody_up(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    asked = []
    page.evaluate(
        "AbortSignal.timeout = ((real) => () => real.call(AbortSignal, 300))(AbortSignal.timeout)"
    )
    page.route("**/render", lambda route: asked.append(1) if len(asked) < 2 else route.continue_())
    say(run, "| a |\n|---|\n| 1 |\n", kind="reasoning", end=False)
    page.wait_for_event("requestfailed", lambda it: it.url.endswith("/render"))  # it was given up
    say(run, "**Ended** while nobody answers", index=1)
    expect(page.locator(".block.text .closed strong")).to_have_text("Ended")
    expect(page.locator(".thoughts td")).to_have_count(1)
    open_as.expected.append("net::ERR")


HOLD = """
window.held = [];
window.requestAnimationFrame = (step) => (held.push(step), -1);
void 0;
"""


def test_what_the_server_has_formatted_before_a_frame_came_is_drawn_once(
    open_as, laptop, conversation, here
):
    """A tab behind another gets no frames for as long as it is there."""
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    asked = []
    page.route("**/render", lambda route: asked.append(route) if not asked else route.continue_())
    say(run, "one ", end=False)
    eventually(lambda: (page.wait_for_timeout(20), asked)[1])
    append(run, run.event("block.delta", index=0, text="two "))
    expect(page.locator(".fresh")).to_have_text("one two")
    page.evaluate(HOLD)
    append(run, run.event("block.delta", index=0, text="three "))
    eventually(lambda: page.evaluate("held.length"))
    asked[0].continue_()
    expect(page.locator(".open p")).to_have_text("one two three")
    page.evaluate("held.splice(0).forEach((step) => step(performance.now()))")
    assert page.locator(".open p").inner_text().strip() == "one two three"


@pytest.mark.parametrize(
    ("body", "ended"), [("<h1>Welcome to the train</h1>", False), ('{"closed": "<p>o', True)]
)
def test_an_answer_that_is_not_ours_or_not_whole_is_asked_for_again(
    open_as, laptop, conversation, here, body, ended
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    asked = []
    page.route(
        "**/render",
        lambda route: asked.append(route.fulfill(body=body)) if not asked else route.continue_(),
    )
    with page.expect_response("**/render"):
        say(run, "**one** and two ", end=ended)
    expect(page.locator(".block strong")).to_have_text("one")
    expect(page.locator(".blocks")).to_have_text("one and two")


def test_a_refusal_that_comes_after_the_end_draws_nothing(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    open_as.expected.append("422")
    asked = []
    page.route("**/render", lambda route: asked.append(route) if not asked else route.continue_())
    say(run, "one two ", end=False)
    eventually(lambda: (page.wait_for_timeout(20), asked)[1])
    append(run, run.event("block.delta", index=0, text="three"), run.event("block.ended", index=0))
    expect(page.locator(".closed p")).to_have_text("one two three")
    say(run, "four ", index=1, end=False)
    # What grows is asked about one after the other: the refusal was seen before the next.
    with page.expect_request(lambda it: it.post_data == '{"text":"four ","ended":false}'):
        asked[0].fulfill(status=422, json={"error": {"code": "x", "message": "no"}})
    expect(page.locator(".block").first).to_have_text("one two three")


def test_carriage_returns_survive_a_reload(open_as, laptop, conversation, here):
    """The browser's parser makes line feeds of them, and so fewer letters."""
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "".join(f"w{i}\r\n\r\n" for i in range(20)) + "w20 w21", end=False)
    page = open_as(laptop, here)
    append(run, run.event("block.delta", index=0, text=" w22\r\n\r\nw23"))
    append(run, run.event("block.ended", index=0))
    complete(run)
    expect(page.locator(".closed p")).to_have_text(
        [*(f"w{i}" for i in range(20)), "w20 w21 w22", "w23"]
    )


LATE = """
const real = fetch;
window.late = [];
window.fetch = async (...asked) => {
  const answer = await real(...asked);
  if (asked[0].endsWith("/render") && !late.gone) await new Promise((go) => late.push(go));
  return answer;
};
"""


def test_an_earlier_block_may_go_on_after_a_reload(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "one ", end=False)
    say(run, "other ", index=1, end=False)
    page = open_as(laptop, here)
    page.add_init_script(LATE)
    page.reload()
    eventually(lambda: page.evaluate("late.length"))
    append(run, run.event("block.delta", index=0, text="two"))
    expect(page.locator(".block").first).to_contain_text("two")
    page.evaluate("late.gone = true; late.splice(0).forEach((go) => go()); void 0")
    append(run, run.event("block.ended", index=0), run.event("block.ended", index=1))
    complete(run)
    expect(page.locator(".closed p")).to_have_text(["one two", "other"])


BELOW = "document.documentElement.scrollHeight - innerHeight - scrollY"


def test_an_answer_that_is_there_at_once_ends_at_its_end(open_as, laptop, conversation, here):
    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute("data-connection", "live")
    run = conversation.post("Quick", laptop)[1]
    begin(run)
    say(run, ANSWER * 3)
    complete(run)
    expect(page.locator(".closed > p").last).to_contain_text("or ask something else.")
    eventually(lambda: page.evaluate(BELOW) < 2, within=5)
    expect(page.get_by_role("button", name="Jump to the newest")).to_be_hidden()


def test_a_fold_opens_where_it_stands(open_as, laptop, conversation, here):
    run = conversation.post("Think", laptop)[1]
    begin(run)
    say(run, "A thought.\n\n" * 60, kind="reasoning")
    say(run, "A paragraph.\n\n" * 30, index=1)
    complete(run)
    page = open_as(laptop, here, viewport={"width": 1280, "height": 1600})
    fold = page.get_by_text("Thoughts")
    before = fold.bounding_box()["y"]
    fold.click()
    jump = page.get_by_role("button", name="Jump to the newest")
    expect(jump).to_be_visible()
    assert fold.bounding_box()["y"] == before
    jump.click()
    expect(jump).to_be_hidden()
    eventually(lambda: page.evaluate(BELOW) < 2)


IMAGE = "https://images.example.com/tea.png"
IMAGES = f"![Tea]({IMAGE}) and ![Coffee]({IMAGE}?missing)"


def test_a_fold_stays_as_its_reader_has_it_and_an_image_waits_to_be_asked_for(
    open_as, laptop, conversation, here
):
    run = conversation.post("Fold", laptop)[1]
    begin(run)
    say(run, "<details>\n<summary>One</summary>\n\nFirst.\n\n", end=False)
    page = open_as(laptop, here)
    page.get_by_text("One", exact=True).click()
    expect(page.get_by_text("First.")).to_be_visible()
    say(
        run,
        "Second.\n</details>\n\n<details>\n<summary>Two</summary>\n\nThird.\n\n",
        start=False,
        end=False,
    )
    expect(page.get_by_text("Two", exact=True)).to_be_visible()
    expect(page.get_by_text("Second.")).to_be_visible()
    expect(page.get_by_text("Third.")).to_be_hidden()
    say(run, f"</details>\n\n{IMAGES}", start=False, end=False)

    open_as.expected.append("404")
    asked = serve_images(page)
    page.get_by_role("button", name="Show image").first.press("Enter")
    expect(page.get_by_role("img", name="Tea")).to_be_visible()
    expect(page.get_by_role("link", name="Tea")).to_be_focused()
    page.get_by_role("button", name="Show image").press("Enter")
    failed = page.get_by_role("button", name="The image cannot be loaded")
    expect(failed).to_be_focused()
    expect(page.locator("#streams-announcer")).to_have_text("The image cannot be loaded")
    say(run, " go on", start=False, end=False)
    expect(page.locator(".open")).to_contain_text("go on")
    expect(page.get_by_role("img", name="Tea")).to_be_visible()
    expect(failed).to_be_focused()
    say(run, " to the end.", start=False)
    complete(run)
    expect(page.locator(".answer")).to_have_attribute("data-state", "completed")
    expect(page.locator(".open > *")).to_have_count(0)
    expect(page.get_by_text("Second.")).to_be_visible()
    expect(page.get_by_text("Third.")).to_be_hidden()
    expect(page.get_by_role("img", name="Tea")).to_be_visible()
    expect(failed).to_be_visible()
    assert [each.headers.get("referer") for each in asked] == [None, None]


def serve_images(page):
    """Returns the requests for images from elsewhere, as they come."""
    asked = []

    def serve(route):
        asked.append(route.request)
        if "missing" in route.request.url:
            route.fulfill(status=404)
        else:
            route.fulfill(body=png(4, 3), content_type="image/png")

    page.route("https://images.example.com/**", serve)
    return asked


LISTED = "".join(f"line {number} of what is long\n" for number in range(5000))  # 130,000


def words(page):
    """Returns the words of the answer itself."""
    return page.locator(".answer .prose").inner_text().split()


def test_code_longer_than_is_formatted_while_it_grows(open_as, laptop, conversation, here):
    run = conversation.post("Long", laptop)[1]
    begin(run)
    say(run, "```text\n", LISTED[:60_000], end=False)
    page = open_as(laptop, here)
    page.on("response", lambda it: it.status == 413 and refused.append(it))
    refused = []
    open_as.expected.append("413")
    code = page.locator(".prose code")
    for at in range(60_000, len(LISTED), 10_000):
        say(run, LISTED[at : at + 10_000], start=False, end=False)
        eventually(lambda at=at: code.text_content().strip() == LISTED[: at + 10_000].strip())
    eventually(lambda: refused or page.wait_for_timeout(10))
    say(run, "last\n```\n\nBehind **it**.\n\n| a |\n|---|\n| b |\n", start=False, end=False)
    expect(page.locator(".answer strong")).to_have_text("it")
    assert code.text_content() == LISTED + "last"
    say(run, start=False)
    complete(run)
    expect(page.locator(".closed td")).to_have_text("b")
    expect(code).to_have_count(1)
    assert code.text_content().rstrip() == LISTED + "last"
    settled = words(page)
    page.reload()
    assert words(page) == settled


def test_a_quote_longer_than_is_formatted_while_it_grows(open_as, laptop, conversation, here):
    open_as.expected.append("413")
    run = conversation.post("Long", laptop)[1]
    begin(run)
    page = open_as(laptop, here)
    quote = "> " + LISTED.replace("\n", "\n> ")
    say(run, quote, end=False)
    expect(page.locator(".raw")).to_contain_text("line 4999")
    say(run, "and more", start=False, end=False)
    expect(page.locator(".raw")).to_contain_text("and more")
    say(run, start=False)
    complete(run)
    expect(page.locator(".closed blockquote")).to_contain_text("and more")
    expect(page.locator(".raw")).to_have_count(0)


def test_code_with_fences_inside_goes_on_after_a_reload(open_as, laptop, conversation, here):
    open_as.expected.append("net::ERR")
    run = conversation.post("Markdown", laptop)[1]
    begin(run)
    say(run, "````markdown\n```python\nx = 1\n", end=False)
    page = open_as(laptop, here)
    page.route("**/render", lambda route: route.abort())
    say(run, "```\nstill code\n", "````\n\nAfter **it**", start=False, end=False)
    expect(page.locator(".answer p strong")).to_have_text("it")
    assert page.locator(".prose code").text_content() == "```python\nx = 1\n```\nstill code"
