"""The site of the documentation is built without a warning, and stands alone."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from django.conf import settings

DOCS = settings.BASE_DIR / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", DOCS, folder / "html"]
    built = subprocess.run(
        [*command, "-d", folder / "doctrees"], capture_output=True, text=True, timeout=120
    )
    assert not built.returncode, built.stderr
    return folder / "html"


def test_every_page_is_built(site):
    pages = {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")}
    assert pages
    assert {it for it in pages if not (site / f"{it}.html").exists()} == set()


def test_a_page_loads_nothing_from_elsewhere(site):
    loading = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc="(?:https?:)?//|<link[^>]*"//""")
    styled = re.compile(r"""<link[^>]*rel="stylesheet"[^>]*href="(?:https?:)?//""")
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not loading.search(text), page.name
        assert not styled.search(text), page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text()), style.name
