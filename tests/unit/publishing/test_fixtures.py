"""The fixtures in events/, through the real handlers: what `sam local invoke -e events/…` does."""

from campus import tables
from publishing import (
    publish_announcement,
    publish_enrollment,
    publish_submission,
    put_class,
    put_student,
    relay_events,
    request_ranking_update,
)
from tests.unit.campus import school
from tests.unit.campus.school import CONTEXT, fixture


def test_the_requests_tell_one_story() -> None:
    story = [
        put_student,
        put_class,
        publish_enrollment,
        publish_submission,
        publish_announcement,
        request_ranking_update,
    ]

    answers = [module.handler(fixture(module.__name__.rpartition(".")[2]), None) for module in story]

    assert [answer["statusCode"] for answer in answers] == [200, 200, 202, 202, 202, 202]
    published = {event["detailType"]: event["detail"] for event in school.outbox()}
    assert set(published) == {
        "student.enrolled",
        "student.submitAssignment",
        "teacher.sendAnnouncement",
        "ranking.requestUpdate",
    }
    for detail_type, detail in published.items():
        expected = fixture(detail_type)["detail"]
        assert detail.keys() == expected.keys()
        assert detail["metadata"].keys() == expected["metadata"].keys()
        assert fixture(f"{detail_type}.bare").items() <= detail.items()


def test_repeating_the_requests_publishes_nothing_new() -> None:
    for _ in range(2):
        test_the_requests_tell_one_story()

    assert len(school.outbox()) == 4


def test_the_stream_fixture_holds_what_the_outbox_writes() -> None:
    records = fixture("relay_events")["Records"]
    for record in records:
        key = {name: value["S"] for name, value in record["dynamodb"]["Keys"].items()}
        tables.operations().put_item(Item=key)
    put_student.handler(fixture("put_student"), None)
    put_class.handler(fixture("put_class"), None)
    publish_enrollment.handler(fixture("publish_enrollment"), None)

    assert relay_events.handler({"Records": records}, CONTEXT) == {"batchItemFailures": []}
    relayed = [row for row in school.rows(tables.operations()) if "relayedAt" in row]
    assert len(relayed) == len(records) == 4
    (written,) = [row for row in school.rows(tables.operations()) if row.get("state") == "OUTBOX#PENDING"]
    assert records[0]["dynamodb"]["NewImage"].keys() == written.keys()


def test_the_sweep_fixture_sweeps() -> None:
    assert relay_events.handler(fixture("relay_events.sweep"), CONTEXT) == {"relayed": 0, "pending": 0}
