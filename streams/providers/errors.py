"""Maps the exceptions of two SDKs and two HTTP libraries to our codes.

Exceptions of the SDKs are recognised by their attributes (`status_code`, `response`, `body`), which
both share, so neither has to be imported. The vendor's message is read to tell codes apart and
never passed on. Nothing is asked again here: `worker.model_call` does that, by the code.

https://platform.openai.com/docs/guides/error-codes https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx2

from streams.providers.base import Code, ProviderError
from streams.providers.exception_chain import chain

# What vendors call a failure, in a body's or a mid-stream event's `code` or `type`.
NAMES: dict[str, Code] = {
    "authentication_error": Code.AUTH,
    "permission_error": Code.AUTH,
    "invalid_api_key": Code.AUTH,
    # Waiting does not help: the owner of the account has to act.
    "billing_error": Code.QUOTA,
    "billing_hard_limit_reached": Code.QUOTA,
    "billing_not_active": Code.QUOTA,
    "insufficient_quota": Code.QUOTA,
    "insufficient_balance": Code.QUOTA,
    "rate_limit_error": Code.RATE_LIMITED,
    "rate_limit_exceeded": Code.RATE_LIMITED,
    "overloaded_error": Code.OVERLOADED,
    "server_is_overloaded": Code.OVERLOADED,
    "slow_down": Code.OVERLOADED,
    "context_length_exceeded": Code.CONTEXT_LENGTH,
    "exceed_context_size_error": Code.CONTEXT_LENGTH,
    "request_too_large": Code.CONTEXT_LENGTH,
    "content_filter": Code.CONTENT_FILTER,
    "content_policy_violation": Code.CONTENT_FILTER,
    "invalid_prompt": Code.CONTENT_FILTER,
    "bio_policy": Code.CONTENT_FILTER,
    "misalignment_policy_violation": Code.CONTENT_FILTER,
    "timeout_error": Code.TIMEOUT,
    "invalid_request_error": Code.BAD_REQUEST,
    "not_found_error": Code.BAD_REQUEST,
    "model_not_found": Code.BAD_REQUEST,
    "api_error": Code.UNAVAILABLE,
    "server_error": Code.UNAVAILABLE,
}

STATUSES: dict[int, Code] = {
    401: Code.AUTH,
    402: Code.QUOTA,
    403: Code.AUTH,
    408: Code.TIMEOUT,
    409: Code.UNAVAILABLE,
    413: Code.CONTEXT_LENGTH,
    429: Code.RATE_LIMITED,
    503: Code.OVERLOADED,
    529: Code.OVERLOADED,
}

# Some say it in words alone.
PHRASES: dict[str, Code] = {
    "prompt is too long": Code.CONTEXT_LENGTH,
    "maximum context length": Code.CONTEXT_LENGTH,
    "context window": Code.CONTEXT_LENGTH,
    "context size": Code.CONTEXT_LENGTH,
    "credit balance is too low": Code.QUOTA,
}
WORDS = 10_000  # characters of them that are looked at

# These names refine a status; any other body leaves the status its say.
TELLING = frozenset(
    {Code.AUTH, Code.QUOTA, Code.CONTEXT_LENGTH, Code.CONTENT_FILTER, Code.OVERLOADED}
)

# A vendor's name for a failure, as a log may show it: words, or a short number. A key or a
# prompt that stands there instead is nothing of the kind.
NAME = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z0-9]+)*|[0-9]{1,6}")
LONGEST_NAME, MOST_DIGITS = 64, 6


def failure(error: Exception) -> ProviderError:
    """Returns the ProviderError for any exception raised while asking or reading; never raises."""
    if isinstance(error, ProviderError):
        return error
    if isinstance(response := getattr(error, "response", None), httpx2.Response):
        return refused(response, getattr(error, "body", None))
    return ProviderError(cut(error))


def refused(response: httpx2.Response, body: Any) -> ProviderError:
    """Returns the failure for a response with a status other than 200."""
    code = STATUSES.get(response.status_code) or by_class(response.status_code)
    said = told(body)
    if said in TELLING:
        code = said
    return ProviderError(
        code,
        retry_after=retry_after(response.headers),
        status=response.status_code,
        vendor=named(body),
    )


def by_class(status: int) -> Code:
    if status >= 500:
        return Code.UNAVAILABLE
    # A redirect that was not followed, or a 1xx: not the API we were told is there.
    return Code.BAD_REQUEST if status >= 400 else Code.PROTOCOL


def told(body: Any) -> Code | None:
    """Returns the code for an error object, from a body or from within a stream."""
    body = inner(body)
    words = message[:WORDS].lower() if isinstance(message := body.get("message"), str) else ""
    for phrase, code in PHRASES.items():
        if phrase in words:
            return code
    for name in (body.get("code"), body.get("type")):
        if isinstance(name, str) and (known := NAMES.get(name)):
            return known
    status = body.get("code")
    return STATUSES.get(status) or by_class(status) if isinstance(status, int) else None


def named(body: Any) -> str:
    """Returns the vendor's type and code of an error object, if they are names."""
    given = (inner(body).get(field) for field in ("type", "code"))
    names = (str(each) for each in given if type(each) in (str, int))
    return " ".join(dict.fromkeys(filter(is_name, names)))


def is_name(text: str) -> bool:
    fits = len(text) <= LONGEST_NAME and NAME.fullmatch(text)
    return bool(fits) and sum(map(str.isdigit, text)) <= MOST_DIGITS


def inner(body: Any) -> Mapping[str, Any]:
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    return body if isinstance(body, Mapping) else {}


def broke_off(body: Any) -> ProviderError:
    """Returns the failure that a vendor reports after the answer had begun."""
    return ProviderError(told(body) or Code.UNAVAILABLE, vendor=named(body))


def cut(error: BaseException | None) -> Code:
    """Returns the failure for an exception without a status, by the transport's error in
    `__cause__`.
    """
    for cause in chain(error):
        match cause:
            # aiohttp's transport calls every lost connection a ConnectTimeout.
            case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
                return Code.UNAVAILABLE
            case httpx2.TimeoutException() | TimeoutError():
                return Code.TIMEOUT
            case httpx2.RemoteProtocolError() | httpx2.DecodingError():
                return Code.PROTOCOL
            case httpx2.TransportError() | aiohttp.ClientConnectionError() | OSError():
                return Code.UNAVAILABLE
            case aiohttp.ClientPayloadError():  # cut off in the body
                return Code.UNAVAILABLE
            case aiohttp.ClientError():
                return Code.PROTOCOL
    return Code.INTERNAL


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait, from `retry-after-ms`, or `Retry-After` in seconds or as a
    date.
    """
    if (seconds := number(headers.get("retry-after-ms"))) is not None:
        return seconds / 1000
    given = headers.get("retry-after", "")
    if (seconds := number(given)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(given).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
