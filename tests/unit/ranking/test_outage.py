"""A campaign that does not answer is left alone for a while, and counted where it should have answered."""

import json
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from campus import clients, tables, throttle
from campus.breaker import FAILURES, PAUSE_SECONDS
from campus.identity import Caller
from ranking import get_recommendation, rank_items
from tests.unit.campus import school
from tests.unit.ranking.runtime import Runtime

AN = Caller("sv-an", "student")
TIMEOUT = ReadTimeoutError(endpoint_url="http://personalize")
GARBAGE = ResponseParserError("no XML, no JSON")


def answered(code: str, status: int) -> ClientError:
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetRecommendations")  # type: ignore[arg-type]


BROKEN = answered("InternalServerError", 500)
THROTTLED = answered("ThrottlingException", 429)
ABSENT = answered("ResourceNotFoundException", 404)


class Clock:
    """The process's monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("campus.breaker.time", clock)
    return clock


@pytest.fixture
def fallbacks(capsys: pytest.CaptureFixture[str]) -> Callable[[], int]:
    """How many fallbacks were emitted since it was asked last."""

    def read() -> int:
        documents = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
        return int(sum(document["RankingFallback"][0] for document in documents))

    return read


@pytest.fixture(autouse=True)
def _catalogue(_school: None) -> None:
    for class_id in ("toan-10", "ly-10"):
        school.add_class(class_id)
        school.add_item(class_id, class_id, "course", 5)
    school.add_membership("toan-10", "sv-an")


def recommend() -> str:
    answer = school.call(get_recommendation.handler, AN, {"userId": "sv-an"})
    assert answer.status == 200
    return str(answer.body["source"])


def promoted(parked: bool = False) -> None:
    row = {"pk": "MODEL", "sk": "student-ranking-recommendation", "modelVersion": "v-7"}
    tables.operations().put_item(Item=row)
    tables.operations().put_item(Item={"pk": "MODEL", "sk": "CAMPAIGNS", "parked": parked})


@pytest.mark.parametrize("outage", [TIMEOUT, BROKEN, GARBAGE], ids=lambda error: type(error).__name__)
def test_after_some_slow_failures_nobody_asks_for_a_while(runtime: Runtime, stopped: Clock, outage: Exception) -> None:
    runtime.error = outage
    assert [recommend() for _ in range(FAILURES + 4)] == ["popular"] * (FAILURES + 4)
    assert len(runtime.asked) == FAILURES

    runtime.error, runtime.items = None, ["ly-10"]
    stopped.now += PAUSE_SECONDS - 0.1
    assert recommend() == "popular"
    stopped.now += 0.1
    assert [recommend(), recommend()] == ["campaign", "campaign"]
    assert len(runtime.asked) == FAILURES + 2


def test_one_failed_try_after_the_pause_begins_the_next(runtime: Runtime, stopped: Clock) -> None:
    runtime.error = TIMEOUT
    for _ in range(FAILURES):
        recommend()
    for tried in range(1, 4):
        stopped.now += PAUSE_SECONDS
        recommend(), recommend()
        assert len(runtime.asked) == FAILURES + tried


def test_failures_with_answers_between_them_open_nothing(runtime: Runtime, stopped: Clock) -> None:
    for _ in range(FAILURES * 2):
        runtime.error = TIMEOUT
        recommend()
        runtime.error, runtime.items = None, ["ly-10"]
        assert recommend() == "campaign"
    assert len(runtime.asked) == FAILURES * 4


@pytest.mark.parametrize("refusal", [THROTTLED, ABSENT], ids=lambda error: str(error.response["Error"]["Code"]))
def test_a_refusal_costs_no_timeout_and_opens_nothing(runtime: Runtime, refusal: ClientError) -> None:
    runtime.error = refusal
    for _ in range(FAILURES * 2):
        recommend()
    runtime.error, runtime.items = None, ["ly-10"]
    assert recommend() == "campaign"


def test_the_campaigns_have_a_circuit_each(runtime: Runtime, stopped: Clock) -> None:
    runtime.error = TIMEOUT
    for _ in range(FAILURES):
        recommend()
    runtime.error, runtime.items = None, ["ly-10"]
    answer = school.call(rank_items.handler, AN, {"userId": "sv-an"}, {"itemIds": ["ly-10"]})
    assert answer.body["source"] == "campaign"
    assert recommend() == "popular"


@pytest.mark.parametrize(
    "answer",
    [
        {"message": "<html>"},
        [],
        {"itemList": "x"},
        {"itemList": [[]]},
        {"itemList": [{}]},
        {"itemList": [{"itemId": "ly-10", "score": "abc"}]},
        {"itemList": [{"itemId": "ly-10", "score": float("nan")}]},
        {"itemList": [{"itemId": "ly-10", "score": float("inf")}]},
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_no_error(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any]
) -> None:
    monkeypatch.setattr(runtime, "get_recommendations", lambda **_: answer)
    assert recommend() == "popular"
    assert not [row for row in school.rows(tables.operations()) if row["pk"].startswith("CACHE#")]


def test_an_answer_that_trickles_in_is_not_waited_for(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    ended, waited_for = Event(), []
    request.addfinalizer(ended.set)

    def trickle(**_: object) -> Mapping[str, Any]:
        ended.wait(20)
        waited_for.append("the end")
        return {"itemList": []}

    monkeypatch.setattr("ranking.campaign.PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(runtime, "get_recommendations", trickle)
    assert recommend() == "popular"
    assert waited_for == []


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "ProvisionedThroughputExceededException"])
def test_operations_being_away_costs_nobody_an_answer(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def away() -> Any:
        raise answered(code, 400)

    monkeypatch.setattr(tables, "operations", away)
    runtime.items = ["ly-10"]
    assert recommend() == "campaign"
    runtime.error = ABSENT
    assert recommend() == "popular"


def test_operations_hanging_is_waited_for_once_and_briefly(
    runtime: Runtime, stopped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Mute:
        def __getattr__(self, _: str) -> Callable[..., Any]:
            def call(**_: object) -> None:
                config: Any = clients.dynamodb().meta.client.meta.config
                waited.append(config.read_timeout * config.retries["total_max_attempts"])
                raise ReadTimeoutError(endpoint_url="https://dynamodb")

            return call

    # Counting requests waits by itself, as briefly: see test_throttle.
    monkeypatch.setattr(throttle, "admit", lambda _: None)
    real = tables.operations
    monkeypatch.setattr(tables, "operations", Mute)
    runtime.items = ["ly-10"]
    assert recommend() == "campaign"
    assert waited == [0.5]
    runtime.error = TIMEOUT
    assert recommend() == "popular"
    assert waited == [0.5], "and so soon nobody asks again"

    monkeypatch.setattr(tables, "operations", real)
    stopped.now += PAUSE_SECONDS + 1
    runtime.error = None
    assert recommend() == "campaign"
    runtime.error = TIMEOUT
    assert recommend() == "cache"


def test_the_key_being_away_is_an_outage_of_the_campaign(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> str:
        raise ReadTimeoutError(endpoint_url="https://secretsmanager")

    monkeypatch.setattr("ranking.campaign.pseudonym", away)
    assert recommend() == "popular"
    assert runtime.asked == []


@pytest.mark.parametrize("outage", [TIMEOUT, BROKEN, THROTTLED, GARBAGE])
def test_every_fallback_of_an_outage_is_counted(
    runtime: Runtime, stopped: Clock, outage: Exception, fallbacks: Callable[[], int]
) -> None:
    promoted()
    runtime.error = outage
    for _ in range(FAILURES + 2):
        recommend()
    assert fallbacks() == FAILURES + 2
    runtime.error, runtime.items = None, ["ly-10"]
    stopped.now += PAUSE_SECONDS
    assert recommend() == "campaign"
    assert fallbacks() == 0


def test_a_missing_campaign_counts_only_where_it_should_serve(runtime: Runtime, fallbacks: Callable[[], int]) -> None:
    runtime.error = ABSENT
    recommend()
    assert fallbacks() == 0, "day one"
    promoted(parked=True)
    recommend()
    assert fallbacks() == 0, "parked"
    promoted()
    recommend()
    assert fallbacks() == 1, "deleted by somebody"
