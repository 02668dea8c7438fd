from .attachment import Attachment
from .budget import Budget
from .conversation import Conversation
from .delivery import Delivery
from .device import Device
from .device_session import DeviceSession
from .discarded_file import DiscardedFile
from .epoch import Epoch
from .event import Event
from .fault import Fault
from .gone_webhook import GoneWebhook
from .message import Message
from .pairing import Pairing
from .push_subscription import PushSubscription
from .run import Run
from .search_entry import SearchEntry
from .share import Share
from .step import Step
from .throttle import Attempts
from .tool_call import ToolCall
from .usage import Usage
from .worker import Worker

__all__ = [
    "Attachment",
    "Attempts",
    "Budget",
    "Conversation",
    "Delivery",
    "Device",
    "DeviceSession",
    "DiscardedFile",
    "Epoch",
    "Event",
    "Fault",
    "GoneWebhook",
    "Message",
    "Pairing",
    "PushSubscription",
    "Run",
    "SearchEntry",
    "Share",
    "Step",
    "ToolCall",
    "Usage",
    "Worker",
]
