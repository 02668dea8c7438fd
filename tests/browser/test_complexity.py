"""Text made to take long holds a page up in proportion to its length."""

from __future__ import annotations

from tests.complexity import is_linear

PIECES = [
    "![", "[", "[a](", "$a", '[a](b "', "<http://", "<h", "*", "**a ", "_a_ ", "~~", "`", "``a` ",
    "\\", "\\(", "$$", "a\n", "# ", "- a\n", "中**", "\\[\n",
]  # fmt: skip
MOST = 48_000
SHORT = 0.05  # seconds of the page's thread: it stutters, and no more
DRAW = """async ([piece, size]) => {
  const { cleanLength, InlineText } = await import("/static/streams/js/inline_text.js");
  const text = piece.repeat(size / piece.length);
  new InlineText(document.createElement("p")).add(text);
  cleanLength(text);
}"""


def test_what_grows_is_drawn_in_proportion(open_as, laptop):
    page = open_as(laptop)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def processor_time():
        """Returns the CPU time of the page's thread, which a busy machine does not lengthen."""
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(it["value"] for it in metrics if it["name"] == "ThreadTime")

    def drawn(piece, size):
        began = processor_time()
        page.evaluate(DRAW, [piece, size])
        return processor_time() - began

    def times(piece):
        return [min(drawn(piece, size) for _ in range(4)) for size in (MOST / 4, MOST / 2, MOST)]

    left = PIECES
    for _ in range(3):
        left = [piece for piece in left if not is_linear(times(piece), SHORT)]
    assert left == []
