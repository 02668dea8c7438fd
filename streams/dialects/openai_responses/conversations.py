"""`/v1/conversations` and their items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse

from streams import policy, quotas
from streams.conversation_snapshot import snapshot
from streams.dialects import openai_ids as ids
from streams.dialects.files import Address, Storing, addresses
from streams.dialects.openai_endpoint import OpenAIView, listed, newest_first
from streams.dialects.openai_history import items_in
from streams.dialects.openai_input import Said, imported, metadata_in
from streams.exceptions import Invalid, NotFound
from streams.log import branches
from streams.log.transcript import MessageState
from streams.models import Conversation, Run, branching
from streams.models.branching import Imported
from streams.postgres import channels
from streams.postgres.database import atomic
from streams.views.resource import Request

from . import starting
from .input_items import input_items

STAYS = "An item can't be deleted: the log keeps what was said. Delete the conversation."
MOST_ITEMS = 20  # of one request, as OpenAI has it


class Conversations(OpenAIView):
    takes_files = "data"

    def post(self, request: Request) -> HttpResponse:
        given = self.sent(request)
        made = begin(request.user, given.get("items"), metadata_in(given.get("metadata")))
        return JsonResponse(conversation(made))


class OneConversation(OpenAIView):
    def get(self, request: Request, id: str) -> HttpResponse:
        return JsonResponse(conversation(starting.own_conversation(request.user, id)))

    def post(self, request: Request, id: str) -> HttpResponse:
        here = starting.own_conversation(request.user, id)
        here.metadata = metadata_in(self.sent(request).get("metadata"))
        here.save(update_fields=["metadata"])
        return JsonResponse(conversation(here))

    def delete(self, request: Request, id: str) -> HttpResponse:
        starting.own_conversation(request.user, id).delete_softly(request.device)
        return JsonResponse({"id": id, "object": "conversation.deleted", "deleted": True})


class Items(OpenAIView):
    takes_files = "data"

    def get(self, request: Request, id: str) -> HttpResponse:
        here = starting.own_conversation(request.user, id)
        items = items_of(here, newest_first(request.GET), address=addresses(request))
        return JsonResponse(listed(items, request.GET))

    def post(self, request: Request, id: str) -> HttpResponse:
        here = starting.own_conversation(request.user, id)
        said = messages(self.sent(request).get("items"))
        with Storing(request.user, "items") as storing:
            files = storing.each(
                [each.files for each in said],
                ahead=lambda _: quotas.check_length(here, len(said)),
            )
            taken = take_in(here, imported(said, files))
        address = addresses(request)
        made = [item for m in taken for item in input_items(m.uuid, m.role, m.blocks, address)]
        return JsonResponse(listed(made, {"limit": str(MOST_ITEMS)}))


class OneItem(OpenAIView):
    def get(self, request: Request, id: str, item: str) -> HttpResponse:
        here = starting.own_conversation(request.user, id)
        for each in items_of(here, newest=True, of=item, address=addresses(request)):
            if each["id"] == item:
                return JsonResponse(each)
        raise NotFound(f"There is no item {item[:80]!r} here.")

    def delete(self, request: Request, id: str, item: str) -> HttpResponse:
        """Refuses: devices hold what was said as a beginning of one log, which only grows."""
        self.get(request, id, item)
        raise Invalid(STAYS)


def begin(user: Any, items: Any, metadata: dict[str, str]) -> Conversation:
    """Raises Invalid, TooLarge, TooManyEmpty, and what `Storing.each` raises."""
    said = items_in([] if items is None else items, "items").closed()
    system = "\n\n".join(each.text for each in said if each.role not in branching.ROLES)
    quotas.check_text("system", system)
    own: dict[str, Any] = {"system": system, "metadata": metadata or None}
    talk = bounded([each for each in said if each.role in branching.ROLES])
    with Storing(user, "items") as storing:
        files = storing.each([each.files for each in talk])
        return stored(user, imported(talk, files), own)


@atomic
def stored(user: Any, said: list[Imported], own: dict[str, Any]) -> Conversation:
    quotas.check_empty(user.pk)
    made = Conversation.begin(user, model=policy.default_model(user), **own)
    branching.take_in(made, said)
    channels.list_changed(user.pk)
    return made


@atomic
def take_in(here: Conversation, said: list[Imported]) -> list[Any]:
    """Stores messages at the end of the newest branch."""
    return branching.take_in(Conversation.lock(here.pk), said)


def messages(items: Any) -> list[Said]:
    """Raises Invalid."""
    said = bounded(items_in(items, "items").closed())
    if any(each.role not in branching.ROLES for each in said):
        raise Invalid("Instructions begin a conversation: none can be added.", field="items")
    return said


def bounded(said: list[Said]) -> list[Said]:
    if len(said) > MOST_ITEMS:
        raise Invalid(f"At most {MOST_ITEMS} items come at once.", field="items")
    return said


def items_of(
    here: Conversation, newest: bool, of: str = "", *, address: Address
) -> Iterator[dict[str, Any]]:
    """Yields the items of the newest branch; with `of`, only those of the message that has an item
    of that id. An answer costs a query."""
    branch = snapshot(here.pk).transcript.branch()
    shown = branch if of else branches.answered_once(branch)
    known = {str(run.uuid): run for run in here.runs.select_related("conversation")}
    for message in reversed(shown) if newest else shown:
        if of and not is_of(of, message):
            continue
        found = items_of_message(message, known.get(message.run or ""), address)
        yield from reversed(found) if newest else found


def is_of(item: str, message: MessageState) -> bool:
    owner = (message.run or message.id).replace("-", "")
    return owner in item


def items_of_message(
    message: MessageState, run: Run | None, address: Address
) -> list[dict[str, Any]]:
    if message.run is None:
        return input_items(message.id, message.role, message.blocks, address)
    return starting.all_of(run) if run else []


def conversation(it: Conversation) -> dict[str, Any]:
    return {
        "id": ids.conversation_id(it.uuid),
        "object": "conversation",
        "created_at": int(it.created_at.timestamp()),
        "metadata": it.metadata or {},
    }
