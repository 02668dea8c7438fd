from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy

from streams.postgres import channels

from .conversation import Conversation
from .device import Device


class DeviceSession(models.Model):
    """Records that a device has visited a conversation, and up to which number it has read."""

    device = models.ForeignKey(
        Device,
        on_delete=models.CASCADE,
        related_name="sessions",
        verbose_name=gettext_lazy("device"),
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="device_sessions",
        verbose_name=gettext_lazy("conversation"),
    )
    read_seq = models.BigIntegerField(gettext_lazy("read up to event"), default=0)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("device session")
        verbose_name_plural = gettext_lazy("device sessions")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "device"], name="one_device_session")
        ]

    def __str__(self) -> str:
        return f"{self.device} in {self.conversation}"

    @classmethod
    def visit(cls, device: Device, conversation: Conversation, read_seq: int = 0) -> None:
        """Records the visit and how far the device has read; a read mark never goes back."""
        here = cls.objects.filter(device=device, conversation=conversation)
        now = {"last_seen_at": Now()}
        rose = here.filter(read_seq__lt=read_seq).update(read_seq=read_seq, **now)
        if not rose and not here.update(**now):
            cls.objects.get_or_create(device=device, conversation=conversation)
            rose = here.filter(read_seq__lt=read_seq).update(read_seq=read_seq, **now)
        if rose:
            channels.list_changed(conversation.owner_id)
