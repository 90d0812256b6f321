"""The typed events: the specification's bare details, the envelope, and everything the outside may send instead."""

import dataclasses
import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campus import events, validation
from campus.events import (
    EVENT_CLASSES,
    AnnouncementSent,
    AnyEvent,
    AssignmentSubmitted,
    EventClass,
    Metadata,
    RankingUpdateRequested,
    StudentEnrolled,
)
from campus.validation import InvalidInputError
from tests.unit.campus import school

METADATA = Metadata("e-1", "2026-11-20T08:00:00Z", "c-1")
BARE = [
    (StudentEnrolled, {"studentId": "sv-an", "classId": "toan-10"}),
    (AssignmentSubmitted, {"studentId": "sv-an", "fileUrl": "https://files.example/hw1.pdf"}),
    (AnnouncementSent, {"teacherId": "gv-ha", "content": "Ngày mai nghỉ học"}),
    (RankingUpdateRequested, {"trigger": "manual"}),
]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["studentId", "classId", "teacherId", "content", "fileUrl", "assignmentId", "trigger", "metadata"]
METADATA_FIELDS = ["eventId", "occurredAt", "correlationId", "causationId", "schemaVersion"]
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:@+=-]{0,127}", fullmatch=True)
MAYBE_VALID = JSON | IDS | st.sampled_from(["https://f/x.pdf", "https://[", "2026-11-20T08:00:00Z", "2026-11-20"])
ENVELOPES = st.dictionaries(st.sampled_from(METADATA_FIELDS), MAYBE_VALID)


def delivered(kind: EventClass, detail: object, **changed: object) -> dict[str, Any]:
    """As EventBridge delivers it."""
    envelope = {
        "version": "0",
        "id": "11111111-2222-3333-4444-555555555555",
        "detail-type": kind.detail_type,
        "source": kind.source,
        "account": "000000000000",
        "time": "2026-11-22T02:00:00Z",
        "region": "ap-southeast-1",
        "resources": [],
        "detail": detail,
    }
    return envelope | changed


@pytest.mark.parametrize(("kind", "detail"), BARE)
def test_the_bare_details_of_the_specification_are_accepted(kind: EventClass, detail: dict[str, str]) -> None:
    event = events.parse(delivered(kind, detail))

    assert type(event) is kind
    assert detail.items() <= event.fields().items()
    assert event.metadata.event_id == event.metadata.correlation_id == "11111111-2222-3333-4444-555555555555"
    assert event.metadata.occurred_at == "2026-11-22T02:00:00Z"
    assert event.metadata.occurred_at_epoch == 1_795_312_800


def test_each_event_has_a_type_of_its_own_in_the_specifications_words() -> None:
    assert {(kind.source, kind.detail_type) for kind in EVENT_CLASSES} == {
        ("api.student", "student.enrolled"),
        ("api.assignment", "student.submitAssignment"),
        ("api.teacher", "teacher.sendAnnouncement"),
        ("api.ranking", "ranking.requestUpdate"),
    }


@pytest.mark.parametrize(
    ("file_url", "assignment"),
    [
        ("https://files.example/hw1.pdf", "hw1"),
        ("https://files.example/a/b/hw1.tar.gz?sig=a%2Fb#page", "hw1.tar"),
        ("https://files.example/b%C3%A0i-t%E1%BA%ADp-1.pdf", "bai-tap-1"),
        ("s3://bucket/Đề thi (cuối kỳ).docx", "De-thi--cuoi-ky-"),
        ("https://files.example/_hw.pdf", "hw"),
        ("https://files.example/(1) bài.pdf", "1--bai"),
        ("https://files.example/作业-2.pdf", "2"),
        ("https://files.example/.pdf", "pdf"),
        ("https://files.example/作业.pdf", "file-05cdcaae0511"),
        ("https://files.example/%E4%BD%9C%E4%B8%9A.pdf?sig=1", "file-05cdcaae0511"),
        ("https://files.example/---.pdf", "file-9c66be6c685f"),
        ("https://files.example/", "file-8a5edab28263"),
        ("https://files.example", "file-e3b0c44298fc"),
        (f"https://files.example/{'x' * 200}.pdf", "x" * 64),
    ],
)
def test_a_bare_submissions_assignment_is_its_files_stem(file_url: str, assignment: str) -> None:
    event = events.parse(delivered(AssignmentSubmitted, {"studentId": "sv-an", "fileUrl": file_url}))

    assert isinstance(event, AssignmentSubmitted)
    assert event.assignment_id == assignment


