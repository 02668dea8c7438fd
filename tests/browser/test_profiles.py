"""Profiles of browsers keep nothing of one test for the next."""

import pytest

PLACE = "/healthz"
LEAVE = """
    localStorage.left = sessionStorage.left = document.cookie = "left=1";
    addEventListener("pagehide", () => (localStorage.late = 1));
"""
FOUND = "[localStorage.length, sessionStorage.length, document.cookie, typeof left]"


def opened(profiles):
    page = profiles.lend()
    page.goto(PLACE)
    return page


def test_of_one_test_the_cache_alone_is_left(profiles):
    page = opened(profiles)
    page.evaluate(LEAVE)
    assert page.evaluate(FOUND)[:3] == [1, 1, "left=1"]
    profiles.take_back()
    again = opened(profiles)
    assert again.context is page.context
    assert again.evaluate(FOUND) == [0, 0, "", "undefined"]
    profiles.take_back()


@pytest.mark.parametrize(
    "change",
    [
        lambda page: page.context.add_init_script("var left = 1"),
        lambda page: page.context.set_offline(True),
        lambda page: page.clock.install(),
    ],
    ids=["script", "network", "clock"],
)
def test_who_changes_it_for_good_was_the_last_to_have_it(profiles, change):
    page = opened(profiles)
    change(page)
    profiles.take_back()
    again = opened(profiles)
    assert again.context is not page.context
    assert again.evaluate(FOUND) == [0, 0, "", "undefined"]
    profiles.take_back()
