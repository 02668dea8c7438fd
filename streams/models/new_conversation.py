"""Creates conversations that begin with their first prompt."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from streams import quotas
from streams.postgres.database import atomic

from . import branching, posting, prompt_files
from .branching import Imported
from .conversation import Conversation, named
from .posting import checked

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from .device import Device
    from .message import Message
    from .run import Run


@atomic
def begin_with(
    owner: User,
    content: str,
    device: Device | None,
    client_key: str | None = None,
    before: Sequence[Imported] = (),
    attachments: Sequence[UUID] = (),
    **values: Any,
) -> tuple[Conversation, Message, Run, bool]:
    """Does what `Conversation.begin` and then `post` do, in fewer statements. Returns the
    conversation, the prompt, its run, and whether they are new. A new conversation begins with the
    messages that came `before`.

    Raises what `post` raises, and then stores no conversation either.
    """
    content = checked(content, attachments)
    quotas.lock_owner(owner.pk)
    name = named(owner, client_key) if client_key else uuid.uuid4()
    if not before and not (client_key and Conversation.objects.filter(uuid=name).exists()):
        here = Conversation(uuid=name, owner=owner, **values)
        quotas.check_runs(here)
        files = prompt_files.sendable(here, attachments)
        known = (here, content, device, client_key)
        prompt, answer, run = posting.drafted(*known, files=files)
        if posting.begin(here, prompt, answer, run):
            prompt_files.sent(files, prompt)
            return here, prompt, run, True
    here = Conversation.begin(owner, client_key, **values)
    if not here.last_seq:
        branching.take_in(here, before)
    prompt, run, new = here.post(content, device, client_key, attachments=attachments)
    here.refresh_from_db()
    return here, prompt, run, new
