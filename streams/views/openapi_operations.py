"""What each address of our own takes and answers with as JSON, for the description of the API.

`docs/openapi.py` writes that from here, from the addresses in `streams.urls` and from the words of
docs/reference/http.md. Addresses of other protocols are described by these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .schemas import devices as devices
from .schemas import requests as sent
from .schemas import responses
from .schemas import search as search
from .schemas import shares as shares

EVENTS = "text/event-stream"
MARKDOWN = "text/markdown"
FILE = "application/octet-stream"  # and whatever else an attached file may be


class Operation(NamedTuple):
    """`answers` has the shape of each status, or None for an answer without a body; `refused` are
    statuses of errors beside those that any address may answer with. `also` are other media types.
    """

    answers: Mapping[int, Any]
    body: Any = None
    query: Any = None
    refused: tuple[int, ...] = ()
    also: tuple[str, ...] = ()


def streamed(query: Any = None, *, ends: bool = False) -> Operation:
    """Returns the operation of an event stream; one that `ends` is 204 behind its end."""
    return Operation({200: EVENTS} | ({204: None} if ends else {}), query=query)


# By the name of the address and the method. Beside them are pages alone.
OPERATIONS: dict[str, dict[str, Operation]] = {
    "conversations": {
        "get": Operation({200: responses.Entries}, query=sent.ListQuery),
        "post": Operation(
            {201: responses.Begun, 200: responses.Begun}, sent.NewConversation, refused=(404, 409)
        ),
    },
    "search": {"get": Operation({200: search.Results}, query=search.SearchQuery)},
    "feed": {"get": streamed()},
    "conversation": {
        "get": Operation({200: responses.WholeConversation}, query=sent.PartQuery),
        "patch": Operation({200: responses.Conversation}, sent.ConversationChange),
        "delete": Operation({204: None}),
    },
    "messages": {
        "post": Operation(
            {201: responses.Posted, 200: responses.Posted}, sent.Prompt, refused=(409,)
        )
    },
    "edit": {
        "post": Operation(
            {201: responses.AskedAgain, 200: responses.AskedAgain},
            sent.EditedPrompt,
            refused=(409,),
        )
    },
    "attachments": {
        "post": Operation({201: responses.Attachment}, query=sent.FileName, refused=(413, 415))
    },
    "attachment": {
        "get": Operation({200: responses.Attachment}),
        "delete": Operation({204: None}),
    },
    "attached-file": {"get": Operation({200: FILE, 304: None})},
    "read": {"put": Operation({200: responses.ReadMark}, sent.ReadUpTo)},
    "presence": {"post": Operation({204: None}, sent.Presence)},
    "restore": {"post": Operation({200: responses.Conversation}, sent.Nothing)},
    "export": {
        "get": Operation({200: responses.Export}, query=sent.ExportQuery, also=(MARKDOWN,)),
    },
    "conversation-events": {"get": streamed(sent.ConversationEventsQuery)},
    "run": {"get": Operation({200: responses.Run})},
    "cancel": {"post": Operation({202: responses.Run, 200: responses.Run}, sent.Nothing)},
    "retry": {"post": Operation({201: responses.Run}, sent.Retry, refused=(409,))},
    "decision": {"post": Operation({200: responses.Call}, sent.Decision, refused=(409,))},
    "again": {"post": Operation({201: responses.Posted}, sent.Nothing, refused=(409,))},
    "run-events": {"get": streamed(sent.EventsQuery, ends=True)},
    "render": {"post": Operation({200: responses.Formatted}, sent.Text)},
    "open-pairing": {"post": Operation({201: devices.OpenedPairing}, sent.Nothing)},
    "pair": {
        "post": Operation(
            {200: devices.Asking | devices.Joined}, devices.PairingCode, refused=(409, 410)
        )
    },
    "pairing": {"get": Operation({200: devices.Pairing})},
    "join": {
        "get": Operation({200: devices.Asking | devices.Joined}, refused=(409, 410)),
        "post": Operation({200: devices.Joined}, devices.PairingConfirmation, refused=(409, 410)),
    },
    "shares": {
        "get": Operation({200: shares.Shares}),
        "post": Operation({201: shares.Share}, shares.NewShare),
    },
    "all-shares": {"get": Operation({200: shares.Shares})},
    "share": {"delete": Operation({204: None})},
    "shared": {"get": Operation({200: shares.SharedCopy}, query=shares.SharedQuery)},
    "usage": {"get": Operation({200: devices.Usage})},
    "devices": {
        "get": Operation({200: devices.Devices}),
        "post": Operation({201: devices.IssuedToken}, devices.NewToken),
    },
    "revoke-others": {"post": Operation({200: devices.SignedOut}, sent.Nothing)},
    "device": {
        "get": Operation({200: devices.Device}),
        "patch": Operation({204: None}, devices.NewDeviceName),
    },
    "revoke": {"post": Operation({204: None}, sent.Nothing)},
    "push": {
        "get": Operation({200: devices.Push}),
        "put": Operation({204: None}, devices.PushSubscription),
        "delete": Operation({204: None}),
    },
}

# Pages and scripts, which programs have no use for.
PAGES = {
    "home": ("get",),
    "actions": ("get",),
    "edit": ("get",),
    "open-pairing": ("get",),
    "pair": ("get",),
    "push-script": ("get",),
    "manifest": ("get",),
    "api": ("get",),
    "openapi": ("get",),
}
