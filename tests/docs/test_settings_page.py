"""The page of settings matches the comments in the code."""

from __future__ import annotations

import runpy

from django.conf import settings

reference = runpy.run_path(str(settings.BASE_DIR / "docs" / "settings_reference.py"))


def test_the_page_says_what_the_settings_say():
    assert reference["PAGE"].read_text() == reference["page"](), (
        "Write it anew: uv run docs/settings_reference.py"
    )


def test_a_read_of_the_environment_is_found_wherever_it_stands():
    source = (
        'if env.bool("ONE", default=False):\n'
        '    TWO = {"a": env.list("TWO", default=["x", "y"])}\n'
        '#: Long,\n#: and needed.\n# A reason.\nTHREE = required("THREE", "a thing")\n'
    )

    found = list(reference["variables"](source))

    assert [(it.name, it.default, it.meaning) for it in found] == [
        ("ONE", "off", ""),
        ("TWO", "`x,y`", ""),
        ("THREE", "required", "Long, and needed."),
    ]
