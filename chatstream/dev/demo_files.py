"""What is in the folder of `agent:demo` at first."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "groceries.txt": "Bread\nTomatoes\nTwo lemons\nCoffee\n",
    "plan.txt": "Monday: paint the fence\nTuesday: plant the tomatoes\nFriday: rest\n",
    "welcome.txt": "This folder is what agent:demo may read and write. Change it as you like.\n",
}


def furnish(path: Path) -> None:
    """Makes the folder with a few files in it, unless it is there."""
    if path.exists():
        return
    path.mkdir(parents=True)
    for name, text in FILES.items():
        (path / name).write_text(text)
