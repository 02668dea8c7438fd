"""Sphinx builds the site from these pages: `uv run sphinx-build -W docs docs/_build`."""

import tomllib
from pathlib import Path

project = "chatstream"
with open(Path(__file__).resolve().parent.parent / "pyproject.toml", "rb") as file:
    version = release = tomllib.load(file)["project"]["version"]

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4  # so that links to a heading are checked, as on a forge
nitpicky = True

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
