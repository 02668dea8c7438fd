"""The architecture: which folder may import which, who may write SQL for events, file lengths."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE, LONGEST_FUNCTION = 250, 45

# What each folder of the app may import, beside the files that stand alone at the top. The two
# halves, `worker` (writing) and `realtime` (reading), meet in the database alone.
FOLDERS = {
    "admin": {"log", "models", "postgres", "providers", "views"},
    "agents": {"api", "models", "postgres", "providers"},
    "api": {"attachments", "log", "models", "postgres", "providers", "views"},
    "dialects": {
        "agents",
        "attachments",
        "http",
        "log",
        "models",
        "postgres",
        "providers",
        "realtime",
        "views",
    },
    "attachments": set(),
    "contrib": {"providers"},
    "http": set(),
    "log": {"postgres"},
    "management": {"agents", "log", "models", "postgres", "providers", "worker"},
    "markdown": set(),
    "models": {"attachments", "log", "postgres"},
    "postgres": set(),
    "providers": set(),
    "realtime": {"http", "log", "models", "postgres"},
    "starts": {"http", "log", "models", "postgres", "realtime", "views"},
    "views": {
        "attachments",
        "http",
        "log",
        "markdown",
        "models",
        "postgres",
        "providers",
        "realtime",
    },
    "worker": {"agents", "api", "attachments", "log", "models", "postgres", "providers"},
}
ALONE = {"migrations", "templatetags"}

PURE = (
    "log/call_states",
    "log/imported_calls",
    "log/file_references",
    "log/transcript_types",
    "log/transcript",
    "realtime/cursor",
    "realtime/sse",
    "text_cleaning",
)
NOT_PURE = {"asyncio", "django", "psycopg"}


def sources(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


OURS = sources("streams", "chatstream")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part(path: Path) -> str:
    """`streams.providers.openai` is in `providers`, and `streams.conf` in `conf`."""
    return [*name_of(path).split("."), ""][1]


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module a file imports when it runs, as a full name."""
    found: set[str] = set()
    for node in running(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = absolute(path, node)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields the nodes of a module without those that only a type checker reads."""
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


def folders_imported(path: Path) -> set[str]:
    found = {name.split(".")[1] for name in imports(path) if name.startswith("streams.")}
    return found & FOLDERS.keys() - {part(path)}


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


def test_a_folder_imports_only_the_folders_it_may():
    known = {name: folders for name, folders in FOLDERS.items() if name not in ALONE}
    assert not offenders(lambda path: folders_imported(path) - known.get(part(path), {*FOLDERS}))


def test_no_file_of_the_app_assumes_which_database_is_its_own():
    """Routers say so: `connection` and `atomic` of `streams.postgres.database` ask them."""
    assumed = {f"django.db.{name}" for name in ("connection", "transaction", "DEFAULT_DB_ALIAS")}
    app, asks = ROOT / "streams", ROOT / "streams" / "postgres" / "database.py"
    assert not offenders(
        lambda path: path.is_relative_to(app) and path != asks and assumed & {*imports(path)}
    )


def test_writing_and_reading_never_import_each_other():
    """Nor through the files at the top that both may import."""
    top = {path.stem: folders_imported(path) for path in (ROOT / "streams").glob("*.py")}
    halves = [path for path in OURS if part(path) in ("worker", "realtime")]
    shared = {name.split(".")[1] for path in halves for name in imports(path) if "streams." in name}
    for name in shared & top.keys():
        assert not top[name] & {"worker", "realtime"}, name
    assert not {"realtime", "views"} & FOLDERS["worker"]
    assert "worker" not in FOLDERS["realtime"] | FOLDERS["views"]


def test_no_module_imports_itself_through_others():
    waiting = {
        name_of(path): {
            target
            for name in imports(path)
            if (target := module(name)) and not f"{name_of(path)}.".startswith(f"{target}.")
        }
        for path in OURS
    }
    while free := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    assert not waiting


def module(name: str) -> str | None:
    """The module of ours that a full name is, or is in."""
    parent = name.rpartition(".")[0]
    return name if name in names() else parent if parent in names() else None


@cache
def names() -> frozenset[str]:
    return frozenset(name_of(path) for path in OURS)


def test_providers_know_nothing_of_the_app_but_its_settings():
    known = {"conf", "providers"}
    assert not offenders(
        lambda path: (
            part(path) == "providers"
            and {name.split(".")[1] for name in imports(path) if name.startswith("streams.")}
            - known
        )
    )


def test_the_pure_ones_stay_pure():
    assert not offenders(
        lambda path: (
            path.is_relative_to(ROOT / "streams")
            and str(path.relative_to(ROOT / "streams").with_suffix("")) in PURE
            and {name.split(".")[0] for name in imports(path)} & NOT_PURE
        )
    )


def test_only_the_log_touches_the_rows_of_events():
    """By SQL or by the model; `models` says what the table is."""
    touching = re.compile(r"(FROM|INTO|UPDATE|JOIN)\s+streams_event\b|\bEvent\.objects\b")
    assert not offenders(
        lambda path: part(path) not in ("log", "models") and touching.search(path.read_text())
    )


def test_commands_are_thin():
    assert not offenders(lambda path: path.parent.name == "commands" and length(path) > 80)


def test_every_folder_is_named_in_the_table():
    found = {path.parent.name for path in (ROOT / "streams").glob("*/__init__.py")}
    assert found - ALONE == FOLDERS.keys()


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
        included = re.findall(r'include "streams/(\w+_modules\.html)"', text)
        found = said.findall(text + "".join((templates / name).read_text() for name in included))
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
        text = (ROOT / "static" / "streams" / "js" / name).read_text()
        waiting |= set(re.findall(r'from "\./(\w+\.js)"', text)) - found
    return found


def test_a_part_of_a_page_is_made_before_it_is_told_whom_to_call():
    """A constructor that takes a callback may call what is not made yet; `wire` may not."""
    ours = re.compile(r"\bnew (?!Map|Set|Promise|\w+Observer)[A-Z]\w*\(((?:[^()]|\([^()]*\))*)\)")
    for path in (ROOT / "static" / "streams" / "js").glob("*.js"):
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


def test_the_app_takes_no_command_of_djangos_over():
    own = {path.stem for path in (ROOT / "streams/management/commands").glob("[!_]*.py")}
    djangos = {name for name, app in get_commands().items() if app.startswith("django.")}
    assert own
    assert not own & {*djangos, "migrate"}
