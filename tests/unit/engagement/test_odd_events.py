"""Events that are not wrong, only odd."""

from typing import Any

import pytest

from campus import clock
from tests.unit.engagement.school import NOW, School, eventbridge, submitted

DAY = 86_400


@pytest.mark.parametrize(
    "metadata",
    [None, {"eventId": "e-1", "correlationId": None}, {"eventId": None}, {"schemaVersion": None}, {"occurredAt": None}],
)
def test_metadata_that_says_nothing_is_none(school: School, metadata: dict[str, Any] | None) -> None:
    detail = {"studentId": "s", "classId": "c", "metadata": metadata}
    assert school.handle(eventbridge("api.student", "student.enrolled", detail, NOW, {})) == []
    assert len(school.interactions()) == 1


def test_an_item_of_a_clock_that_runs_ahead_is_exported_all_the_same(school: School) -> None:
    school.handle(submitted(at=NOW + 10 * DAY, classId="toan-10", assignmentId="hw9"))
    item = school.activity("toan-10", "ITEM#hw9")
    assert item["createdAt"] <= clock.now()
