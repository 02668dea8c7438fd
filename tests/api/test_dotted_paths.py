"""A site's own provider, policy and prompt, by the dotted paths of its settings."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

import streams
from streams.providers import registry
from streams.testing import run_pending

from ..worker.in_process_worker import working

ACME = {"class": "tests.api.dotted_path_targets.Acme", "key": "k", "options": {"greeting": "Hi"}}


@pytest.fixture
def streams_settings(settings):
    def change(**changes):
        settings.STREAMS = {**settings.STREAMS, **changes}

    return change


def test_a_provider_of_the_sites_own_answers_before_any_of_ours(anna, streams_settings):
    streams_settings(models={"acme": ACME})
    run = streams.start(anna, instructions="Be brief.").ask("Hello")

    run_pending()

    assert run.refresh().text == "Hi from anvil with k: Be brief."
    assert (run.model, registry.offered()[0]) == ("acme:anvil", "acme:anvil")
    assert streams.start(anna, model="acme:other").model == "acme:other"


@pytest.mark.parametrize("debug", [True, False])
def test_one_that_recites_is_no_model_for_people(streams_settings, settings, debug):
    settings.DEBUG = debug
    streams_settings(models={"acme": {**ACME, "class": "tests.api.dotted_path_targets.Reciting"}})

    assert ("acme:anvil" in registry.offered()) is debug
    assert registry.recites("acme:anvil")
    assert not registry.recites("anthropic:any")


def test_a_policy_keeps_a_person_out_of_the_pages(client, anna, bert, streams_settings):
    streams_settings(policy="tests.api.dotted_path_targets.OnlyAnna")

    for person, status in ((anna, 200), (bert, 403)):
        client.force_login(person)
        assert client.get("/c/").status_code == status
    answer = client.get("/c/", headers={"accept": "application/json"})
    assert answer.json()["error"]["code"] == "not_allowed"


def test_a_policy_offers_the_models_there_are_for_a_person(client, anna, streams_settings):
    streams_settings(policy="tests.api.dotted_path_targets.OnlyAnna")
    client.force_login(anna)

    def post(**values):
        return client.post(
            "/c/", values, "application/json", headers={"accept": "application/json"}
        )

    first = post().json()
    assert first["model"] == "scripted:echo"
    assert post(model="scripted:demo").status_code == 201
    assert post(model="scripted:stall").json()["error"]["code"] == "unknown_model"
    change = client.patch(
        first["url"],
        {"model": "scripted:stall"},
        "application/json",
        headers={"accept": "application/json"},
    )
    assert change.json()["error"]["code"] == "unknown_model"
    assert b"scripted:echo" in client.get("/c/").content
    assert streams.start(anna).model == "scripted:echo"


@pytest.mark.parametrize("name", ["with_the_title", "with_the_title_later"])
def test_a_function_of_the_sites_own_shapes_the_prompt(
    anna, streams_model, run_pending, streams_settings, name
):
    streams_settings(context=f"tests.api.dotted_path_targets.{name}")
    streams.start(anna, instructions="Who is").ask("Bert")

    run_pending()

    assert streams_model.prompts[0].system == "Who is Bert?"


@pytest.mark.django_db(transaction=True)
async def test_a_worker_asks_it_in_a_thread(anna, model, streams_settings):
    streams_settings(context="tests.api.dotted_path_targets.with_the_title")
    run = await (await streams.astart(anna)).aask("Bert")
    model.say("Nobody").finish()

    async with working():
        await run.await_(10)

    assert model.prompts[0].system == "Bert?"


def test_a_prompt_that_is_none_fails_its_own_answer(anna, streams_model, streams_settings):
    streams_settings(context="tests.api.dotted_path_targets.nothing")
    streams.start(anna).ask("Hello")

    with pytest.raises(TypeError, match="NoneType"):
        run_pending(streams_model)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"policy": "tests.api.nowhere.Policy"}, "No module named 'tests.api.nowhere'"),
        ({"policy": "tests.api.dotted_path_targets.Acme"}, "has no may_use and no models_for"),
        ({"context": "tests.api.dotted_path_targets.missing"}, "cannot be imported"),
        ({"authenticate": "tests.api.dotted_path_targets.missing"}, "cannot be imported"),
        (
            {"models": {"acme": {"class": "tests.api.dotted_path_targets.nothing"}}},
            "has no stream and no aclose",
        ),
        ({"models": {"acme": {}}}, "has no provider 'acme'"),
    ],
)
def test_a_path_that_leads_nowhere_is_said_by_check(streams_settings, setting, said):
    streams_settings(**setting)

    assert any(said in error.msg for error in run_checks())
