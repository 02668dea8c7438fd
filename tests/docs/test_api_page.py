"""The page of the Python API names everything public, and so does code that is type-checked."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib

import pytest
from django.conf import settings

import streams
from streams import policy, testing

from .pages import DOCS, sections

PAGE = (DOCS / "reference" / "api.md").read_text()
# The words of its code, in blocks and in sentences.
CODE = set(re.findall(r"\w+", " ".join(re.findall(r"```.*?```|`[^`]+`", PAGE, re.DOTALL))))
SITE = settings.BASE_DIR / "tests" / "typing" / "portal.py"
CLASSES = (
    *(value for name in streams.__all__ if inspect.isclass(value := getattr(streams, name))),
    policy.Policy,
    testing.FakeModel,
)
OF_PROVIDERS = {"stream", "models", "aclose", "name", "skipped"}  # which FakeModel is one of


def public(kind):
    names = {*vars(kind), *getattr(kind, "__annotations__", ())}
    return sorted(name for name in names if not name.startswith("_"))


MEMBERS = [(kind, name) for kind in CLASSES for name in public(kind) if name not in OF_PROVIDERS]


def twin(name):
    """Returns the name of the synchronous twin: `ask` of `aask`, `wait` of `await_`."""
    return name.removeprefix("a").removesuffix("_")


def test_every_public_name_has_its_section_and_no_other():
    found = {name for name in sections("reference/api.md", level=2) if name.startswith("streams.")}
    named = {f"streams.{name}" for name in streams.__all__}
    assert found == {name for name in named if f"streams.{twin(name[8:])}" not in named - {name}}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_member_is_on_the_page(kind):
    assert not {name for of, name in MEMBERS if of is kind and not {name, twin(name)} & CODE}


def test_everything_public_says_what_it_is():
    functions = [getattr(streams, name) for name in streams.__all__]
    bare = [it.__qualname__ for it in functions if not inspect.getdoc(it)]
    for kind, name in MEMBERS:
        member = vars(kind).get(name)
        member = member.fget if isinstance(member, property) else member
        if callable(member) and not member.__doc__:
            bare.append(f"{kind.__name__}.{name}")
    assert not bare


def test_a_sites_code_uses_every_public_name():
    used = set(re.findall(r"\w+", SITE.read_text()))
    assert not set(streams.__all__) - used
    assert not {name for _, name in MEMBERS} - used


def test_a_sites_code_uses_every_name_that_the_pages_have_it_import():
    pages = "".join(page.read_text() for page in DOCS.rglob("*.md"))
    said = re.findall(r"^from streams\.[\w.]+ import ([\w, ]+)$", pages, re.MULTILINE)
    named = {name for names in said for name in re.findall(r"\w+", names)}
    named |= {*re.findall(r"`streams\.(?:exceptions|providers|signals)[\w.]*\.(\w+)`", PAGE)}
    assert {"get_asgi_application", "tool", "Provider", "run_waiting"} <= named
    assert not named - {*re.findall(r"\w+", SITE.read_text())}


def test_that_code_is_type_checked_strictly_with_everything_else():
    config = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["mypy"]
    assert config["strict"]
    assert "tests/typing" in config["files"]


def test_importing_it_needs_no_settings():
    code = "import sys, streams; dir(streams); print('django' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
