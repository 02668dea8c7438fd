"""A call of a tool has a result, also when the tool fails, hangs or returns too much."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connections

from streams.agents import Context, Tool, ToolError, ToolResult, deadline, tool
from streams.agents.calling import FAILED, GOES_ON, call, needs_approval
from streams.agents.deadline import begun

CONTEXT = Context(user="ann", conversation=None, run=None, idempotency_key="k")  # type: ignore[arg-type]


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.005)


def ok(text: str) -> ToolResult:
    return ToolResult("ok", text)


@tool
async def greet(context: Context, name: str = "you") -> str:
    return f"{context.user} greets {name}"


def nothing() -> None: ...


class Panic(BaseException):
    """An exception as extensions written in Rust raise it."""


@tool
def table() -> dict[str, Any]:
    return {"rows": [1, 2], "name": "ä"}


async def test_what_a_tool_returns_is_text_or_becomes_json() -> None:
    assert await call(greet, CONTEXT, '{"name": "Bob"}') == ok("ann greets Bob")
    assert await call(greet, CONTEXT, "") == ok("ann greets you")
    assert await call(table, CONTEXT, "{}") == ok('{"rows":[1,2],"name":"ä"}')
    assert await call(tool(name="nothing")(nothing), CONTEXT, "{}") == ok("")


@pytest.mark.parametrize("given", ["{", "[]", "null", '"x"', '{"nam": 1}', "{} {}", "[" * 10_000])
async def test_arguments_that_cannot_be_are_an_error_for_the_model(given: str) -> None:
    result = await call(greet, CONTEXT, given)
    assert result.status == "error"
    assert "arguments" in result.text


async def test_arguments_results_and_progress_have_bounds_in_bytes(settings: Any) -> None:
    settings.STREAMS = {**settings.STREAMS, "tool_arguments_bytes": 100, "tool_result_bytes": 101}
    settings.STREAMS["tool_progress_bytes"] = 11
    notes: list[str] = []

    @tool
    async def long(context: Context) -> str:
        context.progress("é" * 1000)
        await until(lambda: notes)
        return "é\x00" * 1000

    assert "100 bytes" in (await call(greet, CONTEXT, '{"name": "' + "ö" * 50 + '"}')).text
    told = (await call(long, CONTEXT, "{}", keep(notes))).text
    kept, _, cut = told.partition("\n[Cut off here")
    assert kept == "é\N{REPLACEMENT CHARACTER}" * 20  # 5 bytes each; half of the next would fit
    assert "3000 bytes" in cut
    assert notes == ["é" * 5]


def keep(notes: list[str]) -> Any:
    async def tell(text: str) -> None:
        notes.append(text)

    return tell


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ToolError("Order 3 is not yours."), "Order 3 is not yours."),
        (RuntimeError("password=x"), FAILED),
        (TimeoutError("of its own"), FAILED),
        (asyncio.CancelledError(), FAILED),
        (SystemExit(1), FAILED),
        (KeyboardInterrupt(), FAILED),
        (Panic("password=x"), FAILED),
        (StopIteration(), FAILED),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
async def test_an_exception_is_an_error_and_its_words_are_kept_unless_it_is_ours(
    raised: BaseException, told: str, plain: bool
) -> None:
    def here() -> None:
        raise raised

    async def there() -> None:
        raise raised

    assert await call(tool(here if plain else there), CONTEXT, "{}") == ToolResult("error", told)


@pytest.mark.parametrize("plain", [True, False])
async def test_a_tool_that_takes_too_long_is_stopped_and_the_model_told(plain: bool) -> None:
    over = threading.Event()

    @tool(timeout=0.05)
    def waits() -> None:
        over.wait(10)

    @tool(timeout=0.05)
    async def sleeps() -> None:
        await asyncio.sleep(10)

    result = await call(waits if plain else sleeps, CONTEXT, "{}")
    over.set()
    assert result.status == "error"
    assert "0.05 s" in result.text


async def test_a_tool_that_catches_its_cancellation_holds_nobody_up(monkeypatch: Any) -> None:
    """Neither its run, whose timeout it outlives, nor whoever stops that."""
    monkeypatch.setattr(deadline, "GRACE", 0.05)
    over, spoiled = asyncio.Event(), 0

    async def stubborn() -> str:
        nonlocal spoiled
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                spoiled += 1
        return "at last"

    async def asking(context: Context, arguments: Any) -> bool:
        return bool(await stubborn())

    try:
        result = await call(tool(timeout=0.05)(stubborn), CONTEXT, "{}")
        assert (result.status, result.text) == ("error", GOES_ON % 0.05)
        asks = tool(approval=asking, timeout=0.05)(nothing)
        assert await needs_approval(asks, CONTEXT, "{}")
        calling = asyncio.create_task(call(tool(stubborn), CONTEXT, "{}"))
        await until(lambda: len(deadline._left) == 3)
        await asyncio.sleep(0.01)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert spoiled == 3
    finally:
        over.set()
        await until(lambda: not deadline._left)


@pytest.mark.parametrize(
    "raised", [RuntimeError(), SystemExit(1), Panic(), asyncio.CancelledError()]
)
async def test_a_call_needs_a_yes_where_nobody_could_tell(raised: BaseException) -> None:
    async def asking(context: Context, arguments: Any) -> bool:
        raise raised

    def plainly(context: Context, arguments: Any) -> bool:
        raise raised

    for approval in (asking, plainly):
        assert await needs_approval(tool(approval=approval)(nothing), CONTEXT, "{}")


async def test_cancelling_a_call_cancels_the_tool() -> None:
    ended = asyncio.Event()

    @tool
    async def forever() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.set()

    calling = asyncio.create_task(call(forever, CONTEXT, "{}"))
    await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert ended.is_set()


@pytest.mark.parametrize(("every", "last"), [(3600, ["0"]), (0.01, ["499"])])
async def test_progress_is_told_in_order_the_last_of_many_and_from_threads(
    settings: Any, every: float, last: list[str]
) -> None:
    settings.STREAMS = {**settings.STREAMS, "tool_progress_every": every}
    notes: list[str] = []

    @tool
    def count(context: Context) -> str:
        context.progress("0")
        while not notes:
            time.sleep(0.01)
        for number in range(1, 500):
            context.progress(str(number))
        while notes[-1:] != last:
            time.sleep(0.01)
        return "done"

    assert await call(count, CONTEXT, "{}", keep(notes)) == ok("done")
    assert notes == sorted(notes, key=int)
    assert len(notes) == 1 if every > 1 else len(notes) > 1


async def test_nobody_has_to_listen_to_progress() -> None:
    @tool
    def count(context: Context) -> str:
        context.progress("1")
        return "done"

    assert await call(count, CONTEXT, "{}") == ok("done")


async def test_plain_tools_run_at_once_and_no_more_than_the_setting(settings: Any) -> None:
    settings.STREAMS = {**settings.STREAMS, "tool_threads": 3}
    at_once, most = 0, 0

    @tool
    def busy() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        while most < 3:
            time.sleep(0.01)
        time.sleep(0.05)  # for one more, which must not come
        at_once -= 1

    await asyncio.gather(*(call(busy, CONTEXT, "{}") for _ in range(7)))
    assert most == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("plain", [True, False])
async def test_a_tool_gives_the_database_connection_back(plain: bool) -> None:
    used: list[Any] = []
    users = get_user_model().objects

    @tool
    def count() -> int:
        used.append(connections["default"])
        return users.count()

    @tool
    async def acount() -> int:
        used.append(await sync_to_async(lambda: connections["default"])())
        return await users.acount()

    assert await call(count if plain else acount, CONTEXT, "{}") == ok("0")
    await until(lambda: used[0].connection is None)


async def test_a_tool_asks_for_a_yes_as_its_approval_says() -> None:
    def large(context: Context, arguments: Any) -> bool:
        return arguments["amount"] > 100 and context.user == "ann"

    async def small(context: Context, arguments: Any) -> bool:
        return arguments["amount"] < 100

    def breaks(context: Context, arguments: Any) -> bool:
        raise RuntimeError

    def pay(amount: int) -> None: ...

    def asking(approval: Any) -> Tool:
        return tool(approval=approval)(pay)

    async def asks(approval: Any, amount: object) -> bool:
        return await needs_approval(asking(approval), CONTEXT, f'{{"amount": {amount}}}')

    assert [await asks(each, 101) for each in ("never", "always", large, small, breaks)] == [
        *(False, True, True, False, True)
    ]
    assert not await asks(large, 100)
    assert not await asks(large, '"x"')  # it does nothing


async def test_work_that_is_cancelled_before_its_first_step_is_closed():
    async def work() -> None:
        raise AssertionError("it has begun")

    waiting = work()
    task = begun(waiting)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)  # callbacks come after
    assert inspect.getcoroutinestate(waiting) == inspect.CORO_CLOSED
