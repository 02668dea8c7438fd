"""Removes all HTML from rendered Markdown but for a list of tags and attributes."""

from __future__ import annotations

import nh3

from .mathml import MATH_ATTRIBUTES, MATH_TAGS

TAGS = (
    "a blockquote br button code details div em h1 h2 h3 h4 h5 h6 hr input li ol p pre s span"
    " strong summary table tbody td th thead tr ul sub sup kbd"
)
DIRECTED = "blockquote details div h1 h2 h3 h4 h5 h6 ol p ul"
CLEANER = nh3.Cleaner(
    tags=set(TAGS.split()) | MATH_TAGS,
    attributes={
        **MATH_ATTRIBUTES,
        "a": {"href", "title"},
        "button": {"type", "class"},
        "details": {"open"},
        "div": {"class", "tabindex"},
        "input": {"checked"},
        "li": {"class"},
        "ol": {"start"},
        "pre": {"tabindex"},
        "span": {"class"},
        "td": {"class"},
        "th": {"class"},
    },
    tag_attribute_values={tag: {"dir": {"auto"}} for tag in DIRECTED.split()},
    set_tag_attribute_values={
        "a": {"target": "_blank"},
        "input": {"type": "checkbox", "disabled": "", "aria-label": "Done"},
        # Not with the words around it, nor counted among them.
        "code": {"dir": "ltr"},
        "pre": {"dir": "ltr"},
    },
    link_rel="noopener nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
)
