from __future__ import annotations

import pytest
from django.test import Client

from streams import access


class Api:
    """A signed-in program: JSON out, JSON in."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, method: str, path: str, body=None, **extra):
        extra.setdefault("headers", {"Accept": "application/json"})
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(path, **data, **extra)


def browser_of(device, **options) -> Client:
    client = Client(**options)
    client.force_login(device.user)
    session = client.session
    session[access.DEVICE_SESSION_KEY] = device.pk
    session.save()
    client.cookies[access.DEVICE_COOKIE] = access.signed_key(device)
    return client


@pytest.fixture
def page(laptop):
    """Anna's browser, as if without JavaScript: it asks for HTML and posts forms."""
    return browser_of(laptop, headers={"Accept": "text/html,*/*;q=0.8"})


@pytest.fixture
def api(laptop):
    return Api(browser_of(laptop))


@pytest.fixture
def bert_api(bert):
    from tests.factories import DeviceFactory

    return Api(browser_of(DeviceFactory(user=bert)))


@pytest.fixture
def stranger():
    return Api(Client())


@pytest.fixture
def here(conversation):
    return f"/c/{conversation.uuid}/"
