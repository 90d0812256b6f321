"""One HTTP API route as a function of a request: parsing in, status codes and JSON out."""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from campus import clients, outages, throttle, validation
from campus.identity import Caller, ForbiddenError, UnauthorizedError, caller
from campus.observability import log_failure
from campus.throttle import TooManyRequestsError
from campus.validation import InvalidInputError

Wire = dict[str, Any]
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,128}")
# An outage lasts longer than a person's second try.
_RETRY_AFTER_SECONDS = 5
_HEADERS = {"content-type": "application/json; charset=utf-8", "cache-control": "private, no-store"}


class NotFoundError(Exception):
    """The named thing does not exist (404)."""


@dataclass(frozen=True)
class Request:
    """What a route needs of an HTTP API event (payload 2.0)."""

    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)
    request_id: str = ""

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` header: a repeated one answers what the first one did."""
        key = self.headers.get("idempotency-key")
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidInputError("idempotency-key must be 1 to 128 visible ASCII characters")
        return key


@dataclass(frozen=True)
class Response:
    """Status and a JSON body; `headers` come on top of the usual ones."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def route(handle: Callable[[Request], Response]) -> Callable[[Mapping[str, Any], object], Wire]:
    """Make `handle` a Lambda handler.

    Domain errors become 400, 401, 403, 404 and 429, an outage of what it needs 503, any other error a bare 500.
    """

    @wraps(handle)
    def handler(event: Mapping[str, Any], context: object) -> Wire:
        try:
            who = caller(event)
            with clients.hurried():
                throttle.admit(who.user_id)
                return _wire(handle(_request(event, who)))
        except InvalidInputError as error:
            response = Response(400, {"message": str(error)})
        except UnauthorizedError as error:
            response = Response(401, {"message": str(error)})
        except ForbiddenError:
            response = Response(403, {"message": "you may not do this"})
        except NotFoundError as error:
            response = Response(404, {"message": str(error)})
        except TooManyRequestsError as error:
            response = Response(429, {"message": str(error)}, {"retry-after": str(error.retry_after)})
        except Exception as error:  # the last line before the internet: no stack trace leaves
            response = _failed(error)
        return _wire(response)

    return handler


def _wire(response: Response) -> Wire:
    return {
        "statusCode": response.status,
        "headers": {**_HEADERS, **response.headers},
        "body": json.dumps(response.body, ensure_ascii=False, allow_nan=False),
    }


def _failed(error: Exception) -> Response:
    log_failure("request failed", error)
    if isinstance(error, BotoCoreError | ClientError) and outages.is_outage(error):
        headers = {"retry-after": str(_RETRY_AFTER_SECONDS)}
        return Response(503, {"message": "something this needs does not answer; please try again"}, headers)
    return Response(500, {"message": "something went wrong here; please try again"})


def _request(event: Mapping[str, Any], who: Caller) -> Request:
    return Request(
        caller=who,
        path={name: unquote(value) for name, value in (event.get("pathParameters") or {}).items()},
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_body(event),
        request_id=event.get("requestContext", {}).get("requestId", ""),
    )


def _body(event: Mapping[str, Any]) -> Mapping[str, Any]:
    raw = event.get("body")
    if not raw:
        return {}
    try:
        text = base64.b64decode(raw).decode() if event.get("isBase64Encoded") else raw
        parsed = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise InvalidInputError("the body is not valid JSON") from None
    return validation.mapping(parsed, "the body")


def _finite(number: str) -> float:
    """Python reads NaN, Infinity and 1e999, which JSON and DynamoDB do not know."""
    if not math.isfinite(value := float(number)):
        raise ValueError(number)
    return value