@pytest.mark.parametrize(
    ("student", "name", "is_told"),
    [
        ("sv-an", "sv-an.pdf", True),
        ("sv-an", "SV-AN.pdf", True),
        ("sv-an", "hw1_sv-an_final.pdf", True),
        ("sv@truong.example", "sv@truong.example hw1.pdf", True),
        ("an", "toan-10.pdf", False),
        ("sv-1", "sv-10.pdf", False),
        ("sv-an", f"{'x' * 70}-sv-an.pdf", True),
    ],
)
def test_no_assignment_is_named_after_its_student(student: str, name: str, is_told: bool) -> None:
    url = f"https://files.example/hw1/{quote(name)}"
    event = events.parse(delivered(AssignmentSubmitted, {"studentId": student, "fileUrl": url}))
    assert isinstance(event, AssignmentSubmitted)
    assert event.assignment_id.startswith("file-") is is_told


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_every_bare_submission_has_an_assignment_whatever_its_file_is_called(name: str) -> None:
    detail = {"studentId": "sv-an", "fileUrl": f"https://files.example/{quote(name)}"}

    assert events.parse(delivered(AssignmentSubmitted, detail))


@pytest.mark.parametrize(("kind", "detail"), BARE)
def test_a_bare_event_is_the_same_one_under_another_id_of_the_same_day(
    kind: EventClass, detail: dict[str, str]
) -> None:
    first = events.parse(delivered(kind, detail, id="eb-1"))

    def identity(**changed: object) -> str:
        return events.parse(delivered(kind, detail) | changed).identity

    assert identity(id="eb-2", time="2026-11-22T23:59:59Z") == first.identity
    assert identity(detail=detail | {"metadata": {"correlationId": "c"}}) == first.identity
    assert identity(time="2026-11-23T00:00:00Z") != first.identity
    assert identity(detail=detail | {"metadata": {"eventId": "e-1"}}) == "e-1"
    for name in detail:
        assert identity(detail=detail | {name: detail[name] + "x"}) != first.identity
    assert validation.identifier({"id": first.identity}, "id")


def test_the_producers_id_and_time_win_over_eventbridges() -> None:
    sent = StudentEnrolled("sv-an", "toan-10", metadata=dataclasses.replace(METADATA, causation_id="e-0"))

    received = events.parse(delivered(StudentEnrolled, json.loads(sent.detail())))

    assert received == sent


@pytest.mark.parametrize("kind", EVENT_CLASSES)
def test_the_fixtures_are_the_events(kind: EventClass) -> None:
    delivered_ = school.fixture(kind.detail_type)

    event = events.parse(delivered_)

    assert type(event) is kind
    assert json.loads(event.detail()) == delivered_["detail"]
    assert school.fixture(f"{kind.detail_type}.bare").items() <= event.fields().items()
    assert type(events.parse(delivered(kind, school.fixture(f"{kind.detail_type}.bare")))) is kind


@pytest.mark.parametrize("name", ["send_email", "record_interaction", "fan_out_announcement"])
def test_the_queue_fixtures_wrap_events(name: str) -> None:
    records = school.fixture(name)["Records"]

    parsed = [events.parse(json.loads(record["body"])) for record in records]

    assert len({event.metadata.event_id for event in parsed}) == len(records) > 0


def test_further_fields_are_tolerated() -> None:
    detail = {
        "studentId": "sv-an",
        "classId": "toan-10",
        "email": "x",
        "metadata": {"producer": "lms", "eventId": None},
    }

    assert events.parse(delivered(StudentEnrolled, detail)).metadata.event_id.startswith("1111")


