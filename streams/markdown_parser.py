"""markdown-it as our pages want it: what its tokens become, and which rules apply."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.tasklists import tasklists_plugin

from .highlighting import coloured


def directed(state: StateCore) -> None:
    """A block at the top runs the way its first words do, and what it holds runs with it: the
    words of anything with a direction of its own would not count for a list or a quote."""
    for token in state.tokens:
        if token.level == 0 and token.nesting == 1:
            token.attrSet("dir", "auto")


def fence(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A code block: its language, a button to copy it, and its highlighted text."""
    words = tokens[at].info.split()
    language = words[0].lower() if words else ""
    label = escape(language) or "text"
    return (
        f'<div class="code"><div class="code-bar"><span>{label}</span>'
        '<button type="button" class="code-copy">Copy</button></div>'
        f'<pre tabindex="0"><code>{coloured(tokens[at].content, language)}</code></pre></div>\n'
    )


def image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A link: loading an address that a model made up tells its owner who is reading."""
    token = tokens[at]
    name = self.renderInlineAsText(token.children or [], options, env) or "image"
    return f'<a href="{escape(str(token.attrs["src"]))}">{escape(name)}</a>'


def cell(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A table cell whose alignment is a class: the page allows no inline style."""
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
    """`linked`: an address among the words is a link too. Not without its https, since
    `README.md` and `setup.py` would be names of sites; nor before the whole of it is there."""
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": linked})
    markdown.enable(["table", "strikethrough", *(["linkify"] if linked else [])])
    if markdown.linkify:
        markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        for scheme in ("//", "ftp:", "mailto:"):
            markdown.linkify.add(scheme, None)
    markdown.disable(["reference", "html_block", "html_inline"])
    markdown.use(tasklists_plugin)
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
    return markdown
