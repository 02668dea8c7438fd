from .attempts import Attempts
from .conversation import Conversation
from .device import Device, DeviceSession
from .event import Event
from .fault import Fault
from .message import Message
from .pairing import Pairing
from .run import Run
from .worker import Worker

__all__ = [
    "Attempts",
    "Conversation",
    "Device",
    "DeviceSession",
    "Event",
    "Fault",
    "Message",
    "Pairing",
    "Run",
    "Worker",
]
