"""The settings of attached files; `streams.conf.Settings` inherits them."""

from __future__ import annotations

from dataclasses import dataclass

from .agent_settings import AgentSettings


@dataclass(frozen=True, slots=True)
class AttachmentSettings(AgentSettings):
    """A part of `streams.conf.Settings`: the comment above each name is its entry in
    the reference.
    """

    # Attachments
    #: The name in STORAGES of where attached files lie. Nothing there may be served by a web
    #: server: they are for who may read the conversation alone.
    attachment_storage: str = "default"
    #: Bytes of one attached file. 0: none can be attached.
    attachment_bytes: int = 10_485_760
    #: Bytes of an attached text, which models read whole.
    attachment_text_bytes: int = 400_000
    #: Pixels of an attached image, in millions of which browsers think in gigabytes.
    image_pixels: int = 50_000_000
    #: Files of one message.
    attachments_per_message: int = 10
    #: Files of all messages in one request of another protocol, which may bring a whole history.
    attachments_per_request: int = 100
    #: Bytes of the files of one message, and of all that one request to a model holds: the worker
    #: has them in memory while it sends them, some four times over.
    attachment_bytes_at_once: int = 25_000_000
    #: Bytes of all files of one person. 0: no limit.
    attachment_bytes_per_user: int = 1_000_000_000
    #: Files of one person that have been attached and not been sent. 0: no limit.
    attachments_unsent: int = 50
    #: Seconds for which a file is kept that was attached and not sent.
    attachments_unsent_kept: float = 24 * 3600.0
    #: Seconds from the first byte of a request with files to its last.
    upload_seconds: float = 600.0
    #: Tokens of earlier messages' files, by estimate, that a model is told again; of older ones it
    #: is told the names.
    attachment_tokens: int = 60_000
    #: Bytes of earlier messages' files, likewise.
    attachment_bytes_again: int = 15_000_000

    @property
    def base64_bytes(self) -> int:
        """Returns how many bytes of files in base64 one JSON body may hold: base64 makes them
        longer by a third.
        """
        return self.attachment_bytes * 3 // 2
