"""One route: status codes, headers, bodies; and nothing from outside that ends in a 500."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from campus import clients, validation
from campus.http import NotFoundError, Request, Response, Wire, route
from campus.identity import ForbiddenError, UnauthorizedError
from campus.validation import InvalidInputError
from tests.unit.campus.test_events import JSON

CLAIMS = {"token_use": "access", "username": "sv-an", "cognito:groups": "[student]"}


@route
def echo(request: Request) -> Response:
    """Answers what it was asked."""
    return Response(
        200,
        {
            "caller": request.caller.user_id,
            "path": dict(request.path),
            "query": dict(request.query),
            "body": dict(request.body),
            "key": request.idempotency_key,
        },
    )


def event(**changed: object) -> dict[str, Any]:
    base: dict[str, Any] = {
        "version": "2.0",
        "headers": {},
        "requestContext": {"requestId": "r", "authorizer": {"jwt": {"claims": CLAIMS}}},
    }
    return base | changed


def body(answer: Wire) -> Any:
    return json.loads(answer["body"])


def test_a_request_reaches_the_route_decoded() -> None:
    answer = echo(
        event(
            pathParameters={"userId": "sv%2Dan"},
            queryStringParameters={"type": "quiz"},
            headers={"Idempotency-Key": "k-1"},
            body='{"content": "Chào"}',
        ),
        None,
    )

    assert answer["statusCode"] == 200
    assert body(answer) == {
        "caller": "sv-an",
        "path": {"userId": "sv-an"},
        "query": {"type": "quiz"},
        "body": {"content": "Chào"},
        "key": "k-1",
    }


def test_a_base64_body_is_the_same_body() -> None:
    encoded = base64.b64encode('{"content": "Chào"}'.encode()).decode()

    assert body(echo(event(body=encoded, isBase64Encoded=True), None))["body"] == {"content": "Chào"}


def test_an_answer_is_private_json_with_letters_as_they_are() -> None:
    answer = echo(event(body='{"content": "Chào"}'), None)

    assert answer["headers"]["content-type"] == "application/json; charset=utf-8"
    assert answer["headers"]["cache-control"] == "private, no-store"
    assert "Chào" in answer["body"]


@pytest.mark.parametrize(
    "raw", ["{", "nul", "[1]", '"text"', "7", "null", "\ud800", "[" * 100_000, '{"a": }', "NaN", "9" * 5000]
)
def test_a_body_that_is_no_json_object_is_a_bad_request(raw: str) -> None:
    answer = echo(event(body=raw), None)

    assert answer["statusCode"] == 400
    assert body(answer)["message"].startswith("the body")


@pytest.mark.parametrize("raw", ["!", "gAA=", "e30", "é"])
def test_a_body_that_is_no_base64_of_json_is_a_bad_request(raw: str) -> None:
    assert echo(event(body=raw, isBase64Encoded=True), None)["statusCode"] == 400


@given(st.text() | JSON.map(json.dumps), st.booleans())
def test_no_body_ends_in_a_server_error(raw: str, encoded: bool) -> None:
    assert echo(event(body=raw, isBase64Encoded=encoded), None)["statusCode"] in (200, 400)


@given(
    st.dictionaries(st.text(), st.text()),
    st.none() | st.dictionaries(st.text(), st.text()),
    st.dictionaries(st.text() | st.just("Idempotency-Key"), st.text()),
)
def test_no_path_query_or_header_ends_in_a_server_error(
    path: Mapping[str, str], query: Mapping[str, str] | None, headers: Mapping[str, str]
) -> None:
    answer = echo(event(pathParameters=path, queryStringParameters=query, headers=headers), None)

    assert answer["statusCode"] in (200, 400)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InvalidInputError("title is required"), 400, "title is required"),
        (UnauthorizedError("an access token is required"), 401, "an access token is required"),
        (ForbiddenError("class toan-10 is not yours"), 403, "you may not do this"),
        (NotFoundError("class x does not exist"), 404, "class x does not exist"),
        (KeyError("secret"), 500, "something went wrong here; please try again"),
    ],
)
def test_errors_become_statuses_and_tell_no_more_than_they_should(error: Exception, status: int, message: str) -> None:
    @route
    def fails(request: Request) -> Response:
        raise error

    answer = fails(event(), None)

    assert (answer["statusCode"], body(answer)) == (status, {"message": message})


def client_error(code: str, status: int, *reasons: str) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": "Value 'an@school.example' failed"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "PutItem")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ReadTimeoutError(endpoint_url="https://dynamodb"), 503),
        (EndpointConnectionError(endpoint_url="https://dynamodb"), 503),
        (client_error("InternalServerError", 500), 503),
        (client_error("ProvisionedThroughputExceededException", 400), 503),
        (client_error("TransactionCanceledException", 400, "None", "ThrottlingError"), 503),
        (client_error("TransactionCanceledException", 400, "None", "ValidationError"), 500),
        (client_error("AccessDeniedException", 400), 500),
        (client_error("ValidationException", 400), 500),
        (ParamValidationError(report="an@school.example"), 500),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_outage_asks_for_another_try_and_no_error_is_quoted(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    @route
    def fails(request: Request) -> Response:
        raise error

    answer = fails(event(), None)

    assert answer["statusCode"] == status
    assert ("retry-after" in answer["headers"]) == (status == 503)
    [logged] = caplog.records
    assert vars(logged)["error"] == type(error).__name__
    assert vars(logged)["at"]
    assert "an@school.example" not in f"{vars(logged)} {logged.exc_info}{answer['body']}"


def test_a_route_works_with_clients_that_give_up_in_time() -> None:
    @route
    def reads(request: Request) -> Response:
        return Response(200, {"patience": clients.client("secretsmanager").meta.config.read_timeout})

    assert body(reads(event(), None)) == {"patience": 1}
    assert clients.client("secretsmanager").meta.config.read_timeout > 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_answer_is_json_or_none(value: float) -> None:
    @route
    def answers(request: Request) -> Response:
        return Response(200, {"score": value})

    assert answers(event(), None)["statusCode"] == 500


@pytest.mark.parametrize("context", [{}, {"authorizer": {}}, {"authorizer": {"jwt": {"claims": {}}}}])
def test_without_claims_nobody_gets_in(context: Mapping[str, Any]) -> None:
    assert echo(event(requestContext=context), None)["statusCode"] == 401


@pytest.mark.parametrize("key", ["", " ", "a b", "\u00e9", "a\n", "x" * 129])
def test_an_unusable_idempotency_key_is_a_bad_request(key: str) -> None:
    answer = echo(event(headers={"idempotency-key": key}), None)

    assert answer["statusCode"] == 400
    assert body(answer)["message"].startswith("idempotency-key")


def test_route_keeps_what_the_handler_says_about_itself() -> None:
    assert echo.__doc__ == "Answers what it was asked."
    assert validation.MAX_CONTENT == 10_000
