"""HTTP APIs: what API Gateway does with the OpenAPI body that SAM writes."""

import json
import socket
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.forgery import Forger
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


@pytest.fixture
def forger(sample: Sample, sample_state: Path) -> Forger:
    return Forger.of(sample_state, sample.outputs["UserPoolId"], sample.token("ann"))


def opens(sample: Sample, authorization: str) -> int:
    return fetch(f"{sample.outputs['ApiUrl']}/things/1", authorization=authorization)[0]


def test_a_token_signed_with_the_pools_key_opens(sample: Sample, forger: Forger) -> None:
    assert opens(sample, f"Bearer {forger.signed()}") == 200
    # The prefix may be left out ("Control access to HTTP APIs with JWT authorizers").
    assert opens(sample, forger.signed()) == 200


@pytest.mark.parametrize(
    "suffix", [", ", ",", " ", "!", "=", "=="], ids=["empty second header", "comma", "space", "sign", "pad", "pads"]
)
def test_signs_that_are_no_base64url_spoil_a_token(sample: Sample, forger: Forger, suffix: str) -> None:
    header, claims, signature = forger.genuine.split(".")
    for text in (f"{header}.{claims}.{signature}{suffix}x", f"{header}{suffix}.{claims}.{signature}"):
        assert opens(sample, f"Bearer {text}") == 401
    if suffix != " ":
        assert opens(sample, f"Bearer {forger.genuine}{suffix}") == 401


def test_bits_left_over_spoil_a_token(sample: Sample, forger: Forger) -> None:
    # 256 bytes end in a sign of which two bits count.
    assert len(forger.genuine.split(".")[2]) == 342
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(forger.genuine[-1])
    assert opens(sample, f"Bearer {forger.genuine[:-1]}{alphabet[place + 1]}") == 401


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS1", None])
def test_a_token_of_another_algorithm_is_unauthorized(sample: Sample, forger: Forger, algorithm: str | None) -> None:
    assert opens(sample, f"Bearer {forger.signed(forger.header | {'alg': algorithm})}") == 401


@pytest.mark.parametrize("ends", [None, "tomorrow", "99999999999", [], True])
def test_a_token_says_in_a_number_when_it_ends(sample: Sample, forger: Forger, ends: object) -> None:
    assert opens(sample, f"Bearer {forger.claiming(exp=ends)}") == 401
    assert opens(sample, f"Bearer {forger.claiming('exp')}") == 401


@pytest.mark.parametrize("header", [[{"alg": "RS256"}], "RS256", 1])
def test_a_header_that_is_no_object_is_unauthorized(sample: Sample, forger: Forger, header: object) -> None:
    assert opens(sample, f"Bearer {forger.signed(header)}") == 401


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
