"""The live event beside the recorded interaction: the same row, and never in its way."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from campus import breaker, clock
from engagement import live, recording
from engagement.interaction import Interaction
from tests.unit.engagement.school import School, enrolled


def test_the_live_event_is_the_row_that_the_export_writes(school: School) -> None:
    school.track("tracking-7")
    event = enrolled(eventId="e-1", occurredAt="2026-11-17T08:00:00.900Z")

    assert school.handle(event) == []

    (sent,) = school.live
    (row,) = school.interactions()
    assert (sent["trackingId"], sent["userId"], sent["sessionId"]) == ("tracking-7", *["pseudonym-of-sv-1"] * 2)
    (live_event,) = sent["eventList"]
    assert live_event.pop("sentAt").timestamp() == row["occurredAt"] == clock.epoch("2026-11-17T08:00:00Z")
    assert live_event == {"eventId": row["interactionId"], "eventType": row["eventType"], "itemId": row["itemId"]}


def test_a_value_travels_on_both_paths(school: School) -> None:
    school.track()
    quiz = Interaction("q-1", "sv-1", "quiz-1", "quiz", "quiz", "toan-10", "2026-11-17T08:00:00Z", event_value=8.5)

    recording.record(quiz)
    live.follow(quiz)

    assert [row["eventValue"] for row in school.interactions()] == [Decimal("8.5")]
    assert school.live[0]["eventList"][0]["eventValue"] == 8.5


def test_without_a_tracker_nothing_is_sent_and_a_new_one_is_noticed_within_a_minute(school: School) -> None:
    assert school.handle(enrolled()) == []
    school.track()
    school.now += 60

    first, second = enrolled(), enrolled()
    assert school.handle(first, second) == []

    assert [one["eventList"][0]["eventId"] for one in school.live] == [first["id"], second["id"]]
    # One look at the table for each minute, not for each event.
    assert school.calls.count("GetItem") == 3 + 2


def throttled() -> None:
    answer: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 429}}
    raise ClientError(answer, "PutEvents")


def refused() -> None:
    answer: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "sv-1"}}
    raise ClientError(answer, "PutEvents")


def unanswered() -> None:
    raise ReadTimeoutError(endpoint_url="https://personalize-events.example")


def test_where_nobody_answers_one_message_waits_and_the_others_do_not(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(breaker, "time", SimpleNamespace(monotonic=lambda: now))
    school.track()
    school.live_fails = unanswered
    assert school.handle(*[enrolled(student=f"sv-{number}") for number in range(10)]) == []
    assert school.calls.count("PutEvents") == 1
    assert len(school.interactions()) == 10

    school.live_fails = None
    now += 61
    assert school.handle(enrolled(student="sv-11"), enrolled(student="sv-12")) == []
    assert school.calls.count("PutEvents") == 3


@pytest.mark.parametrize("refusal", [refused, throttled])
def test_a_refusal_says_that_somebody_is_there(school: School, refusal: Callable[[], None]) -> None:
    school.track()
    school.live_fails = refusal
    school.handle(enrolled(), enrolled(student="sv-2"))
    assert school.calls.count("PutEvents") == 2


@pytest.mark.parametrize("failure", [refused, unanswered])
def test_a_live_event_that_fails_costs_the_interaction_nothing(
    school: School, failure: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    school.track()
    school.live_fails = failure

    assert school.handle(enrolled()) == []

    assert len(school.interactions()) == 1
    assert '"LiveEventFailed":[1' in capsys.readouterr().out
