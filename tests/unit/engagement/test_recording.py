"""One interaction, once, in all four places."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from campus import clock, tables, tombstones
from engagement import recording
from tests.unit.engagement.school import NOW, Killed, School, enrolled, submitted

DAY = 86_400


def worth(stored: Decimal, at: int = NOW) -> float:
    """A stored score's worth at a moment."""
    return float(2.0 ** (float(stored) - at / DAY / 14))


def throttled() -> None:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "None"}, {"Code": "TransactionConflict"}],
    }
    raise ClientError(answer, "TransactWriteItems")


def material(class_id: str, item_id: str, kind: str = "assignment") -> None:
    member = f"ITEM#{item_id}"
    row: dict[str, Any] = {
        "itemId": item_id,
        "type": kind,
        "title": "Bài 1",
        "createdAt": 7,
        "member": member,
        "score": 0,
    }
    tables.class_activity().put_item(
        Item={"classId": class_id, "activity": member, "board": f"items#{kind}", **row},
    )


def test_an_enrolment_is_written_to_all_four_places(school: School) -> None:
    assert school.handle(enrolled(eventId="e-1", occurredAt="2026-11-17T08:00:00Z")) == []

    at = clock.epoch("2026-11-17T08:00:00Z")
    assert school.interactions() == [
        {
            "userId": "sv-1",
            "occurrence": f"{at}#e-1",
            "itemId": "toan-10",
            "eventType": "enroll",
            "occurredAt": at,
            "recordedAt": NOW * 1000 + 7,
            "recordedDay": tables.recorded_day(clock.utc_day(NOW), "e-1"),
            "interactionId": "e-1",
            "classId": "toan-10",
        }
    ]
    member = school.activity("toan-10", "STUDENT#sv-1")
    assert worth(member.pop("score"), at) == pytest.approx(3, rel=1e-6)
    assert member == {
        "classId": "toan-10",
        "activity": "STUDENT#sv-1",
        "studentId": "sv-1",
        "member": "STUDENT#sv-1",
        "board": "toan-10#students",
        "enrolledAt": "2026-11-17T08:00:00Z",
        "enrollmentEventId": "e-1",
        "events": 1,
    }
    assert school.activity("toan-10", "ITEM#toan-10") == {
        "classId": "toan-10",
        "activity": "ITEM#toan-10",
        "itemId": "toan-10",
        "type": "course",
        "createdAt": at,
        "member": "ITEM#toan-10",
        "board": "items#course",
        "score": 1,
    }
    assert school.activity("toan-10", f"ACTIVITY#{at}#e-1") == {
        "classId": "toan-10",
        "activity": f"ACTIVITY#{at}#e-1",
        "eventType": "enroll",
        "studentId": "sv-1",
        "itemId": "toan-10",
        "eventId": "e-1",
    }


def test_what_publishing_wrote_before_is_kept(school: School) -> None:
    material("toan-10", "toan-10", "course")
    row: dict[str, Any] = {"studentId": "sv-1", "member": "STUDENT#sv-1", "board": "toan-10#students", "score": 0}
    first = {"enrolledAt": "2026-09-01T00:00:00Z", "enrollmentEventId": "first"}
    tables.class_activity().put_item(Item={"classId": "toan-10", "activity": "STUDENT#sv-1", **row, **first})

    assert school.handle(enrolled()) == []

    member = school.activity("toan-10", "STUDENT#sv-1")
    assert (member["enrolledAt"], member["enrollmentEventId"]) == (first["enrolledAt"], "first")
    assert worth(member["score"]) == pytest.approx(3, rel=1e-6)
    course = school.activity("toan-10", "ITEM#toan-10")
    assert (course["title"], course["createdAt"], course["score"]) == ("Bài 1", 7, 1)


def test_a_submission_makes_nobody_a_member(school: School) -> None:
    assert school.handle(submitted(classId="toan-10", assignmentId="bai-1")) == []

    member = school.activity("toan-10", "STUDENT#sv-1")
    assert worth(member["score"]) == pytest.approx(5, rel=1e-6)
    assert not {"enrolledAt", "enrollmentEventId"} & member.keys()
    assert school.activity("toan-10", "ITEM#bai-1")["board"] == "items#assignment"


def test_scores_add_up_whatever_order_events_arrive_in(open_school: Callable[[], School]) -> None:
    events = [
        enrolled(at=NOW - 28 * DAY),
        submitted(classId="toan-10", at=NOW - 14 * DAY),
        submitted(classId="toan-10"),
    ]
    expected = 3 / 4 + 5 / 2 + 5
    for order in (events, events[::-1]):
        school = open_school()
        assert school.handle(*order) == []
        member = school.activity("toan-10", "STUDENT#sv-1")
        assert worth(member["score"]) == pytest.approx(expected, rel=1e-6)
        assert member["events"] == 3


def test_a_clock_that_runs_ahead_gains_no_score(school: School) -> None:
    assert school.handle(enrolled(at=NOW + 365 * DAY)) == []

    assert worth(school.activity("toan-10", "STUDENT#sv-1")["score"]) == pytest.approx(3, rel=1e-6)


def test_a_repeated_delivery_changes_nothing(school: School) -> None:
    event = enrolled()
    school.handle(event)
    before = school.everything()
    school.now += 3600

    assert school.handle(event, event) == []

    assert school.everything() == before
    assert [row["recordedAt"] for row in school.interactions()] == [NOW * 1000 + 7]


