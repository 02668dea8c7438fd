"""The rooms of the house: who may import whom, who may write SQL for events, how long is long."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE, LONGEST_FUNCTION = 250, 45

# The two halves meet in the database alone.
WRITING = {
    "answer", "claim", "faults", "heartbeat", "history", "lease", "patience", "recovery",
    "retention", "runner", "siblings", "takeover", "title", "worker", "writer",
}  # fmt: skip
READING = {"asgi", "feed", "hub", "presence", "sse", "stream", "tail", "views", "watch"}

PURE = ("fold", "sse", "text")
NOT_PURE = {"asyncio", "django", "psycopg"}

PLAN = """
    __init__ access admin answer apps asgi bounds checks claim clock collected colouring conf
    connections cookies database epoch exceptions faults feed flanking fold handler heartbeat
    highlighting history hub lease limits listen log management markdown markdown_parser
    markdown_rules memory middleware migrations models notify patience postgresql prefix presence
    providers reach recovery rendering retention rooms runner shelf siblings snapshot sse stream
    tail takeover templatetags text title trouble urls views vitals watch worker writer
"""


def sources(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


OURS = sources("streams", "chatstream")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(path: Path) -> str:
    """`streams.providers.openai` lives in `providers`."""
    return [*name_of(path).split("."), ""][1]


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports when it runs, as a full name."""
    for node in running(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(path, node)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Without what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from running(node)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = name_of(path).split(".")
    if path.name != "__init__.py":
        here = here[:-1]
    base = here[: len(here) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def rooms_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("streams.")}


def offenders(rule: Callable[[Path], object]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in OURS if rule(path)]


def test_the_app_never_imports_the_project():
    app = ROOT / "streams"
    assert not offenders(
        lambda path: (
            path.is_relative_to(app)
            and any(name.split(".")[0] == "chatstream" for name in imports(path))
        )
    )


def test_writing_and_reading_never_import_each_other():
    writing = WRITING | {"providers"}
    assert not offenders(lambda path: room(path) in writing and rooms_imported(path) & READING)
    assert not offenders(lambda path: room(path) in READING and rooms_imported(path) & WRITING)


def test_providers_know_nothing_of_the_app_but_its_settings():
    known = {"conf", "providers"}
    assert not offenders(lambda path: room(path) == "providers" and rooms_imported(path) - known)


def test_models_know_nothing_of_processes_and_pages():
    others = READING | WRITING | {"providers", "admin"}
    assert not offenders(lambda path: room(path) == "models" and rooms_imported(path) & others)


def test_the_pure_ones_stay_pure():
    assert not offenders(
        lambda path: (
            path.parent == ROOT / "streams"
            and path.stem in PURE
            and {name.split(".")[0] for name in imports(path)} & NOT_PURE
        )
    )


def test_only_the_log_touches_the_rows_of_events():
    """By SQL or by the model; `models` says what the table is."""
    touching = re.compile(r"(FROM|INTO|UPDATE|JOIN)\s+streams_event\b|\bEvent\.objects\b")
    assert not offenders(
        lambda path: room(path) not in ("log", "models") and touching.search(path.read_text())
    )


def test_commands_are_thin():
    assert not offenders(lambda path: path.parent.name == "commands" and length(path) > 80)


def test_the_rooms_are_those_on_the_plan():
    found = {path.stem for path in (ROOT / "streams").glob("*.py")}
    found |= {path.parent.name for path in (ROOT / "streams").glob("*/__init__.py")}
    assert found <= set(PLAN.split())


def test_nothing_is_called_helper_manager_service_or_util():
    assert not offenders(lambda path: re.search(r"helper|manager|service|util", path.stem))


def test_a_word_means_one_thing():
    """A Run is never a job, a Conversation never a thread, a delta never a chunk."""
    forbidden = re.compile(r"job|chunk|(^|_)thread", re.IGNORECASE)
    assert not offenders(lambda path: any(forbidden.search(node.name) for node in defined(path)))


def test_every_page_names_all_its_modules_at_once():
    """Or each is only found in the one before it, and a page is deaf for as many round trips."""
    templates = ROOT / "templates" / "streams"
    said = re.compile(r"""(type="module"|rel="modulepreload")[^>]*js/(\w+\.js)""")
    for path in templates.glob("*.html"):
        text = path.read_text()
        modules = templates / f"{path.stem}_modules.html"
        found = said.findall(text + (modules.read_text() if modules.exists() else ""))
        entries = {name for kind, name in found if kind.startswith("type")}
        if entries:
            assert {name for _, name in found} == chain(entries), path.name


def chain(entries: set[str]) -> set[str]:
    """These modules and all that they import."""
    found: set[str] = set()
    waiting = set(entries)
    while waiting:
        name = waiting.pop()
        found.add(name)
        text = (ROOT / "static" / "js" / name).read_text()
        waiting |= set(re.findall(r'from "\./(\w+\.js)"', text)) - found
    return found


def test_a_part_of_a_page_is_made_before_it_is_told_whom_to_call():
    """A constructor that takes a callback may call what is not made yet; `wire` may not."""
    ours = re.compile(r"\bnew (?!Map|Set|Promise|\w+Observer)[A-Z]\w*\(((?:[^()]|\([^()]*\))*)\)")
    for path in (ROOT / "static" / "js").glob("*.js"):
        text = path.read_text()
        taken = re.findall(r"constructor\(([^)]*)\)", text)
        given = ours.findall(text)
        assert not [it for it in taken if re.search(r"\bon\b", it)], path.name
        assert not [it for it in given if re.search(r"=>|\bfunction\b|\bon\b", it)], path.name


def test_no_file_is_long():
    assert not offenders(lambda path: length(path) > LONGEST_FILE)


def test_no_function_is_long():
    assert not offenders(
        lambda path: any(
            node.end_lineno - node.lineno >= LONGEST_FUNCTION
            for node in defined(path)
            if not isinstance(node, ast.ClassDef)
        )
    )


def length(path: Path) -> int:
    return len(path.read_text().splitlines())


def defined(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
