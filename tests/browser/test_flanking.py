"""What a mark among words means is the same in the browser and on the server."""

from __future__ import annotations

from itertools import product

from streams.markdown.flanking import flanks, waits

BEFORE_AND_AFTER = [
    "", " ", "\n", "\u3000", "\u00a0", "\u2003", "\u200b", "a", "Z", "0", "é", "ß", "я", "א", "ع",
    "ह",
    "(", ")", ".", "*", "_", "$", "+", "~", "“", "”", "…", "—", "€", "😀",
    "中", "\U00020000", "の", "ー",
    "가", "ㄅ", "。", "（", "：", "！", "〜", "ﾊ", "￥", "\ufe0f", "\u1160",
]  # fmt: skip
ASK = """async ([characters, marks]) => {
  const { flanks, waits } = await import("/static/streams/js/flanking.js");
  const said = [];
  for (const before of characters) for (const after of characters) for (const mark of marks) {
    const { opens, closes } = flanks(before, after, mark);
    said.push([opens, closes, waits(before, mark)]);
  }
  return said;
}"""


def test_the_browser_and_the_server_agree_beside_all_kinds_of_letters(open_as, laptop):
    page = open_as(laptop)
    said = page.evaluate(ASK, [BEFORE_AND_AFTER, ["*", "_", "**"]])
    asked = list(product(BEFORE_AND_AFTER, BEFORE_AND_AFTER, ["*", "_", "**"]))
    ours = [[*flanks(before, after, mark), waits(before, mark)] for before, after, mark in asked]
    assert [it for it, his, mine in zip(asked, said, ours, strict=True) if his != mine] == []
