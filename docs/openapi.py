"""Writes streams/openapi.json, the description of the app's own HTTP API as OpenAPI 3.1.

    uv run docs/openapi.py

Addresses are those of `streams.urls`, schemas those of `streams.views.openapi_operations`, and the
words those of docs/reference/http.md.
"""

from __future__ import annotations

import json
import os
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "http.md"
WRITTEN = ROOT / "streams" / "openapi.json"
TITLE = "chatstream"

SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}
DATE_TIME = {"type": "string", "format": "date-time"}
REFUSED = {
    400: "The request could not be read.",
    401: "Nobody is signed in.",
    403: "This person, device or token may not do this.",
    404: "It is not there, or not yours.",
    405: "This address doesn't take that method.",
    409: "Not just now: something else came first.",
    410: "It has ended.",
    413: "That is too long.",
    415: "Send a form or JSON.",
    422: "A field is wrong.",
    429: "Too much at once: see Retry-After.",
    503: "The database is away for a moment.",
}
ALWAYS, WITH_ID, WITH_BODY = (400, 401, 403, 429, 503), (404,), (413, 415, 422)


class Page:
    """The words of the reference: of each address, and of the fields of each shape."""

    def __init__(self, text: str) -> None:
        found = re.split(r"^(###?) (.+)$", text, flags=re.MULTILINE)
        self._sections = dict(zip(found[2::3], found[3::3], strict=True))
        self._groups: dict[str, str] = {}
        group = ""
        for mark, title in zip(found[1::3], found[2::3], strict=True):
            group = title if mark == "##" else group
            self._groups[title] = group

    def group(self, address: str) -> str:
        """Returns the heading that an address stands under."""
        return self._groups[f"`{address}`"]

    def words(self, address: str) -> str:
        """Returns what is said of an address, without its table. Raises KeyError."""
        text = self._sections[f"`{address}`"]
        text = re.sub(r"(?:^\|.*\n)+", "", text, flags=re.MULTILINE)
        # A link's target is a page that is not here.
        text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def fields(self, title: str) -> dict[str, str]:
        """Returns what is said of each field in a section's table, where it has one."""
        text = self._sections.get(title, "")
        rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, flags=re.MULTILINE)
        return {name: re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", said) for name, said in rows}


class Schemas:
    """JSON Schemas of types; those with fields become components of the description."""

    def __init__(self, page: Page) -> None:
        self.components: dict[str, Any] = {}
        self._page = page

    def of(self, kind: Any, said: dict[str, str] | None = None) -> dict[str, Any]:
        """Returns the schema of a type; `said` are the words of its fields."""
        if is_typeddict(kind):
            return self._component(kind, said)
        if kind in SCALARS:
            return dict(SCALARS[kind])
        if getattr(kind, "__name__", "") == "datetime":
            return dict(DATE_TIME)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self.of(arguments[0]) | arguments[1].words
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin in (types.UnionType, typing.Union):
            return {"anyOf": [self.of(each) for each in arguments]}
        raise TypeError(f"no schema for {kind}")

    def _component(self, kind: Any, said: dict[str, str] | None) -> dict[str, Any]:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}
            said = said or self._page.fields(name.lower())
            fields = {it: self._field(it, each, said) for it, each in fields_of(kind).items()}
            required = required_in(kind)
            more = {"required": required} if required else {}
            self.components[name] |= {"type": "object", "properties": fields} | more
        return {"$ref": f"#/components/schemas/{name}"}

    def _field(self, name: str, kind: Any, said: dict[str, str]) -> dict[str, Any]:
        words = said.get(name)
        return self.of(kind) | ({"description": words} if words else {})

    def parameters(self, kind: Any) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "query", "required": False, "schema": self.of(each)}
            | ({"allowEmptyValue": True} if each is bool else {})
            for name, each in fields_of(kind).items()
        ]


