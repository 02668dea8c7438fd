"""Configures markdown-it: which rules apply, and how tokens are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from ..conf import conf
from .folds import fold
from .highlighting import coloured
from .labels import COPY, SHOW
from .render_budget import check_time
from .rules import (
    Inline,
    address,
    footnote,
    formula,
    formula_lines,
    heading_of_words,
    tag,
    task_boxes,
)


def directed(state: StateCore) -> None:
    """Sets the writing direction of top-level blocks by their first words; what a block contains
    follows it. A direction set on an inner element would not count for the list or quote around it.
    """
    for token in state.tokens:
        if token.level == 0 and token.nesting == 1:
            token.attrSet("dir", "auto")


def fence(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Renders a code block: its language, a copy button, and the highlighted text."""
    words = tokens[at].info.split()
    language = words[0].lower() if words else ""
    label = escape(language) or "text"
    return (
        f'<div class="code"><div class="code-bar"><span>{label}</span>'
        f"<button {COPY}</div>"
        f'<pre tabindex="0"><code>{coloured(tokens[at].content, language)}</code></pre></div>\n'
    )


def image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Renders an image as a link: loading an address the model made up would reveal the reader, and
    the address can carry out what the model was told. From hosts the site trusts a button loads it.
    """
    token = tokens[at]
    name = self.renderInlineAsText(token.children or [], options, env) or "image"
    source = str(token.attrs["src"])
    link = f'<a href="{escape(source)}">{escape(name)}</a>'
    return f"{link} <button {SHOW}" if from_trusted_host(source) else link


def from_trusted_host(source: str) -> bool:
    try:
        address = urlsplit(source)
    except ValueError:
        return False
    trusted = {plain_host(host) for host in conf().image_hosts}
    return address.scheme == "https" and plain_host(address.netloc) in trusted


def plain_host(host: str) -> str:
    """Returns a host, and its port if it is not the usual one, as all ways to write it compare."""
    return host.lower().removesuffix(":443")


def cell(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Renders a table cell's alignment as a class, since the page allows no inline styles."""
    token = tokens[at]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrs["class"] = style.replace("text-align:", "align-")
    return self.renderToken(tokens, at, options, env)


def scrolling_table(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<div class="table" tabindex="0"{self.renderAttrs(tokens[at])}><table>\n'


def table_end(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def parser(linked: bool) -> MarkdownIt:
    """Makes a parser. `linked` also turns bare addresses into links, for blocks that are
    complete.
    """
    markdown = MarkdownIt()
    markdown.inline = Inline()
    markdown.configure("commonmark", {"html": False})
    markdown.enable(["table", "strikethrough"])
    if linked:
        markdown.inline.ruler.after("text", "address", address)
    markdown.inline.ruler.before("escape", "formula", formula)
    markdown.inline.ruler.before("autolink", "tag", tag)
    markdown.inline.ruler.before("link", "footnote", footnote)
    markdown.block.ruler.before(
        "fence", "formula", formula_lines, {"alt": ["paragraph", "blockquote", "list"]}
    )
    markdown.block.ruler.before("fence", "fold", fold, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.block.ruler.at("lheading", heading_of_words)
    markdown.disable(["reference", "html_block", "html_inline"])
    markdown.core.ruler.after("inline", "task_boxes", task_boxes)
    markdown.core.ruler.push("directed", directed)
    rules: dict[str, Any] = {
        "fence": fence,
        "code_block": fence,
        "image": image,
        "th_open": cell,
        "td_open": cell,
        "table_open": scrolling_table,
        "table_close": table_end,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    markdown.block.ruler.before("table", "time", time_left)
    markdown.inline.ruler.before("text", "time", time_left)
    return prepared(markdown)


def blocks_parser() -> MarkdownIt:
    """Makes a parser that finds where blocks begin and end, without parsing their contents."""
    markdown = parser(linked=False)
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return prepared(markdown)


def prepared(markdown: MarkdownIt) -> MarkdownIt:
    """Parses a link. markdown-it puts its chains of rules together with the first text, and mdurl
    its tables with the first address; neither takes a lock, so of two threads that came at that
    moment one would see a part of them.
    """
    markdown.render("[a](https://example.com/%20) <https://example.com>")
    return markdown


def time_left(*_: Any) -> bool:
    """Checks the time limit before every other rule. Raises OutOfTime; never matches anything."""
    check_time()
    return False
