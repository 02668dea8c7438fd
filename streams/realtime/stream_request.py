"""Parses a request to the routes of streams, before Django's handler, and finds what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from streams import access
from streams.exceptions import BadRequest, MethodNotAllowed, StreamsError
from streams.http import cookie_parser
from streams.realtime import cursor


@dataclass(frozen=True, slots=True)
class Request:
    """What a stream needs of an ASGI scope."""

    scope: Mapping[str, Any]
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    cookies: Mapping[str, str]
    scheme: str
    address: str  # path and query, as they were sent

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Request:
        """Makes one of an ASGI scope."""
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        # HTTP/2 may send each cookie in a header of its own.
        crumbs = b";".join(value for name, value in scope["headers"] if name == b"cookie")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        ours = cookie_parser.parse(crumbs.decode("latin-1"), access.our_cookies())
        address = scope.get("raw_path") or scope["path"].encode()
        if asked := scope.get("query_string"):
            address += b"?" + asked
        return cls(
            scope=scope,
            headers=headers,
            query=query,
            cookies=ours,
            scheme=scope.get("scheme", "http"),
            address=address.decode("latin-1"),
        )

    def check(self, method: str, wanted: str = "GET") -> None:
        """Raises MethodNotAllowed, BadRequest for a host that is not ours, as Django does, or
        Moved to TLS, as Django's SecurityMiddleware does."""
        if method != wanted:
            raise MethodNotAllowed(wanted)
        hosts = settings.ALLOWED_HOSTS
        if settings.DEBUG and not hosts:
            hosts = [".localhost", "127.0.0.1", "[::1]"]
        domain, _ = split_domain_port(self.host)
        if not validate_host(domain, hosts):
            raise BadRequest("This host name is not in ALLOWED_HOSTS.")
        if settings.SECURE_SSL_REDIRECT and not self.is_secure:
            host = settings.SECURE_SSL_HOST or self.host
            raise Moved(f"https://{host}{self.address}")

    @property
    def host(self) -> str:
        """Returns the host as Django does: the proxy's, where a proxy is trusted."""
        forwarded = self.headers.get("x-forwarded-host") if settings.USE_X_FORWARDED_HOST else None
        return forwarded or self.headers.get("host", "")

    @property
    def is_secure(self) -> bool:
        """Tells as Django does whether the request came by https, by the proxy's header where it is
        trusted.
        """
        if settings.SECURE_PROXY_SSL_HEADER:
            name, wanted = settings.SECURE_PROXY_SSL_HEADER
            given = self.headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
            if given is not None:
                return given.split(",")[0].strip() == wanted
        return self.scheme == "https"

    @property
    def cursor(self) -> int:
        after = self.query.get("after")
        return cursor.parse(self.headers.get("last-event-id"), after[-1] if after else None)


class Moved(StreamsError):
    code, status = "moved", 301

    def __init__(self, place: str) -> None:
        super().__init__(f"This is at {place}.")
        self.place = place
