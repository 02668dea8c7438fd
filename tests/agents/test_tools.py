"""Functions as tools: the description that a model gets, and the arguments that they are given."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pydantic
import pytest

from streams.agents import Agent, Context, ToolError, client_tool, tool
from streams.agents.input_schema import told


class Address(pydantic.BaseModel):
    street: str
    number: int


class Place(pydantic.BaseModel):
    within: Place | Address


@tool(approval="always", timeout=30)
async def send(
    context: Context,
    to: Address,
    on: date,
    json: Annotated[str, pydantic.Field(description="The parcel's label.", max_length=5)] = "",
) -> str:
    """Send a parcel.

    It goes on the day named.
    """
    return f"{to.street} {on.year} {json}"


def test_a_model_is_told_name_docstring_and_schema_without_the_context():
    assert send.spec.name == "send"
    assert send.spec.description == "Send a parcel.\n\nIt goes on the day named."
    schema = send.spec.parameters
    assert list(schema["properties"]) == ["to", "on", "json"]
    assert (schema["type"], schema["required"]) == ("object", ["to", "on"])
    assert schema["properties"]["json"]["description"] == "The parcel's label."
    assert (send.approval, send.repeat, send.timeout) == ("always", "never", 30)
    json.dumps(schema)


def test_whatever_its_parameters_are_a_functions_schema_is_one_that_models_take():
    @tool
    def place(at: Address | None, *, within: Place | Address) -> str:
        """A place."""
        return ""

    for each in (send, place):
        assert told(each.spec.parameters) == each.spec.parameters


def test_a_function_without_parameters_takes_an_empty_object():
    @tool
    def now() -> str:
        """The time."""
        return "noon"

    assert now.spec.parameters["properties"] == {}
    assert now.parse({}) == {}
    assert now() == "noon"


def test_arguments_are_read_by_their_types():
    given = send.parse({"to": {"street": "Elm", "number": "3"}, "on": "2026-11-23"})
    assert given == {"to": Address(street="Elm", number=3), "on": date(2026, 11, 23), "json": ""}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"on": "2026-11-23"}, "to: Field required"),
        ({"to": {"street": "Elm", "number": "x"}, "on": "2026-11-23"}, "to.number: "),
        ({"to": {"street": "E", "number": 1}, "on": "2026-11-23", "more": 1}, "more: Extra"),
    ],
)
def test_wrong_arguments_are_told_to_the_model_without_their_values(
    given: dict[str, Any], named: str
):
    with pytest.raises(ToolError) as caught:
        send.parse(given)
    assert named in str(caught.value)
    assert "Elm" not in str(caught.value)


def test_a_signature_that_no_model_can_be_told_is_refused_where_it_is_written():
    def many(*numbers: int) -> None: ...
    def named(**numbers: int) -> None: ...
    def unknown(thing: type(send)) -> None: ...  # type: ignore[valid-type]

    for function in (many, named, unknown):
        with pytest.raises(TypeError, match=function.__name__):
            tool(function)


@pytest.mark.parametrize(
    "options",
    [{"approval": "maybe"}, {"repeat": "always"}, {"timeout": 0}, {"name": "a b"}, {"name": "ä"}],
)
def test_an_option_that_cannot_be_is_refused_where_it_is_written(options: dict[str, Any]):
    with pytest.raises(TypeError):
        tool(**options)(lambda: None)


def test_a_tool_of_the_client_has_a_schema_and_no_body():
    @client_tool(name="where")
    def locate(accuracy: int) -> str:
        """Where the person is."""
        raise AssertionError

    assert (locate.name, locate.by_client) == ("where", True)
    assert not send.by_client


def test_an_agent_has_each_name_once_and_asks_no_other_agent():
    with pytest.raises(TypeError, match="send"):
        Agent(model="scripted:demo", tools=[send, send])
    with pytest.raises(TypeError, match="agent:other"):
        Agent(model="agent:other")
