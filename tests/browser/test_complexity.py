"""Text made to take long holds a page up in proportion to its length."""

from __future__ import annotations

from tests.complexity import is_linear

PIECES = [
    "![", "[", "[a](", "$a", '[a](b "', "<http://", "<h", "*", "**a ", "_a_ ", "~~", "`", "``a` ",
    "\\", "\\(", "$$", "a\n", "# ", "- a\n", "中**", "\\[\n",
]  # fmt: skip
MOST = 48_000
SHORT = 0.05  # seconds by the wall: a page stutters, and no more
MEASURE = """async ([pieces, most]) => {
  const { cleanLength, InlineText } = await import("/static/streams/js/inline_text.js");
  const work = (text) => {
    new InlineText(document.createElement("p")).add(text);
    cleanLength(text);
  };
  const best = Object.fromEntries(pieces.map((it) => [it, [Infinity, Infinity, Infinity]]));
  for (let tries = 0; tries < 4; tries += 1)
    for (const piece of pieces)
      [most / 4, most / 2, most].forEach((size, at) => {
        const text = piece.repeat(size / piece.length);
        const began = performance.now();
        work(text);
        best[piece][at] = Math.min(best[piece][at], (performance.now() - began) / 1000);
      });
  return best;
}"""


def test_what_grows_is_drawn_in_proportion(open_as, laptop):
    page, left = open_as(laptop), PIECES
    for _ in range(3):
        times = page.evaluate(MEASURE, [left, MOST])
        left = [piece for piece, each in times.items() if not is_linear(each, SHORT)]
    assert left == []
