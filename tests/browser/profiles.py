"""Browsers' profiles that one test after another is lent.

A new one has to fetch and compile every script again, which is a third of what opening a page
costs. Here only the cache outlives a test: cookies and all that pages have stored is deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

WITHIN = 15_000  # milliseconds
# Nothing takes these back for sure: a profile of which one was asked is closed after its test.
LASTING = (
    *("add_init_script", "expose_binding", "expose_function", "grant_permissions", "route"),
    *("route_web_socket", "set_extra_http_headers", "set_geolocation", "set_offline"),
)
CLOCK = ("install", "pause_at", "set_fixed_time", "set_system_time")


class Profiles:
    """Contexts of one browser, each lent to one test at a time with nothing of an earlier one."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self._idle: dict[str, list[BrowserContext]] = defaultdict(list)
        self._lent: list[tuple[str, BrowserContext]] = []
        self._spoilt: list[BrowserContext] = []

    def lend(self, **options: Any) -> Page:
        """Returns a new page in a profile that no other page of this test has."""
        kind = repr(sorted(options.items()))
        if used := self._idle[kind]:
            context = used.pop()
            self._lent.append((kind, context))
            page = context.new_page()
            self._forget(page)
            return page
        context = self.browser.new_context(base_url=self.url, **options)
        self._lent.append((kind, context))
        context.set_default_timeout(WITHIN)
        self._watch(context)
        return context.new_page()

    def take_back(self) -> None:
        """Closes every page that a test has opened."""
        while self._lent:
            kind, context = self._lent.pop()
            if any(it is context for it in self._spoilt):
                context.close()
                continue
            for page in context.pages:
                page.close()
            self._idle[kind].append(context)
        self._spoilt.clear()

    def _forget(self, page: Page) -> None:
        """Deletes all but the cache, once closed pages have written their last words."""
        page.context.clear_cookies()
        devtools = page.context.new_cdp_session(page)
        everything = {"origin": self.url, "storageTypes": "all"}
        devtools.send("Storage.clearDataForOrigin", everything)
        devtools.detach()

    def _watch(self, context: BrowserContext) -> None:
        for owner, names in ((context, LASTING), (context.clock, CLOCK)):
            for name in names:
                setattr(owner, name, self._spoiling(context, getattr(owner, name)))

    def _spoiling(self, context: BrowserContext, does: Callable[..., Any]) -> Callable[..., Any]:
        def spoiling(*arguments: Any, **options: Any) -> Any:
            self._spoilt.append(context)
            return does(*arguments, **options)

        return spoiling