@pytest.mark.parametrize(
    ("kind", "detail", "named"),
    [
        (StudentEnrolled, {"studentId": "sv-an"}, "classId"),
        (StudentEnrolled, {"studentId": "a#b", "classId": "c"}, "studentId"),
        (StudentEnrolled, {"studentId": 7, "classId": "c"}, "studentId"),
        (StudentEnrolled, [], "detail"),
        (StudentEnrolled, {"studentId": "a", "classId": "c", "metadata": []}, "metadata"),
        (StudentEnrolled, {"studentId": "a", "classId": "c", "metadata": {"occurredAt": "yesterday"}}, "occurredAt"),
        (StudentEnrolled, {"studentId": "a", "classId": "c", "metadata": {"occurredAt": "2026-11-20"}}, "occurredAt"),
        (StudentEnrolled, {"studentId": "a", "classId": "c", "metadata": {"eventId": "a#b"}}, "eventId"),
        (AssignmentSubmitted, {"studentId": "a", "fileUrl": "ftp://x/y"}, "fileUrl"),
        (AssignmentSubmitted, {"studentId": "a", "fileUrl": "https://x/y", "classId": "c#"}, "classId"),
        (AnnouncementSent, {"teacherId": "a", "content": "x" * 10_001}, "content"),
        (AnnouncementSent, {"teacherId": "a", "content": "\ud83d"}, "content"),
        (RankingUpdateRequested, {"trigger": ""}, "trigger"),
    ],
)
def test_an_invalid_event_names_the_field(kind: EventClass, detail: object, named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        events.parse(delivered(kind, detail))


@pytest.mark.parametrize("changed", [{"source": "api.teacher"}, {"detail-type": "student.left"}, {"source": None}])
def test_an_unknown_type_is_invalid(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="known source"):
        events.parse(delivered(StudentEnrolled, {"studentId": "a", "classId": "c"}, **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "CANARY"},
        {"detail-type": "CANARY"},
        {"id": "CANARY", "detail": {"studentId": "CANARY#", "classId": "c"}},
        {"detail": {"studentId": "CANARY", "classId": "CANARY#"}},
        {"detail": {"studentId": "a", "classId": "c", "metadata": {"occurredAt": "CANARY"}}},
        {"detail": {"studentId": "a", "classId": "c", "metadata": {"occurredAt": "2026-11-20T08:00:00 CANARY"}}},
        {"detail": {"studentId": "a", "classId": "c", "metadata": {"eventId": "CANARY#"}}},
        {"detail": {"studentId": "a", "classId": "c", "metadata": {"schemaVersion": "CANARY" * 9}}},
    ],
)
def test_what_is_wrong_is_said_without_quoting_it(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        events.parse(delivered(StudentEnrolled, {}) | changed)
    assert "CANARY" not in str(refusal.value)


@given(
    st.sampled_from(EVENT_CLASSES),
    st.dictionaries(st.sampled_from(FIELDS), MAYBE_VALID)
    | st.builds(lambda metadata: {"trigger": "t", "metadata": metadata}, ENVELOPES)
    | JSON,
)
def test_any_detail_is_an_event_or_invalid_input(kind: EventClass, detail: object) -> None:
    with suppress(InvalidInputError):
        event = events.parse(delivered(kind, detail))
        assert events.parse(delivered(kind, json.loads(event.detail()))) == event


@given(JSON | st.dictionaries(st.sampled_from(["id", "time", "source", "detail-type", "detail"]), MAYBE_VALID))
def test_any_json_in_a_queue_is_an_event_or_invalid_input(message: object) -> None:
    with suppress(InvalidInputError):
        events.parse(message)  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["id", "time"])
def test_an_envelope_that_lacks_a_part_is_invalid_input(missing: str) -> None:
    event = delivered(StudentEnrolled, {"studentId": "a", "classId": "c"})
    del event[missing]

    with pytest.raises(InvalidInputError):
        events.parse(event)


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=300
).filter(str.strip)


@st.composite
def produced(draw: st.DrawFn) -> AnyEvent:
    metadata = Metadata(draw(IDS), "2026-11-20T08:00:00Z", draw(IDS), draw(st.none() | IDS))
    every: list[AnyEvent] = [
        StudentEnrolled(draw(IDS), draw(IDS), metadata=metadata),
        AssignmentSubmitted(draw(IDS), "https://f/x", draw(IDS), draw(st.none() | IDS), metadata=metadata),
        AnnouncementSent(draw(IDS), draw(TEXT), draw(st.none() | IDS), metadata=metadata),
        RankingUpdateRequested("manual", metadata=metadata),
    ]
    return draw(st.sampled_from(every))


@given(produced())
def test_what_is_sent_is_what_is_received(event: AnyEvent) -> None:
    assert events.parse(delivered(type(event), json.loads(event.detail()))) == event
