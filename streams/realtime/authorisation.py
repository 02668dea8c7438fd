"""Authorises requests for streams: by an access token, else by their cookies, else by
`STREAMS["authenticate"]`.
"""

from __future__ import annotations

from io import BytesIO

import psycopg
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.db.utils import OperationalError
from django.utils import timezone

from streams import access, access_queries, access_tokens, authentication, sessions
from streams.conf import conf
from streams.exceptions import BadRequest, NotFound, NotSignedIn
from streams.http.handler import UNREADABLE, check_charset
from streams.http.handler import Request as DjangoRequest
from streams.models import Device
from streams.postgres import database
from streams.postgres.availability import pooled_connection
from streams.realtime.hub import Hub
from streams.user_model import password

from .stream_authentication import OWNED, Cookies
from .stream_request import Request

NOT_HERE = "This conversation isn't here, or isn't yours."

SEEN = "UPDATE streams_device SET last_seen_at = now() WHERE id = %s"


async def authorise(
    hub: Hub, request: Request, uuid: str, columns: str, joins: str
) -> access.SignedIn:
    """Returns who asks and the columns asked for, in one query that begins at the owner. The
    site's function is called only where the cookies authenticate nobody.

    Raises NotSignedIn, NotFound, and what `streams.authentication` raises.
    """
    asked = {"uuid": uuid}
    found: access.SignedIn | None
    if token := access_tokens.bearer(request.headers.get("authorization")):
        found = await by_token(hub, token, asked, columns, joins)
    else:
        found = await by_cookies(hub, request, asked, columns, joins)
        if found is None and conf().authenticate:
            found = await by_site(hub, request, asked, columns, joins)
    if found is None or not hub.revocations.admits(found.device, password(found.user)):
        raise NotSignedIn("Sign in first.")
    if found.more[0] is None:
        raise NotFound(NOT_HERE)
    return found


async def by_token(
    hub: Hub, token: str, asked: dict[str, str], columns: str, joins: str
) -> access.SignedIn:
    """Raises NotSignedIn for a token that is unknown, revoked or expired."""
    query = access_queries.who(columns, joins, by_site=True)
    async with pooled_connection(hub.pool) as connection:
        cursor = await connection.execute(query, asked | {"key": access_tokens.key_of(token)})
        found = access.token_holder(await cursor.fetchone())
        if found.device.last_seen_at < timezone.now() - access.SEEN_EVERY:
            await connection.execute(SEEN, [found.device.pk])
    return found


async def by_cookies(
    hub: Hub, request: Request, asked: dict[str, str], columns: str, joins: str
) -> access.SignedIn | None:
    """Returns the device, person and further `columns` that belong to the request's cookies, or
    None.
    """
    keys = access.keys(request.cookies)
    if keys is None:
        return None
    session = None
    if sessions.table(database.alias()) is None:
        load = sync_to_async(sessions.load, thread_sensitive=False)
        session = await load(keys["session"])
    if session is None and (columns, joins) == OWNED:
        row = await hub.recognition.ask(Cookies(keys["key"], keys["session"], asked["uuid"]))
    else:
        async with pooled_connection(hub.pool) as connection:
            cursor = await connection.execute(access_queries.who(columns, joins), keys | asked)
            row = await cursor.fetchone()
    found = access.read(row, session) if row else None
    if not (found and found.admitted):
        return None
    if access.asks_backend(found.session):
        known = await sync_to_async(access.backend_knows)(found.session, found.user)
        return found if known else None
    return found


async def by_site(
    hub: Hub, request: Request, asked: dict[str, str], columns: str, joins: str
) -> access.SignedIn | None:
    device = await sync_to_async(device_of, thread_sensitive=False)(request)
    if device is None:
        return None
    query = access_queries.who(columns, joins, by_site=True)
    async with pooled_connection(hub.pool) as connection:
        cursor = await connection.execute(query, asked | {"key": device.key})
        row = await cursor.fetchone()
    found = access.read(row, {})._replace(by_site=True) if row else None
    return found if found and found.admitted else None


def device_of(request: Request) -> Device | None:
    """Calls the site's function, in a thread whose connections nobody else gives back.

    Raises psycopg.OperationalError where a database is away.
    """
    try:
        return authentication.device_by_site(as_django_has_it(request))
    except OperationalError as error:
        raise psycopg.OperationalError(str(error)) from error
    finally:
        connections.close_all()


def as_django_has_it(request: Request) -> DjangoRequest:
    """Makes a Django request with an empty session and an anonymous user.

    Raises BadRequest for headers that Django cannot read.
    """
    try:
        made = DjangoRequest(request.scope, BytesIO())
        check_charset(made)
    except UNREADABLE as error:
        raise BadRequest("The headers cannot be read.") from error
    made.session = sessions.store()()
    made.user = AnonymousUser()
    return made
