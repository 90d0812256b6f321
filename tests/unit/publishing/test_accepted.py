"""What a command accepts is fit for the bus and for every consumer; what it refuses leaves no trace."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campus import bus, events, validation
from campus.identity import Caller
from publishing import publish_announcement, publish_enrollment, publish_submission, request_ranking_update
from tests.unit.campus import school
from tests.unit.campus.school import Answer

ADMIN = Caller("root", "admin")
ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
# Mostly ids and addresses that are right, so that much is accepted; anything else in between.
AN_ID = st.one_of(st.sampled_from(["sv-an", "toan-10", "hw1", "notes"]), ANY_TEXT)
A_URL = st.one_of(ANY_TEXT, ANY_TEXT.map(lambda text: f"https://files.example/{text}"))
ANYTHING = st.one_of(ANY_TEXT, st.none(), st.integers(), st.lists(st.integers(), max_size=2))


@pytest.fixture(autouse=True)
def _people(_school: None) -> None:
    school.add_student("sv-an")
    school.add_class("toan-10", "gv-ha")
    school.add_membership("toan-10", "sv-an")


def enroll(draw: Any) -> Answer:
    newcomer = f"sv-{uuid.uuid4()}"
    school.add_student(newcomer)
    body = {"studentId": draw(st.one_of(st.just(newcomer), ANY_TEXT))}
    return school.call(publish_enrollment.handler, ADMIN, {"classId": draw(AN_ID)}, body)


def submit(draw: Any) -> Answer:
    body = {"studentId": "sv-an", "classId": "toan-10", "fileUrl": draw(st.one_of(A_URL, ANYTHING))}
    return school.call(publish_submission.handler, ADMIN, {"assignmentId": draw(AN_ID)}, body)


def announce(draw: Any) -> Answer:
    return school.call(publish_announcement.handler, ADMIN, {"classId": "toan-10"}, {"content": draw(ANYTHING)})


def ask_for_update(draw: Any) -> Answer:
    return school.call(request_ranking_update.handler, ADMIN, {}, {"trigger": draw(ANYTHING)})


@pytest.mark.parametrize("command", [enroll, submit, announce, ask_for_update])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_accepted_means_published_and_refused_means_nothing(command: Any, data: st.DataObject) -> None:
    before = {row["eventId"] for row in school.outbox()}

    answer = command(data.draw)

    fresh = [row for row in school.outbox() if row["eventId"] not in before]
    if answer.status != 202:
        assert answer.status in (400, 403, 404)
        assert fresh == []
        return
    assert [row["eventId"] for row in fresh] == [answer.body["eventId"]]
    parsed = events.parse(delivered(fresh[0]))
    assert parsed.metadata.event_id == answer.body["eventId"]
    assert parsed.fields() == {name: value for name, value in fresh[0]["detail"].items() if name != "metadata"}


@pytest.mark.parametrize("sign", ["a", "\x01", "\u0111", "\U0001f600", '"'])
def test_the_longest_announcement_is_within_our_own_budget(sign: str) -> None:
    content = sign * validation.MAX_CONTENT

    assert school.call(publish_announcement.handler, ADMIN, {"classId": "toan-10"}, {"content": content}).status == 202

    (row,) = school.outbox()
    detail = json.dumps(row["detail"], ensure_ascii=False)
    assert bus.Entry(row["eventId"], row["source"], row["detailType"], detail).size <= bus.MAX_BYTES


def delivered(row: Any) -> dict[str, Any]:
    """As EventBridge hands the outbox item over."""
    return {
        "id": "another-id",
        "time": "2026-01-01T00:00:00Z",
        "source": row["source"],
        "detail-type": row["detailType"],
        "detail": row["detail"],
    }
