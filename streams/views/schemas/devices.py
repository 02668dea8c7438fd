"""The JSON schemas of bodies and answers about devices, pairing and usage; see `responses`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict

from .fields import Count, DeviceKind, Id, Place, Schema
from .responses import Mark


class OpenConversation(TypedDict):
    id: Id
    url: Place
    name: str
    open: bool


class Device(TypedDict):
    id: Id
    name: str
    kind: DeviceKind
    this: bool
    created_at: datetime
    last_seen_at: datetime
    read_only: bool
    expires_at: datetime | None
    conversation: OpenConversation | None


class Devices(TypedDict):
    devices: list[Device]


class IssuedToken(TypedDict):
    device: Device
    token: str


class SignedOut(TypedDict):
    signed_out: Count


class Push(TypedDict):
    key: str
    subscribed: bool


class JoinedDevice(Mark):
    kind: DeviceKind


class Pairing(TypedDict):
    id: Id
    url: Place
    state: Literal["waiting", "joined", "expired", "locked"]
    expires_at: datetime
    expires_in: Count
    device: JoinedDevice | None


class OpenedPairing(Pairing):
    link: str
    code: str
    at: str
    qr: str
    hint: str


class AskingDevice(TypedDict):
    name: str
    kind: DeviceKind


class Asking(TypedDict):
    username: str
    device: AskingDevice
    expires_at: datetime


class JoinedConversation(TypedDict):
    id: Id
    url: Place


class Joined(TypedDict):
    username: str
    device: Mark
    conversation: JoinedConversation


class UsageLine(TypedDict):
    month: str
    model: str
    answers: Count
    input_tokens: Count
    output_tokens: Count
    cached_tokens: Count
    estimated_answers: Count
    dollars: str | None


class Budget(TypedDict):
    tokens: NotRequired[Count]
    used_tokens: NotRequired[Count]
    dollars: NotRequired[str]
    used_dollars: NotRequired[str]
    until: str


class Usage(TypedDict):
    usage: list[UsageLine]
    budget: Budget | None


class NewToken(TypedDict):
    name: Annotated[str, Schema(maxLength=80, pattern=r"\S")]
    read_only: NotRequired[bool]
    expires_days: NotRequired[Annotated[int, Schema(minimum=0, maximum=3650)]]


class NewDeviceName(TypedDict):
    name: Annotated[str, Schema(maxLength=80, pattern=r"\S")]


class PushSubscription(TypedDict):
    endpoint: Annotated[str, Schema(format="uri", maxLength=1000)]
    p256dh: Annotated[str, Schema(minLength=87, maxLength=88)]
    auth: Annotated[str, Schema(minLength=22, maxLength=24)]


class PairingCode(TypedDict):
    code: str
    confirm: NotRequired[bool]


class PairingConfirmation(TypedDict):
    confirm: NotRequired[bool]
