from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy

from streams import log
from streams.log import file_references, imported_calls

from .causing_device import caused_by
from .conversation import Conversation

if TYPE_CHECKING:
    from .attachment import Attachment
    from .device import Device
    from .run import Run


class Message(models.Model):
    """One turn in a conversation.

    `blocks` is what `streams.log.transcript` makes of the log: `[{"index", "kind", "text", …}]`. A
    user's message is one text block, with its files behind it; an assistant's is empty until its
    run has ended, and one that was said elsewhere may have calls behind its text.
    `seq` is the number of the event that brought it: message.created for a user's,
    run.queued for an assistant's.
    `parent_seq` is that of the message it follows: 0 is a beginning, and null, as most have it, is
    the message before it (`streams.log.branches`). An answer's parent is the prompt of its run.
    """

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField()
    parent_seq = models.BigIntegerField(null=True, blank=True, editable=False)
    role = models.CharField(max_length=9, choices=Role.choices)
    blocks = models.JSONField(default=list)
    device = models.ForeignKey(
        "Device", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    client_key = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)

    parent: str | None = None  # while it is posted: what its event says of `parent_seq`

    if TYPE_CHECKING:
        run: Run

    class Meta:
        verbose_name = gettext_lazy("message")
        verbose_name_plural = gettext_lazy("messages")
        ordering = ("seq",)
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["conversation", "client_key"],
                condition=models.Q(client_key__isnull=False),
                name="message_client_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["conversation", "seq"],
                condition=models.Q(parent_seq__isnull=False),
                name="messages_branching",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"

    @classmethod
    def prompt(
        cls,
        conversation: Conversation,
        text: str,
        device: Device | None,
        client_key: str | None,
        files: Sequence[Attachment] = (),
    ) -> Message:
        """Makes a user's message, not saved and without a number yet."""
        return cls(
            conversation=conversation,
            role=cls.Role.USER,
            blocks=file_references.said(text, [each.reference() for each in files]),
            device=device,
            client_key=client_key or None,
        )

    def created(self) -> log.NewEvent:
        """Makes the event that announces a message which is no run's answer."""
        data: dict[str, Any] = {"message": str(self.uuid), "role": self.role, "text": self.text}
        if self.parent is not None:
            data["parent"] = self.parent
        if attached := file_references.of_blocks(self.blocks):
            data["attachments"] = attached
        if calls := imported_calls.of_blocks(self.blocks):
            data["calls"] = calls
        if self.client_key:
            data["client_key"] = self.client_key
        return log.NewEvent("message.created", data | caused_by(self.device))

    @property
    def text(self) -> str:
        """Returns the message's text without reasoning and tool calls."""
        return "".join(block["text"] for block in self.blocks if block["kind"] == "text")
