"""A caller's requests: counted over all routes together, refused beyond the limit, never for a table that is away."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from campus import clients, clock, tables
from campus.breaker import breaker
from campus.http import Request, Response, Wire, route
from campus.identity import ForbiddenError
from tests.unit.campus.test_http import CLAIMS, event

START = 1_800_000_000_000


class Clock:
    """Both clocks, stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = START
        monkeypatch.setattr(clock, "now_ms", lambda: self.at)
        monkeypatch.setattr(clock, "now", lambda: self.at // 1000)
        monkeypatch.setattr("campus.breaker.time.monotonic", lambda: self.at / 1000)

    def pass_by(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REQUESTS_PER_SECOND", "0.5")
    monkeypatch.setenv("REQUEST_BURST", "3")
    breaker.cache_clear()
    yield
    breaker.cache_clear()


@route
def answers(request: Request) -> Response:
    """200."""
    return Response(200, {})


@route
def refuses(request: Request) -> Response:
    """403."""
    raise ForbiddenError


def ask(handler: Any = answers, who: str = "sv-an") -> Wire:
    claims = {**CLAIMS, "username": who}
    wire: Wire = handler(event(requestContext={"requestId": "r", "authorizer": {"jwt": {"claims": claims}}}), None)
    return wire


def statuses(times: int, **asked: Any) -> list[int]:
    return [ask(**asked)["statusCode"] for _ in range(times)]


def test_beyond_a_burst_a_caller_waits_as_told_and_is_let_in(stopped: Clock) -> None:
    assert statuses(4) == [200, 200, 200, 429]
    refused = ask()
    assert refused["headers"]["retry-after"] == "2"
    assert refused["headers"]["cache-control"] == "private, no-store"
    assert "2 s" in refused["body"]
    stopped.pass_by(int(refused["headers"]["retry-after"]))
    assert statuses(2) == [200, 429]


def test_after_a_pause_the_whole_burst_is_there_again(stopped: Clock) -> None:
    statuses(4)
    stopped.pass_by(6.001)
    assert statuses(4) == [200, 200, 200, 429]


def test_one_caller_does_not_use_up_another_ones(stopped: Clock) -> None:
    statuses(4)
    assert statuses(1, who="sv-binh") == [200]


def test_all_routes_are_counted_together_and_refusals_too(stopped: Clock) -> None:
    assert statuses(3, handler=refuses) == [403, 403, 403]
    assert statuses(1) == [429]
    assert statuses(1, handler=refuses) == [429]


def test_who_has_no_token_is_not_counted(stopped: Clock) -> None:
    assert answers(event(requestContext={}), None)["statusCode"] == 401
    assert not tables.operations().scan()["Items"]


def test_a_row_names_nobody_and_goes_when_it_says_nothing_any_more(stopped: Clock) -> None:
    statuses(3)
    [row] = tables.operations().scan()["Items"]
    assert "sv-an" not in str(row)
    full_again = float(str(row["nextAt"])) / 1000
    assert full_again < int(str(row["expiresAt"])) <= START // 1000 + 6 + 60


def test_a_row_lives_as_long_as_a_huge_burst_takes_to_come_back(
    stopped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUEST_BURST", "10000")
    ask()
    [row] = tables.operations().scan()["Items"]
    assert int(str(row["expiresAt"])) >= START // 1000 + 20_000


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem"),
    ],
)
def test_while_the_table_is_away_everybody_gets_in_and_waits_once(
    error: Exception, stopped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def away(**call: object) -> None:
        tried.append(call)
        raise error

    with monkeypatch.context() as patched:
        with clients.impatient():
            patched.setattr(tables.operations(), "update_item", away)
        assert statuses(10) == [200] * 10
        assert len(tried) == 1
        stopped.pass_by(5.1)
        ask()
        assert len(tried) == 2
    stopped.pass_by(5.1)
    assert statuses(4) == [200, 200, 200, 429]


def test_a_table_that_hangs_costs_half_a_second_and_no_second_try() -> None:
    with clients.impatient():
        config: Any = clients.dynamodb().meta.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (0.5, 0.5)
    assert config.retries["total_max_attempts"] == 1
