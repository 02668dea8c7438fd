"""Reads a function's signature: the JSON Schema of its arguments, and how to check them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ToolError, need
from .tool_context import Context

MOST_PROBLEMS = 5  # named to the model
TELLING = 200  # characters of each of them


class Signature:
    """The parameters of a function, but for its Context.

    Raises TypeError for a signature that a model cannot be told: one with `*args`, `**kwargs`,
    positional-only parameters, or types that pydantic does not know; NotInstalled without pydantic.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        pydantic = need("pydantic", "agents")
        self.context: str | None = None  # the name of the parameter that takes it
        self.names: dict[str, str] = {}
        fields: dict[str, Any] = {}
        for parameter in parameters(function):
            if parameter.annotation is Context:
                self.context = parameter.name
                continue
            # Under names of our own: those of parameters may be methods of a model's.
            field = f"field_{len(fields)}"
            self.names[field] = parameter.name
            fields[field] = (annotation(parameter), described(pydantic, parameter))
        config = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=False)
        try:
            self._model = pydantic.create_model("Arguments", __config__=config, **fields)
            self.schema: Mapping[str, Any] = plain(self._model.model_json_schema())
        except pydantic.errors.PydanticUserError as error:
            raise TypeError(f"{function.__name__}: {error.message}") from error
        self._invalid: type[Exception] = pydantic.ValidationError

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values by the names of the parameters. Raises ToolError, which says to the
        model what is wrong.
        """
        try:
            read = self._model.model_validate(arguments)
        except self._invalid as error:
            raise ToolError(problems(error)) from error
        return {name: getattr(read, field) for field, name in self.names.items()}


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        found = list(inspect.signature(function, eval_str=True).parameters.values())
    except NameError as error:
        raise TypeError(f"{function.__name__}: {error}; import it where it runs too.") from error
    for parameter in found:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: {parameter} has no name of its own for a model.")
    return found


def annotation(parameter: inspect.Parameter) -> Any:
    return Any if parameter.annotation is parameter.empty else parameter.annotation


def described(pydantic: Any, parameter: inspect.Parameter) -> Any:
    default = ... if parameter.default is parameter.empty else parameter.default
    return pydantic.Field(default, alias=parameter.name)


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Removes the titles that pydantic makes of names: a model is not helped by them."""
    schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    return {"type": "object", "properties": {}} | schema


def problems(error: Any) -> str:
    """Describes what is wrong with arguments, without repeating them."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found]
    return "The arguments are wrong. " + "; ".join(each[:TELLING] for each in said[:MOST_PROBLEMS])