def fields_of(kind: Any) -> dict[str, Any]:
    """Returns the type of each field."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: field_type(hint) for name, hint in hints.items()}


def field_type(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def required_in(kind: Any) -> list[str]:
    """Returns the fields that have to be there. `__required_keys__` is wrong where annotations are
    texts."""
    hints = get_type_hints(kind, include_extras=True)
    return [name for name, hint in hints.items() if get_origin(hint) is not NotRequired]


def described() -> dict[str, Any]:
    """Returns the description. Raises KeyError for an address that nothing is said of."""
    page = Page(PAGE.read_text())
    schemas = Schemas(page)
    refused = refusals(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for name, route, method in addresses():
        path, parameters = path_of(route)
        told = operation(name, route, method, page, schemas)
        told["parameters"] = [*parameters, *told.get("parameters", [])]
        paths.setdefault(path, {})[method] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": ABOUT},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "responses": refused,
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An access token."},
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            },
        },
    }


ABOUT = (
    "Conversations and answers, as this site's pages and programs ask for them. Answers come as "
    "JSON to `Accept: application/json`. With a session, whatever is not a GET needs the header "
    "`X-CSRFToken`; an access token needs none."
)


def addresses() -> Iterator[tuple[str, str, str]]:
    """Yields name, route and method of each address of the app's own that programs ask for.

    Raises KeyError for one that is described nowhere.
    """
    from streams.dialects.urls import urlpatterns as dialects
    from streams.urls import urlpatterns
    from streams.views.openapi_operations import OPERATIONS, PAGES

    for pattern in urlpatterns[: len(urlpatterns) - len(dialects)]:
        view = getattr(pattern.callback, "view_class", None)
        for method in ("get", "post", "put", "patch", "delete"):
            if not hasattr(view, method) or method in PAGES.get(pattern.name, ()):
                continue
            if pattern.name in PAGES and pattern.name not in OPERATIONS:
                continue
            OPERATIONS[pattern.name][method]
            yield pattern.name, str(pattern.pattern), method


def path_of(route: str) -> tuple[str, list[dict[str, Any]]]:
    """Returns an address as OpenAPI writes it, and the parameters in it."""
    found = re.findall(r"<(\w+):(\w+)>", route)
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", route)
    return f"/{path}", [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"} | ({"format": "uuid"} if kind == "uuid" else {}),
        }
        for kind, name in found
    ]


def operation(name: str, route: str, method: str, page: Page, schemas: Schemas) -> dict[str, Any]:
    from streams.views.openapi_operations import OPERATIONS

    known = OPERATIONS[name][method]
    written = re.sub(r"<str:(\w+)>", r"<\1>", re.sub(r"<uuid:\w+>", "<id>", route))
    address = f"{method.upper()} /{written}"
    words = page.words(address)
    told: dict[str, Any] = {
        "operationId": f"{method}-{name}",
        "summary": summary_of(words),
        "description": words,
        "tags": [page.group(address)],
    }
    if known.query:
        told["parameters"] = schemas.parameters(known.query)
    if known.body:
        body = schemas.of(known.body, page.fields(f"`{address}`") or None)
        schemas.components[known.body.__name__]["additionalProperties"] = False
        required = bool(required_in(known.body))
        content = {"application/json": {"schema": body}}
        told["requestBody"] = {"required": required, "content": content}
    told["responses"] = responses(known, "<" in route, schemas)
    return told


def summary_of(words: str) -> str:
    """Returns what an address is for: the first sentence that is no status and no shape."""
    text = re.sub(r"^(?:20\d[.:]?|`\{[^`]*`):?\s*", "", words.replace("\n", " "))
    first = re.split(r"[.:;](?:\s|$)", text, maxsplit=1)[0].replace("`", "")
    return first[:1].upper() + first[1:]


def responses(known: Any, has_id: bool, schemas: Schemas) -> dict[str, Any]:
    answers = {}
    for status, kind in known.answers.items():
        answer: dict[str, Any] = {"description": "Done." if kind is None else "The answer."}
        if isinstance(kind, str):
            answer["content"] = {kind: {"schema": {"type": "string"}}}
        elif kind is not None:
            answer["content"] = {"application/json": {"schema": schemas.of(kind)}}
        for media in known.also:
            answer["content"][media] = {"schema": {"type": "string"}}
        answers[str(status)] = answer
    refused = {*ALWAYS, *known.refused}
    refused |= {*WITH_ID} if has_id else set()
    refused |= {*WITH_BODY} if known.body else set()
    refused |= {422} if known.query else set()
    return answers | {str(it): {"$ref": f"#/components/responses/{it}"} for it in sorted(refused)}


def refusals(schemas: Schemas) -> dict[str, Any]:
    from streams.views.schemas import responses as shapes

    content = {"application/json": {"schema": schemas.of(shapes.Refusal)}}
    return {str(it): {"description": said, "content": content} for it, said in REFUSED.items()}


def text() -> str:
    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    WRITTEN.write_text(text())
