"""The page of commands names every command and option of ours, and no other."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from .pages import DOCS, sections, tables

ROOT = settings.BASE_DIR

OURS = {name for name, app in get_commands().items() if app in ("streams", "chatstream")}
COMMON = {
    option
    for action in BaseCommand().create_parser("manage.py", "any")._actions
    for option in action.option_strings
}


def test_every_command_is_on_the_page():
    assert set(sections("reference/commands.md", level=2)) == OURS


@pytest.mark.parametrize("name", sorted(OURS - {"benchmark", "migrate"}))
def test_its_options_are_those_on_the_page(name):
    command = load_command_class(get_commands()[name], name)
    actions = command.create_parser("manage.py", name)._actions
    there = {option for action in actions for option in action.option_strings} - COMMON

    said = tables(sections("reference/commands.md", level=2)[name])

    assert {row[0].strip("| ") for _, rows in said for row in rows} == there


@pytest.mark.parametrize(
    "page", [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
)
def test_a_command_that_a_page_names_is_there(page):
    assert set(re.findall(r"manage\.py ([a-z]+)", page.read_text())) <= set(get_commands())
