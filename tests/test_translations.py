"""Every sentence a person sees can be said in another language, and German says them all."""

from __future__ import annotations

import re

import polib
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.urls import reverse
from django.utils.functional import Promise

from streams.views.script_translations import words

from .processes import debian_program
from .translations import CATALOGUES, PAGES, ROOT, Catalogue

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|</?\w[^>]*>")
SCRIPTS = sorted((ROOT / "static" / "streams" / "js").glob("*.js"))
TEMPLATES = sorted(PAGES.rglob("*.html"))
IN_SCRIPTS = Catalogue("streams", "djangojs")


def german(catalogue, suffix="po"):
    path = catalogue.locale / "de" / "LC_MESSAGES" / f"{catalogue.domain}.{suffix}"
    return polib.pofile(str(path)) if suffix == "po" else polib.mofile(str(path))


def keys(catalogue):
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in catalogue}


def test_the_catalogues_hold_what_the_sources_say(tmp_path):
    """Else run `uv run python -m tests.translations`, and translate what is new."""
    debian_program("xgettext", package="gettext")
    for each in CATALOGUES:
        found = each.collect(tmp_path) / "de" / "LC_MESSAGES" / f"{each.domain}.po"
        assert keys(polib.pofile(str(found))) == keys(german(each)), each


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_german_says_everything_and_leaves_no_gap_out(catalogue):
    for entry in german(catalogue):
        assert not entry.fuzzy, entry.msgid
        said = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        meant = [sorted(PLACEHOLDER.findall(it)) for it in (entry.msgid, entry.msgid_plural)]
        for text in said:
            assert text, entry.msgid
            assert sorted(PLACEHOLDER.findall(text)) in meant, entry.msgid


def test_every_model_can_be_named_in_another_language():
    models = apps.get_app_config("streams").get_models()
    for meta in (model._meta for model in models):
        assert isinstance(meta.verbose_name, Promise), meta.label
        assert isinstance(meta.verbose_name_plural, Promise), meta.label


def columns(one):
    """The columns that a page or list of the admin shows and filters by."""
    named = [*flatten_fieldsets(one.fieldsets or [("", {"fields": one.fields or ()})])]
    if isinstance(one, admin.ModelAdmin):
        named += [
            *one.list_display,
            *(it[0] if type(it) is tuple else it for it in one.list_filter),
        ]
    known = {field.name: field for field in one.opts.get_fields() if field.concrete}
    return [known[name] for name in named if name in known and not hasattr(one, name)]


def test_every_column_of_the_admin_can_be_named_in_another_language():
    ours = [one for one in admin.site._registry.values() if one.opts.app_label == "streams"]
    inlines = [each(one.model, admin.site) for one in ours for each in one.inlines]
    bare = {
        str(field)
        for one in (*ours, *inlines)
        for field in columns(one)
        if not isinstance(field.verbose_name, Promise)
    }
    assert ours
    assert not bare


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_what_is_compiled_is_what_is_written(catalogue):
    def said(entries):
        return {
            (entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in entries
        }

    assert said(german(catalogue, "mo")) == said(german(catalogue))


def test_scripts_say_nothing_but_through_the_catalogue():
    """A sentence begins with a capital and has a space; one inside `gettext(` is looked up."""
    sentence = re.compile(r"""["`][A-Z][a-z']+ [a-z][^"`]*["`]""")
    known = {entry.msgid for entry in german(IN_SCRIPTS)}
    known |= {entry.msgid_plural for entry in german(IN_SCRIPTS)}
    for path in SCRIPTS:
        for line in path.read_text().splitlines():
            if line.strip().startswith("//"):
                continue
            bare = [text for text in sentence.findall(line) if text[1:-1] not in known]
            assert not bare, f"{path.name}: {bare}"


def test_templates_say_nothing_but_through_the_catalogue():
    said = re.compile(
        r"{% blocktranslate.*?{% endblocktranslate %}|{% block bodyclass %}.*?{% endblock %}"
        r"|{#.*?#}|{[{%].*?[}%]}",
        re.DOTALL,
    )
    for path in TEMPLATES:
        text = said.sub("", path.read_text())
        text = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
        text = re.sub(r'data-[\w-]+="[^"]*"', "", text)
        attributes = re.findall(
            r'(?:aria-label|title|placeholder|alt)="([^"]*[a-z]{2}[^"]*)"', text
        )
        assert not attributes, f"{path.name}: {attributes}"
        assert not re.search(r"[A-Za-z]{2}", re.sub(r"<[^>]*>", "", text)), path.name


def test_scripts_have_the_sentences_of_the_log():
    assert words("de")["catalog"]["The model is busy. Try again in a minute."].startswith(
        "Das Modell"
    )
    assert words("de")["plurals"].startswith("101")
    assert words("en")["catalog"] == {}


@pytest.mark.django_db
def test_the_projects_own_pages_are_in_the_readers_language(client):
    for place, status, said in [
        (reverse("login"), 200, "Anmelden"),
        ("/nowhere/", 404, "Nicht hier"),
    ]:
        page = client.get(place, headers={"accept": "text/html", "accept-language": "de-AT"})
        assert page.status_code == status
        assert f"<h1>{said}</h1>" in page.content.decode()
        other = client.get(place, headers={"accept": "text/html", "accept-language": "fr"})
        assert said not in other.content.decode()
