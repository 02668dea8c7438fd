"""Writes the tables of docs/reference/settings.md from the comments beside the settings.

    uv run docs/settings_reference.py

A comment that begins with `#:` above a variable of chatstream/settings.py, or above a field of
one of STREAMS, is its entry; in these a plain comment above a field begins a group.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "settings.md"
ENVIRONMENT = ROOT / "chatstream" / "settings.py"
STREAMS = [
    ROOT / "streams" / name
    for name in (
        "conf.py",
        "attachment_settings.py",
        "agent_settings.py",
        "notification_settings.py",
        "page_settings.py",
    )
]


class Setting(NamedTuple):
    name: str
    default: str
    meaning: str
    group: str = ""


def variables(source: str) -> Iterator[Setting]:
    """Every variable of the environment that the settings read, in their order."""
    lines = source.splitlines()
    seen = set()
    reads = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    for call in sorted(reads, key=lambda node: node.lineno):
        name = variable_read(call)
        if name and name not in seen:
            seen.add(name)
            _, meaning = comments_above(lines, call.lineno)
            yield Setting(name, default_of(call), meaning)


def variable_read(call: ast.Call) -> str | None:
    """The name in `env.str("NAME")` or `required("NAME", …)`."""
    function = call.func
    if isinstance(function, ast.Attribute):
        reads = isinstance(function.value, ast.Name) and function.value.id == "env"
    else:
        reads = isinstance(function, ast.Name) and function.id == "required"
    if reads and call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value)
    return None


def default_of(call: ast.Call) -> str:
    given = next((word.value for word in call.keywords if word.arg == "default"), None)
    if given is None:
        return "required"
    if isinstance(given, ast.Name):
        return f"as `{given.id}`"
    value = ast.literal_eval(given)
    if isinstance(value, list):
        value = ",".join(value)
    if value is False:
        return "off"
    return f"`{value}`" if value not in ("", {}) else "none"


def fields(source: str) -> Iterator[Setting]:
    """Every field of the settings' dataclass, with its default and its group."""
    lines = source.splitlines()
    group = ""
    (tree,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            heading, meaning = comments_above(lines, node.lineno)
            group = heading or group
            yield Setting(node.target.id, shown(node.value), meaning, group)


def shown(default: ast.expr) -> str:
    """A field's default as the page has it; one made by a factory is empty."""
    if isinstance(default, ast.Call):
        return "none"
    value = eval(compile(ast.Expression(default), "", "eval"), {"__builtins__": {}})
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return f"`{value}`" if value else "none"
    return f"`{value:.0f}`" if value == int(value) else f"`{value:g}`"


def comments_above(lines: list[str], number: int) -> tuple[str, str]:
    """Of the line with this number: its plain comment, and its entry."""
    plain: list[str] = []
    entry: list[str] = []
    while (line := lines[number - 2].strip()).startswith("#"):
        (entry if line.startswith("#:") else plain).insert(0, line.lstrip("#: "))
        number -= 1
    return " ".join(plain), " ".join(entry)


def table(settings: list[Setting]) -> str:
    rows = [f"| `{it.name}` | {it.default} | {it.meaning} |" for it in settings]
    return "\n".join(["| name | default | meaning |", "|---|---|---|", *rows])


def tables() -> dict[str, str]:
    """Each table of the page by its name. Raises ValueError for a setting without an entry."""
    environment = list(variables(ENVIRONMENT.read_text()))
    streams = [each for path in STREAMS for each in fields(path.read_text())]
    if bare := [it.name for it in environment + streams if not it.meaning]:
        raise ValueError(f"no `#:` comment above {', '.join(bare)}")
    groups = dict.fromkeys(it.group for it in streams)
    parts = [
        f"### {name}\n\n{table([it for it in streams if it.group == name])}" for name in groups
    ]
    return {"environment": table(environment), "streams": "\n\n".join(parts)}


def page() -> str:
    """The page as it stands, with its tables as they should be."""
    text = PAGE.read_text()
    for name, content in tables().items():
        begin, end = f"<!-- {name}: written by settings_reference.py -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"{PAGE} has no place for the table {name}")
        text = f"{before}{begin}\n\n{content}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
