"""What is in the folder of `agent:demo` at first."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FILES = {
    "groceries.txt": "Bread\nTomatoes\nTwo lemons\nCoffee\n",
    "plan.txt": "Monday: paint the fence\nTuesday: plant the tomatoes\nFriday: rest\n",
    "welcome.txt": "This folder is what agent:demo may read and write. Change it as you like.\n",
}


def furnished(data: Path) -> str:
    """Returns the agent's folder in that of the data, with something in it to read; "" where what
    tools need is not installed.
    """
    if find_spec("pydantic") is None:
        return ""
    folder = data / "agent"
    if not folder.exists():
        folder.mkdir()
        for name, text in FILES.items():
            (folder / name).write_text(text)
    return str(folder)
