"""What people do: a new conversation by its first prompt, and then its stream. Nothing stands ready
but the person, whose session and device are stored.
"""

from __future__ import annotations

import time

from streams.models import Conversation, Event

from . import people
from .measure import Figures, Load, observed, port_of, stored, through_the_floor
from .peers.through import through_peers
from .processes import House


def new_chats(house: House, load: Load) -> Figures:
    ours = begun(house, load)
    floor = through_the_floor(house, load) if load.floor else None
    peers = through_peers(house, load) if house.peers and load.floor else {}
    return {"ours": ours, "floor": floor, "peers": peers}


def begun(house: House, load: Load) -> Figures:
    owner = people.device(f"anna {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    model = f"openai-chat:{load.model}"
    where = [{"port": port_of(house, n), "cookie": cookie} for n in range(load.streams)]
    plan = {
        "streams": [each | {"path": "", "opened_by": "its prompt"} for each in where],
        "posts": [
            each
            | {
                "path": "/c/",
                "body": {"content": f"prompt {n}", "model": model},
                "at": load.at(n),
                "stream": n,
            }
            for n, each in enumerate(where)
        ],
        "wait": "end",
        "patience": load.patience,
    }
    before = stored()
    figures = observed(house, plan)
    after = stored()
    mine = Conversation.objects.filter(owner=owner.user).values("pk")
    rows = Event.objects.filter(conversation_id__in=mine, type="block.delta").count()
    made = load.streams * load.count
    figures |= {"rows": rows, "lost": (made - rows) + (made - figures["read"])}
    figures["start_ms"] = started(figures["cpu"], load.streams)
    for name, size in after.items():
        figures[f"{name}_per_token"] = (size - before[name]) / made
    return figures


def started(cpu: dict[str, float], starts: int) -> float:
    """Milliseconds of CPU for each, its tokens included: at a few tokens each, of the start."""
    ours = (used for name, used in cpu.items() if name in ("web", "worker", "postgres"))
    return sum(ours) / starts * 1000
