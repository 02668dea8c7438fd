"""Runs a call again of which nobody knows whether it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from streams import quotas
from streams.exceptions import NotRetryable
from streams.postgres.database import atomic

from . import busy_rule, posting
from .conversation import Conversation
from .tool_call import ToolCall

if TYPE_CHECKING:
    from .device import Device
    from .run import Run


@atomic
def run_again(call: ToolCall, device: Device | None) -> Run:
    """Posts a prompt whose run begins with this call: the same arguments and the same key. It
    needs no further approval. While that run is open, a second call returns it.

    Raises NotRetryable unless the call ended as `unknown`, and none with its key has been done
    since; and what `Conversation.post` raises.
    """
    quotas.lock_owner(call.run.conversation.owner_id)
    here = Conversation.lock(call.run.conversation_id)
    call.refresh_from_db(fields=["status"])
    if call.status != ToolCall.Status.UNKNOWN:
        raise NotRetryable(gettext("Only a call of which nobody knows the end is run again."))
    repeats = here.runs.filter(repeats__key=call.key).select_related("prompt", "conversation")
    again: Run | None = repeats.last()
    if again is not None and again.status in again.OPEN:
        return again
    if repeats.filter(calls__key=call.key, calls__status=ToolCall.Status.OK).exists():
        raise NotRetryable(gettext("This has been run again, and is done."))
    quotas.check_length(here, 2)
    place = busy_rule.make_way(here, device)
    quotas.check_runs(here)
    content = gettext("Run %(name)s again") % {"name": call.name}
    prompt, answer, run = posting.drafted(here, content, device, None, place)
    run.model, run.steers = call.run.model, False
    posting.post(here, prompt, answer, run)
    run.repeats = call
    run.save(update_fields=["repeats"])
    return run
