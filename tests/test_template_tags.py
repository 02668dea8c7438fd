"""Template tags do once for a page what it shows many times."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.utils import translation

from streams.early_routing import SOME_UUID

IDS = {"one": SOME_UUID, "other": "11111111-2222-3333-4444-555555555555"}


def test_what_is_constant_is_drawn_once_a_page_in_the_pages_language():
    drawn = []

    class Counted:
        def __str__(self):
            drawn.append(self)
            return translation.get_language()

    within = "{{ n }}{% constant %}{{ it }}{% endconstant %}"
    found = Template(f"{{% load streams %}}{{% for n in 'ab' %}}{within}{{% endfor %}}")
    for language in ("en", "de"):
        with translation.override(language):
            shown = found.render(Context({"it": Counted()}))
        assert shown == f"a{language}b{language}"
    assert len(drawn) == 2


@pytest.mark.parametrize("ids", ["one other", "other one", "other other", "one one"])
def test_addresses_are_those_that_url_says(ids):
    wanted = (("edit", ids), ("edit", f"{ids.split()[0]} other"), ("actions", "other"))
    said = (
        f"{{% {tag} 'streams:{name}' {given} %}} "
        for name, given in wanted
        for tag in ("address", "url")
    )
    found = Template("{% load streams %}" + "".join(said)).render(Context(IDS)).split()
    assert len(found) == 6
    assert found[::2] == found[1::2]
