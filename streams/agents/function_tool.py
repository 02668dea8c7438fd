"""Tools that are functions of the site's own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from ..providers.prompt import ToolSpec
from .errors import ToolError
from .signature import Signature
from .tool import Approval, Arguments, Repeat, Tool
from .tool_context import Context
from .tool_threads import apart, with_own_connections

P = ParamSpec("P")
R = TypeVar("R")


class FunctionTool(Tool, Generic[P, R]):
    """A function that a model may call. Called from Python it is the function that it was."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str = "",
        approval: Approval = "never",
        repeat: Repeat = "never",
        timeout: float | None = None,
        title: str = "",
        running: str = "",
        done: str = "",
    ) -> None:
        self.signature = Signature(function)
        spec = ToolSpec(
            name or function.__name__, inspect.getdoc(function) or "", self.signature.schema
        )
        words = {"title": title, "running": running, "done": done}
        super().__init__(spec, approval=approval, repeat=repeat, timeout=timeout, **words)
        self.function = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def parse(self, arguments: Arguments) -> Arguments:
        return self.signature.parse(arguments)

    async def run(self, context: Context, arguments: Arguments) -> object:
        """Calls the function: an asynchronous one here, a plain one in a thread. Either gives the
        database connection back that it used."""
        given = dict(arguments)
        if self.signature.context:
            given[self.signature.context] = context
        function = cast(Callable[..., Any], self.function)
        if inspect.iscoroutinefunction(function):
            return await with_own_connections(cast(Awaitable[Any], function(**given)))
        made = await apart(function, **given)
        return await with_own_connections(made) if inspect.isawaitable(made) else made


class ClientTool(FunctionTool[P, R]):
    """A tool that the client runs: a person's browser, or a program that holds a token."""

    by_client = True

    async def run(self, context: Context, arguments: Arguments) -> object:
        raise ToolError("This tool is run by the client.")


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...


@overload
def tool(
    *,
    name: str = "",
    approval: Approval = "never",
    repeat: Repeat = "never",
    timeout: float | None = None,
    title: str = "",
    running: str = "",
    done: str = "",
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a tool of a function, plain or asynchronous.

    Its signature says which arguments there are, as pydantic reads it, and a parameter annotated
    with Context gets that. The docstring is what the model is told of it. What it returns is text,
    or becomes JSON. The options are those of `Tool`, and `name` where the function's own is not to
    be shown. Raises TypeError where the signature or an option cannot be.
    """
    if function is not None:
        return FunctionTool(function)
    return lambda function: FunctionTool(function, **options)


@overload
def client_tool(function: Callable[P, R], /) -> ClientTool[P, R]: ...


@overload
def client_tool(
    *,
    name: str = "",
    approval: Approval = "never",
    title: str = "",
    running: str = "",
    done: str = "",
) -> Callable[[Callable[P, R]], ClientTool[P, R]]: ...


def client_tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a tool of a function's signature and docstring that the client runs.

    The body is never run. The run waits until the client has posted the result of the call.
    """
    if function is not None:
        return ClientTool(function)
    return lambda function: ClientTool(function, **options)
