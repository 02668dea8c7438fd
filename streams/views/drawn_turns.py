"""Keeps the HTML of turns that have ended: most of a long conversation's page was on earlier pages.

What a template may read of a turn is part of its key, and so is what the page around it says. Only
what depends on the request besides stays out: the token of forms has a place in the HTML, and a
turn with other versions, whose addresses go on from the page's own, is drawn anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from django.template import Context, Engine
from django.template.base import NodeList
from django.template.loader_tags import IncludeNode
from django.templatetags.static import static
from django.urls import get_script_prefix, get_urlconf
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from streams.conf import Settings, conf
from streams.markdown.render_cache import RenderCache

from .transcript_presenter import Turn

APP = Path(__file__).resolve().parent.parent
MOST = 16_000_000  # characters
TOKEN = "\0"  # in no text: PostgreSQL takes none
ICONS = "streams/icons.svg"


class DrawnTurns:
    """The HTML of turns, as long as the settings stay as they are."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._cache = RenderCache(most)
        self._settings: Settings | None = None

    def get(self, key: str, token: str) -> str | None:
        if self._settings is not conf():
            self._settings, self._cache = conf(), RenderCache(self._most)
        html = self._cache.get(key)
        return None if html is None else html.replace(TOKEN, token)

    def keep(self, key: str, token: str, html: str) -> None:
        if TOKEN not in html:
            self._cache.keep(key, html.replace(token, TOKEN))


DRAWN = DrawnTurns()


def key_of(turn: Turn, around: str) -> str | None:
    """Returns None for a turn that is drawn anew each time."""
    if turn.busy or turn.versions or turn.joined:
        return None
    try:
        return around + orjson.dumps(turn).decode()
    except TypeError:  # something that JSON does not hold, such as half a surrogate pair
        return None


def around(context: Context) -> str:
    """Returns what the turns of a page depend on besides, but for the token of its forms."""
    place = get_language(), get_current_timezone_name(), get_script_prefix(), get_urlconf()
    here = context["conversation"].uuid, context.get("elsewhere") is not None, context.get("end")
    return repr((*place, static(ICONS), *here))


def templates_of_ours() -> Path:
    """Returns the folder of our own templates: within the app once it is installed, beside it in
    its repository."""
    within, beside = (it / "templates" / "streams" for it in (APP, APP.parent))
    return within if within.is_dir() else beside


def are_ours(drawn: str, nodes: NodeList, engine: Engine) -> bool:
    """Tells whether the template of this path, and all that these nodes of its include, are our
    own: one that a site has put in the place of ours may read what no key holds."""
    ours = templates_of_ours()
    if ours not in Path(drawn).resolve().parents:
        return False
    waiting, seen = [nodes], set[str]()
    node: Any
    while waiting:
        for node in waiting.pop().get_nodes_by_type(IncludeNode):
            name = str(node.template.var)
            if name not in seen:
                seen.add(name)
                found = engine.get_template(name)
                waiting.append(found.nodelist)
                if ours not in Path(found.origin.name).resolve().parents:
                    return False
    return True
