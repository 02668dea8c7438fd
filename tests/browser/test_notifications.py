"""Notifications in a real browser: its service worker shows what is pushed, and stores nothing."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.processes import Web, eventually

from .conftest import sign_in

PUSH = {
    "private_key": "x0BeeyKmZaEH7Kdl9lZGx7gIZHQXXnXS-o8mR-G0MOE",
    "subject": "mailto:us@example.com",
}
# No push service can be reached from a test: what it would give the browser.
SUBSCRIBE = """
Notification.requestPermission = async () => "granted";
const json = { endpoint: "https://push.example/one", keys: {
  p256dh: "BA" + "A".repeat(85), auth: "A".repeat(22) } };
let made = null;
PushManager.prototype.getSubscription = async () => made;
PushManager.prototype.subscribe = async (options) => {
  window.asked = options.applicationServerKey;
  return (made = { toJSON: () => json, unsubscribe: async () => { made = null; } });
};
"""
# Without a window there is no place for a notification.
KEEP = """void (registration.showNotification = async (title, { body, tag, data }) => {
  self.shown = { title, body, tag, url: data.url };
})"""


@pytest.fixture
def web(transactional_db):
    process = Web(STREAMS=json.dumps({"push": PUSH}))
    yield process
    process.stop()


def test_a_device_is_told_until_it_says_no(chromium, web, laptop, conversation):
    context = chromium.new_context(base_url=web.url, permissions=["notifications"])
    sign_in(context, laptop, web.url)
    context.add_init_script(SUBSCRIBE)
    page = context.new_page()
    page.goto("/devices/")
    box = page.get_by_label("Tell me on this device")
    box.check()
    expect(box).to_be_enabled()
    expect(page.locator("#streams-push .refused")).to_be_hidden()
    assert len(page.evaluate("window.asked")) == 87
    assert laptop.push_subscriptions.get().endpoint == "https://push.example/one"

    (script,) = context.service_workers
    script.evaluate(KEEP)
    pushed(
        context, page, web, id="1", run="a" * 32, title="Soup", status="waiting",
        conversation=str(conversation.uuid),
    )  # fmt: skip
    assert eventually(lambda: script.evaluate("self.shown")) == {
        "title": "Soup",
        "body": "It waits for your decision.",
        "tag": "a" * 32,
        "url": f"/c/{conversation.uuid}/",
    }
    assert page.evaluate("caches.keys()") == []

    box.uncheck()
    expect(box).to_be_enabled()
    assert not laptop.push_subscriptions.exists()
    context.close()


def pushed(context, page, web, **payload):
    """Delivers a push message, as the browser does with those of its push service."""
    session = context.new_cdp_session(page)
    registrations = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda it: registrations.extend(it["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    session.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": web.url.rstrip("/"),
            "registrationId": registrations[-1]["registrationId"],
            "data": json.dumps(payload),
        },
    )
