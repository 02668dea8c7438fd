"""`{% load streams %}`: tags and filters for templates of the app and of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from streams import account_links, tool_words
from streams.conf import conf
from streams.early_routing import SOME_UUID
from streams.providers import model_names, registry
from streams.views import drawn_turns, openapi
from streams.views.chat_context import embedded_context
from streams.views.script_translations import day_words, words

if TYPE_CHECKING:
    from streams.api.chat import Chat
    from streams.models import Conversation

register = template.Library()

STYLESHEETS = [
    f"streams/css/{name}.css"
    for name in (
        "colors",
        "base",
        "controls",
        "layout",
        "composer",
        "modal",
        "transcript",
        "branches",
        "attachments",
        "long_prompt",
        "answer_endings",
        "prose",
        "images_and_folds",
        "code",
        "tool_calls",
        "embedded_chat",
    )
]


@register.simple_tag
def brand() -> str:
    """Returns the name shown above the list and in page titles: `STREAMS["brand"]`."""
    return conf().brand


@register.simple_tag(takes_context=True)
def waiting_badge(context: template.Context) -> str:
    """Returns how many of the listed conversations need a decision, for the page's title."""
    count = sum(getattr(it, "waiting", False) for it in context.get("items") or ())
    return f"({count}) " if count else ""


@register.simple_tag
def prompt_characters() -> int:
    """Returns how long a prompt may be; 0 is any length."""
    return conf().prompt_characters


@register.simple_tag
def attachment_limits() -> dict[str, int]:
    """Returns how many `bytes` a file may have, 0 where there are none, and `files` a message."""
    return {"bytes": conf().attachment_bytes, "files": conf().attachments_per_message}


@register.simple_tag
def sharing() -> bool:
    """Tells whether people may make links that show a copy of a conversation to anybody."""
    return conf().share_links


@register.simple_tag
def api_page() -> bool:
    """Tells whether there is a page that describes the HTTP API."""
    return openapi.is_there()


@register.simple_tag
def undo_seconds() -> int:
    """Returns for how many seconds a deletion can be taken back."""
    return int(conf().purge_after)


register.simple_tag(account_links.sign_in, name="sign_in_url")
register.simple_tag(account_links.sign_out, name="sign_out_url")
register.simple_tag(account_links.password, name="password_url")


@register.simple_tag(takes_context=True)
def script_words(context: template.Context) -> SafeString:
    """Returns the translations of sentences that scripts show, as data, which no
    Content-Security-Policy blocks; empty in English. With them the words of models and of the tools
    that are on the page, or may come.
    """
    found = words(get_language() or settings.LANGUAGE_CODE)
    models = {name: model_names.words_of(name) for name in registry.offered()}
    answered = {turn.run.model for turn in (context.get("turns") or ()) if turn.run}
    tools = tool_words.for_scripts({name for name, _ in (context.get("models") or ())} | answered)
    return json_script(found | {"models": models, "tools": tools}, "streams-words")


@register.filter
def model_words(name: str) -> str:
    """Returns who answers, as people read it, for a `provider:model` name."""
    return model_names.words_of(name) if name else ""


@register.filter
def day(code: str) -> str:
    """Returns the heading of a part of the list, for what `ListedConversation.day` says."""
    return day_words(code)


class ConstantNode(template.Node):
    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        # Of the whole page: there `include` keeps its own.
        known: dict[Any, Any] = context.render_context.dicts[0]
        found: SafeString | None = known.get(self)
        if found is None:
            found = known[self] = self.nodelist.render(context)
        return found


@register.tag
def constant(parser: template.base.Parser, token: template.base.Token) -> ConstantNode:
    """Draws what is the same wherever a page shows it, such as the buttons below each answer, once
    for all of them: half the cost of a page was words and icons, said again for every message.
    """
    nodelist = parser.parse(("endconstant",))
    parser.delete_first_token()
    return ConstantNode(nodelist)


class KeptTurnNode(template.Node):
    def __init__(self, nodelist: template.NodeList, turn: template.base.FilterExpression) -> None:
        self.nodelist = nodelist
        self.turn = turn
        self.is_ours: bool | None = None

    def render(self, context: template.Context) -> SafeString:
        token = str(context.get("csrf_token") or "")
        around = self.around(context)
        key = drawn_turns.key_of(self.turn.resolve(context), around) if around and token else None
        if key is None:
            return self.nodelist.render(context)
        html = drawn_turns.DRAWN.get(key, token)
        if html is None:
            html = self.nodelist.render(context)
            drawn_turns.DRAWN.keep(key, token, html)
        return mark_safe(html)

    def around(self, context: template.Context) -> str:
        """Returns "" if nothing is kept."""
        if self.is_ours is None:
            page = context.template
            assert page
            self.is_ours = drawn_turns.are_ours(self.origin.name, self.nodelist, page.engine)
        known: dict[Any, Any] = context.render_context.dicts[0]
        if self not in known:
            known[self] = drawn_turns.around(context) if self.is_ours else ""
        return str(known[self])


@register.tag
def keptturn(parser: template.base.Parser, token: template.base.Token) -> KeptTurnNode:
    """Draws a turn, or takes the HTML that was drawn for an earlier page."""
    _, turn = token.split_contents()
    nodelist = parser.parse(("endkeptturn",))
    parser.delete_first_token()
    return KeptTurnNode(nodelist, parser.compile_filter(turn))


@register.simple_tag(takes_context=True)
def address(context: template.Context, name: str, *ids: UUID | str) -> str:
    """Returns what `url` does for addresses that end in a UUID and differ in it alone, as those of
    all answers on a page: what stands around it is looked for once.
    """
    *first, last = ids
    known: dict[Any, Any] = context.render_context.dicts[0]
    key = address, name, *first
    if key not in known:
        known[key] = reverse(name, args=[*first, SOME_UUID]).rpartition(SOME_UUID)
    before, _, after = known[key]
    return f"{before}{last}{after}"


@register.simple_tag(takes_context=True)
def chat(context: template.Context, conversation: Chat | Conversation | UUID | str) -> SafeString:
    """Renders a live conversation of the asking person, with a field to write in.

    Once per page. Its height is the custom property `--streams-chat-height`. It brings its own
    styles and scripts, none of them inline, each with the page's nonce if there is one. Raises
    Http404 if the conversation does not exist or belongs to somebody else.
    """
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured(
            "{% chat %} needs the request: render the page with it, and have "
            "django.template.context_processors.request among the context_processors of TEMPLATES."
        )
    nonce = context.get("csp_nonce") or getattr(request, "csp_nonce", None)
    more = {"stylesheets": STYLESHEETS, "nonce": str(nonce) if nonce else ""}
    shown = embedded_context(request, uuid_of(conversation))
    return render_to_string("streams/embedded_chat.html", shown | more, request)


def uuid_of(conversation: Any) -> UUID:
    """Returns the id that `chat` was given; raises ValueError if it names no conversation."""
    given = getattr(conversation, "uuid", None) or getattr(conversation, "id", conversation)
    return given if isinstance(given, UUID) else UUID(str(given))
