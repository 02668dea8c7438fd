"""The site's own tests. `streams_model` and `run_pending` come with chatstream."""

import pytest
from billing.models import Invoice
from people.models import Member

import streams

pytestmark = pytest.mark.django_db(databases=["default", "people"])


@pytest.fixture(autouse=True)
def _plain_file_names(settings):
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {"staticfiles": {"BACKEND": plain}}


@pytest.fixture
def anna(client):
    anna = Member.objects.create_user("anna@example.com", full_name="Anna")
    client.force_login(anna)
    return anna


@pytest.fixture
def invoice(anna):
    return Invoice.objects.create(number="2026-1", member=anna.pk, text="1 Router, 89 Euro")


def test_an_invoice_is_explained(client, invoice, streams_model, run_pending):
    streams_model.answers("Das ist der Router.")
    client.post(f"{invoice.get_absolute_url()}erklaeren/")
    run_pending()
    assert "Das ist der Router." in client.get(invoice.get_absolute_url()).content.decode()
    (prompt,) = streams_model.prompts
    assert prompt.system == "Antworte auf Deutsch."
    assert prompt.turns[-1].text.endswith("1 Router, 89 Euro")


def test_a_model_that_fails_leaves_the_invoice_readable(
    client, invoice, streams_model, run_pending
):
    streams_model.fails("overloaded", after="Das ist")
    client.post(f"{invoice.get_absolute_url()}erklaeren/")
    run_pending()
    assert client.get(invoice.get_absolute_url()).status_code == 200


def test_once_the_conversation_is_deleted_the_invoice_can_be_explained_again(
    client, anna, invoice, streams_model, run_pending
):
    for answer in ("Das ist der Router.", "Ein Router."):
        streams_model.answers(answer)
        client.post(f"{invoice.get_absolute_url()}erklaeren/")
        run_pending()
        assert answer in client.get(invoice.get_absolute_url()).content.decode()
        (chat,) = streams.conversations(anna)
        chat.delete()
    assert "Erklären" in client.get(invoice.get_absolute_url()).content.decode()
