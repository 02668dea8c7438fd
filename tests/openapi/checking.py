"""Asks a running server for whatever its description allows and forbids, in one person's name."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from streams.models import Device, Pairing, Share
from tests.factories import ConversationFactory, DeviceFactory
from tests.views.answers import begin, complete, say, waiting
from tests.views.conftest import browser_of

TOKEN = "t" * 32
FEW = 4  # requests of a kind
# What depends on what is there, and no shape can say: of `invalid`, with the field.
BY_WHAT_IS_THERE = {
    ("bad_request", None),  # an address with U+0000
    ("invalid", "name"),  # of characters that cannot be seen, and are left out
    ("bad_cursor", "before"),
    ("unknown_model", "model"),
    ("wrong_code", "code"),
    ("invalid", "branch"),
    ("invalid", "parent"),
    ("invalid", "decision"),
    ("invalid", "file"),  # whose content no shape describes
    ("invalid", "attachments"),
    ("too_many_files", "attachments"),
    *(("invalid", field) for field in ("endpoint", "p256dh", "auth")),
}


class Checking:
    """`faults` are those of the operations that were checked, in schemathesis' own words."""

    def __init__(self, url: str, laptop: Device, most: int) -> None:
        self.url = url
        self.laptop = laptop
        self.most = most
        self.faults: list[str] = []
        browser = browser_of(laptop)
        self.description = browser.get("/openapi.json", headers={"Accept": "*/*"}).json()
        cookies = {name: it.value for name, it in browser.cookies.items()} | {"csrftoken": TOKEN}
        self.headers = {
            "Accept": "application/json",
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-CSRFToken": TOKEN,
            "Origin": url,
        }

    def operations(self):
        """All but streams of events and uploads, which have tests of their own."""
        description = closed(self.description)
        del description["security"]  # or tokens are made up, which nobody has
        found = schemathesis.openapi.from_dict(description).get_all_operations()
        apart = ("/events", "/attachments/")
        return [it for each in found if not (it := each.ok()).path.endswith(apart)]

    def check(self, operation) -> None:
        places = self.places(operation.path)
        kinds = [operation.as_strategy()]
        if places:
            kinds.append(operation.as_strategy(path_parameters=places))
        if operation.body or operation.query:
            wrong = GenerationMode.NEGATIVE
            kinds.append(operation.as_strategy(generation_mode=wrong, path_parameters=places))

        @settings(
            max_examples=self.most,
            database=None,
            derandomize=self.most <= FEW,  # more examples are asked for to find something new
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(case=st.one_of(kinds))
        def answers_as_described(case):
            try:
                self.validate(case)
            except FailureGroup as failures:
                self.faults.append(f"{operation.label}: {failures}")

        answers_as_described()

    def validate(self, case) -> None:
        answer = case.call(base_url=self.url, headers=self.headers)
        told = answer.json() if answer.status_code in (400, 422) else {}
        error = told.get("error", {})
        skipped = []
        if (error.get("code"), error.get("field")) in BY_WHAT_IS_THERE:
            skipped.append(positive_data_acceptance)
        if answer.status_code == 413:  # which is a refusal, and not on its list
            skipped.append(negative_data_rejection)
        case.validate_response(answer, headers=self.headers, excluded_checks=skipped)

    def places(self, path: str) -> dict[str, str]:
        """Returns the ids in a path, of what the person has: made anew, since some operations end
        it."""
        if "{" not in path:
            return {}
        return {name: it for name, it in self.made(path).items() if f"{{{name}}}" in path}

    def made(self, path: str) -> dict[str, str]:
        conversation = ConversationFactory(owner=self.laptop.user)
        _, run, _ = conversation.post("Hello", self.laptop)
        if path.startswith("/pair"):
            opened = Pairing.open(self.laptop, conversation)
            return {"uuid": str(opened.pairing.uuid), "token": opened.token}
        if "share" in path:
            begin(run)
            say(run, "Hi")
            complete(run)
        if path.startswith("/share"):
            said = {"role": "user", "text": "Hello", "at": "2026-11-01T00:00:00+00:00"}
            share = Share.make(conversation, "Hello", [said])
            return {"uuid": str(share.uuid), "token": share.token}
        if path.startswith("/devices"):
            return {"uuid": str(DeviceFactory(user=self.laptop.user).uuid)}
        here = run if path.startswith("/runs") else conversation
        call = {"call": str(waiting(run).uuid)} if "{call}" in path else {}
        return {"uuid": str(here.uuid), "message": str(run.prompt.uuid), **call}


def closed(description):
    """Returns the description with answers that have no field beside those it names."""
    for schema in description["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return description
