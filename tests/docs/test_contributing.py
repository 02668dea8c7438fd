"""Each invariant that CONTRIBUTING.md names has the tests it says, and every path is there."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
TABLE = re.search(r"^\| invariant \|.*?\n\n", TEXT, flags=re.DOTALL | re.MULTILINE)
INVARIANTS = [line.strip("| ").split(" | ") for line in TABLE[0].splitlines()[2:] if line]


@pytest.fixture(scope="module")
def tests_there():
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return set(re.findall(r"^(?:async )?def (test_\w+)", sources, flags=re.MULTILINE))


@pytest.mark.parametrize(("invariant", "named"), INVARIANTS)
def test_an_invariant_has_the_tests_it_names(invariant, named, tests_there):
    names = re.findall(r"`(test_\w+)`", named)
    assert names
    assert set(names) <= tests_there


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_a_page_beside_the_docs_links_to_is_there(page):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert {link for link in links if not (ROOT / link).exists()} == set()