def test_a_bare_submission_belongs_to_the_class_that_lists_its_assignment(school: School) -> None:
    material("toan-10", "hw1")

    school.handle(submitted())

    assert [(row["itemId"], row["classId"]) for row in school.interactions()] == [("hw1", "toan-10")]
    assert school.activity("toan-10", "ITEM#hw1")["score"] == 1


def test_of_several_classes_that_list_it_the_students_own_is_meant(school: School) -> None:
    for class_id in ("ly-10", "toan-10", "van-10"):
        material(class_id, "hw1")
    school.handle(enrolled(class_id="toan-10"))

    school.handle(submitted())

    assert {row["classId"] for row in school.interactions()} == {"toan-10"}


def test_an_assignment_nobody_lists_is_unassigned_until_a_class_lists_it(school: School) -> None:
    school.handle(submitted())
    assert [row["classId"] for row in school.interactions()] == [recording.UNASSIGNED]

    material("zzz", "hw1")
    school.handle(submitted("sv-2"))

    assert sorted(row["classId"] for row in school.interactions()) == [recording.UNASSIGNED, "zzz"]


def test_a_score_that_changed_in_between_is_read_again(school: School) -> None:
    other = submitted(classId="toan-10")

    def overtake() -> None:
        assert school.handle(other) == []

    school.misfortunes = [lambda: None, overtake]
    school.handle(submitted(classId="toan-10"))

    assert school.handle(submitted(classId="toan-10")) == []

    member = school.activity("toan-10", "STUDENT#sv-1")
    assert worth(member["score"]) == pytest.approx(15, rel=1e-6)
    assert member["events"] == 3
    assert school.activity("toan-10", "ITEM#hw1")["score"] == 3
    assert len(school.interactions()) == 3


def test_a_contended_transaction_is_tried_again_but_not_for_ever(school: School) -> None:
    school.misfortunes = [throttled] * 3
    assert school.handle(enrolled()) == []

    school.misfortunes = [throttled] * 100
    assert school.handle(enrolled()) == ["m-0"]

    assert len(school.interactions()) == 1
    assert 100 - len(school.misfortunes) <= 10


def test_many_events_of_one_class_interleaved_lose_and_double_nothing(school: School) -> None:
    """Each transaction is overtaken by the whole handling of the next event, four deep, with duplicates among them."""
    events = [submitted("sv-1" if number % 2 else "sv-2", classId="toan-10") for number in range(24)]
    waiting = [*events, *events[::3]]
    depth = 0

    def overtake() -> None:
        nonlocal depth
        if waiting and depth < 4:
            depth += 1
            school.misfortunes.insert(0, overtake)
            assert school.handle(waiting.pop()) == []
            depth -= 1

    while waiting:
        school.misfortunes = [overtake]
        assert school.handle(waiting.pop()) == []

    assert len(school.interactions()) == 24
    assert school.activity("toan-10", "ITEM#hw1")["score"] == 24
    for student in ("sv-1", "sv-2"):
        member = school.activity("toan-10", f"STUDENT#{student}")
        assert member["events"] == 12
        assert worth(member["score"]) == pytest.approx(12 * 5, rel=1e-6)


@pytest.mark.parametrize(
    ("event", "again"),
    [
        # The class, the score, the transaction, the tracker, the live event.
        (bare := submitted(), bare),
        # Its first telling, the score, the transaction, the tracker, the live event.
        (enrolled(eventId="e-1"), enrolled(at=NOW + 60, eventId="e-1")),
    ],
    ids=["bare and delivered again", "named and published again"],
)
@pytest.mark.parametrize("kill_after_acting", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_at_any_call_leaves_exactly_one_interaction(
    open_school: Callable[[], School], kill_after_acting: bool, event: dict[str, Any], again: dict[str, Any]
) -> None:
    calm = open_school()
    material("toan-10", "hw1")
    calm.track()
    calm.handle(event)
    expected = calm.everything()
    live = json.dumps(calm.live[0]["eventList"][0], default=str)
    deaths = 0
    while True:
        school = open_school()
        material("toan-10", "hw1")
        school.track()
        school.kill_at, school.kill_after_acting = len(school.calls) + deaths, kill_after_acting
        try:
            school.handle(event)
        except Killed:
            deaths += 1
        else:
            break
        school.kill_at = None
        # What was told of again is the first to be heard of where the worker died before it had noted anything.
        assert school.handle(again if deaths > 1 or kill_after_acting else event) == []
        assert school.everything() == expected, f"killed at call {deaths}: {school.calls}"
        assert {json.dumps(one["eventList"][0], default=str) for one in school.live} == {live}
    assert deaths == 5


def test_poison_fails_alone(school: School) -> None:
    announcement = enrolled() | {"source": "api.teacher", "detail-type": "teacher.sendAnnouncement"}
    announcement["detail"] = {"teacherId": "gv-1", "content": "x"}

    assert school.handle("{", "7", enrolled(class_id="#"), announcement, enrolled()) == ["m-0", "m-1", "m-2", "m-3"]

    assert len(school.interactions()) == 1


def test_a_late_event_of_an_erased_student_leaves_nothing_behind(school: School) -> None:
    school.track()
    tombstones.put("sv-1")
    assert school.handle(enrolled(), submitted()) == []
    assert (school.everything(), school.live) == ([], [])

    assert school.handle(enrolled(student="sv-2")) == []
    assert len(school.interactions()) == len(school.live) == 1


def test_an_erasure_between_two_tries_is_noticed(school: School) -> None:
    school.misfortunes = [lambda: tombstones.put("sv-1")]
    assert school.handle(enrolled()) == []
    assert school.everything() == []
