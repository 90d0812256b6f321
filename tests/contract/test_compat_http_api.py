"""HTTP APIs: what API Gateway does with the OpenAPI body that SAM writes."""

import json
import socket
import urllib.parse
import urllib.request

import pytest

from tests.integration.sample.stack import Sample, fetch

pytest_plugins = ["tests.integration.sample.plugin"]


def test_a_declared_route_reaches_its_function(sample: Sample) -> None:
    url = f"{sample.outputs['ApiUrl']}/things/42?colour=red&colour=blue"
    status, body = fetch(url, {"a": 1}, sample.token("ann"), **{"content-type": "application/json"})

    assert status == 200
    event = body["event"]
    assert event["version"] == "2.0"
    assert event["routeKey"] == "POST /things/{thingId}"
    assert event["pathParameters"] == {"thingId": "42"}
    assert event["queryStringParameters"] == {"colour": "red,blue"}
    assert json.loads(event["body"]) == {"a": 1}


def test_an_undeclared_route_is_not_found(sample: Sample) -> None:
    assert fetch(f"{sample.outputs['ApiUrl']}/nothing", token=sample.token("ann")) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("raw", "decoded"), [("a%20b", "a b"), ("b%C3%A0i-%C3%A1", "bài-á"), ("a%2Fb", "a/b"), ("100%25", "100%25")]
)
def test_path_parameters_are_percent_decoded_but_for_the_percent_sign(sample: Sample, raw: str, decoded: str) -> None:
    if raw == "a%2Fb":
        # An encoded slash separates segments before routes are matched.
        status, _ = fetch(f"{sample.outputs['ApiUrl']}/things/{raw}", token=sample.token("ann"))
        assert status == 404
        return
    status, body = fetch(f"{sample.outputs['ApiUrl']}/things/{raw}", token=sample.token("ann"))
    assert (status, body["event"]["pathParameters"]) == (200, {"thingId": decoded})


def test_claims_arrive_as_strings_and_groups_in_brackets(sample: Sample) -> None:
    sample.token("both", "teacher")
    status, body = fetch(f"{sample.outputs['ApiUrl']}/things/1", token=sample.token("both", "student"))

    claims = body["event"]["requestContext"]["authorizer"]["jwt"]["claims"]
    assert status == 200
    assert claims["username"] == "both"
    assert claims["token_use"] == "access"
    assert claims["client_id"] == sample.outputs["UserPoolClientId"]
    assert claims["cognito:groups"] in ("[teacher student]", "[student teacher]")
    assert claims["exp"].isdigit()


def test_no_token_is_unauthorized(sample: Sample) -> None:
    assert fetch(f"{sample.outputs['ApiUrl']}/things/1") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("expires_in", [-30, 0])
def test_an_expired_token_is_unauthorized(sample: Sample, expires_in: int) -> None:
    status, _ = fetch(f"{sample.outputs['ApiUrl']}/things/1", token=sample.token("ann", expires_in=expires_in))
    assert status == 401


def test_a_changed_token_is_unauthorized(sample: Sample) -> None:
    header, payload, signature = sample.token("ann").split(".")
    other = sample.token("bob").split(".")[1]
    assert payload != other
    status, _ = fetch(f"{sample.outputs['ApiUrl']}/things/1", token=f"{header}.{other}.{signature}")
    assert status == 401


def test_a_token_of_another_client_is_unauthorized(sample: Sample) -> None:
    cognito = sample.client("cognito-idp")
    other = cognito.create_user_pool_client(UserPoolId=sample.outputs["UserPoolId"], ClientName="other")
    stranger = Sample(sample.cloud, {**sample.outputs, "UserPoolClientId": other["UserPoolClient"]["ClientId"]})
    status, _ = fetch(f"{sample.outputs['ApiUrl']}/things/1", token=stranger.token("ann"))
    assert status == 401


def test_a_token_of_another_pool_is_unauthorized(sample: Sample) -> None:
    cognito = sample.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="elsewhere")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app")["UserPoolClient"]["ClientId"]
    stranger = Sample(sample.cloud, {**sample.outputs, "UserPoolId": pool, "UserPoolClientId": app})
    status, _ = fetch(f"{sample.outputs['ApiUrl']}/things/1", token=stranger.token("ann"))
    assert status == 401


def test_a_route_without_authorizer_is_open(sample: Sample) -> None:
    status, body = fetch(f"{sample.outputs['ApiUrl']}/open")
    assert status == 200
    assert "authorizer" not in body["event"]["requestContext"]


def test_cors_names_the_declared_origin_only(sample: Sample) -> None:
    def allowed(origin: str) -> str | None:
        request = urllib.request.Request(f"{sample.outputs['ApiUrl']}/open", headers={"origin": origin})
        with urllib.request.urlopen(request, timeout=20) as answer:
            value: str | None = answer.headers.get("access-control-allow-origin")
            return value

    assert allowed("https://school.example") == "https://school.example"
    assert allowed("https://evil.example") is None


def test_the_api_listens_on_loopback_only(sample: Sample) -> None:
    assert urllib.parse.urlsplit(sample.outputs["ApiUrl"]).hostname == "127.0.0.1"
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.2", sample.cloud.port)) != 0
