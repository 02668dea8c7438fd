"""The description of the API matches its sources, and the server behaves as it says."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.processes import Web
from tests.views.conftest import Api, browser_of


@pytest.mark.django_db
def test_it_is_for_who_is_signed_in_below_where_the_site_has_us(laptop, settings):
    api = Api(browser_of(laptop))
    assert Api(Client())("get", "/openapi.json").status_code == 401
    assert api("get", "/openapi.json").json()["servers"] == [{"url": "/"}]
    assert "swagger-ui-bundle.js" in api("get", "/openapi/").content.decode()
    settings.INSTALLED_APPS = [it for it in settings.INSTALLED_APPS if "sidecar" not in it]
    assert api("get", "/openapi/").status_code == 404


@pytest.mark.timeout(3600)  # with many `--requests`
@pytest.mark.django_db(transaction=True)
def test_the_running_server_does_what_the_description_says(spawn, laptop, pytestconfig):
    web = spawn(Web)
    from .checking import Checking  # schemathesis, which no process has to import to collect

    checking = Checking(web.url, laptop, pytestconfig.getoption("--requests"))
    for operation in checking.operations():
        checking.check(operation)
    assert not checking.faults, "\n\n".join(checking.faults)
