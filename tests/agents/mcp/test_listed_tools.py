"""What servers list, as models are told of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from streams.agents.mcp.connection import MOST_TOOLS, Connection, pages
from streams.agents.mcp.mcp_tool import SCHEMA, name_of, told_schema


@pytest.mark.parametrize("page", [300, 1000])
async def test_of_a_server_that_lists_no_end_of_tools_some_are_taken(page: int) -> None:
    class Endless:
        async def list_tools(self, **_: Any) -> Any:
            return SimpleNamespace(tools=[None] * page, next_cursor="more")

    assert len([each async for each in pages(Endless())]) == MOST_TOOLS


class Listing:
    """A client whose server lists these tools, of these schemas."""

    def __init__(self, *schemas: Any) -> None:
        self.tools = [
            SimpleNamespace(name=f"t{n}", description="", annotations=None, input_schema=schema)
            for n, schema in enumerate(schemas)
        ]

    async def list_tools(self, **_: Any) -> Any:
        return SimpleNamespace(tools=self.tools, next_cursor=None)


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {**PLAIN, "description": "x" * SCHEMA},
        {**PLAIN, "maximum": 2**65},
        {**PLAIN, "description": "\ud83d"},
        nested(300),
        nested(60),
        {"anyOf": [PLAIN]},
        {**PLAIN, "oneOf": [{"required": ["a"]}]},
        {"$ref": "#/$defs/A", "$defs": {"A": PLAIN}},
        {"properties": []},
    ],
)
async def test_a_tool_for_which_models_would_refuse_all_of_them_is_left_out_alone(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def opened(self: Connection) -> AsyncIterator[Any]:
        yield Listing(schema, PLAIN)

    monkeypatch.setattr(Connection, "_opened", opened)
    connection = Connection("s", {}, "")
    assert [each.spec.name for each in await connection.tools()] == ["s__t1"]
    assert not connection.gone
    assert "MCP server s: 't0' is left out: its schema" in caplog.text
    await connection.aclose()


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (PLAIN, PLAIN),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": PLAIN["properties"]}, PLAIN),
        ({**PLAIN, "default": float("nan")}, {**PLAIN, "default": None}),
    ],
)
def test_a_schema_is_told_with_what_models_want_said(
    schema: dict[str, Any], told: dict[str, Any]
) -> None:
    assert told_schema(SimpleNamespace(input_schema=schema)) == told


def test_names_are_such_that_every_model_takes_them_and_stay_apart() -> None:
    assert name_of("files", "read") == "files__read"
    odd = [name_of("files", name) for name in ("a.b", "a_b", "a b", "x" * 100, "x" * 101)]
    assert len(set(odd)) == 5
    halves = [("a", "b__c"), ("a__b", "c"), ("a", "_b"), ("a_", "b")]
    halves += [("a__b", "c__d"), ("a__b__c", "d")]
    halves += [("x__y", "tool"), ("x", name_of("x__y", "tool").removeprefix("x__"))]
    assert len({name_of(*each) for each in halves}) == len(halves)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in odd)
