"""Formulas in LaTeX as MathML, which browsers draw by themselves."""

from __future__ import annotations

import re
from functools import lru_cache

from latex2mathml.converter import convert

from .render_budget import check_time

LONGEST = 1000  # characters: beyond that reading one takes too long

NAMES = (
    "math mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle"
    " msub msubsup msup mtable mtd mtext mtr munder munderover"
)
MATH_TAGS = set(NAMES.split())
# Nothing that leads elsewhere, and no styles.
SIZES = {"width", "height", "depth", "lspace", "rspace", "minsize", "maxsize", "linethickness"}
SHAPES = {"stretchy", "fence", "separator", "form", "accent", "movablelimits", "largeop"}
LOOKS = {"mathvariant", "displaystyle", "scriptlevel", "columnalign", "rowspacing", "columnspacing"}
MATH_ATTRIBUTES = dict.fromkeys(MATH_TAGS, SIZES | SHAPES | LOOKS) | {"math": {"display"}}

LIKE_A_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # nor is `a<b` one


def mathml(latex: str, *, display: bool) -> str | None:
    """Returns MathML, or None for what is no formula, is too long, or has commands nobody knows.

    Raises OutOfTime.
    """
    check_time()
    return known(latex, display) if 0 < len(latex) <= LONGEST else None


@lru_cache(maxsize=1024)
def known(latex: str, display: bool) -> str | None:
    latex = LIKE_A_TAG.sub("< ", latex)
    try:
        math = convert(latex, display="block" if display else "inline")
    except Exception:  # of many kinds, `RecursionError` among them
        return None
    # A command it does not know is left as it stands.
    return None if "\\" in math or "&</" in math else math
