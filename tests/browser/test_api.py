"""The page to try the API, which Swagger UI draws under the site's own policy."""

from __future__ import annotations

import json
import re

from streams.models import Conversation
from tests.processes import eventually


def test_a_request_is_tried_from_the_page(open_as, laptop):
    page = open_as(laptop, "/openapi/", color_scheme="dark")
    page.get_by_text("A new conversation", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    body = json.dumps({"title": "Made here", "model": "scripted:demo"})
    page.locator("textarea.body-param__text").fill(body)
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="201").wait_for()
    assert Conversation.objects.get().title == "Made here"

    title = page.locator(".opblock-summary-description").first
    assert lightness(title) > 180
    page.emulate_media(color_scheme="light")
    eventually(lambda: lightness(title) < 100)


def lightness(element):
    """Returns the lightness of the element's letters, from 0 to 255."""
    colour = element.evaluate("it => getComputedStyle(it).color")
    return max(map(float, re.findall(r"[\d.]+", colour)[:3]))
