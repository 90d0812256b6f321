"""An event that has an id of its producer, and no instant."""

from campus import clock
from tests.unit.engagement.school import NOW, School, enrolled


def test_an_event_of_the_same_id_is_the_same_one_though_published_again_later(school: School) -> None:
    school.track()
    for after in (0, 1, 86_400):
        assert school.handle(enrolled(at=NOW + after, eventId="e-1")) == []
    assert [row["occurredAt"] for row in school.interactions()] == [NOW]
    assert school.activity("toan-10", "STUDENT#sv-1")["events"] == 1
    assert {(one["eventList"][0]["eventId"], one["eventList"][0]["sentAt"].timestamp()) for one in school.live} == {
        ("e-1", NOW)
    }

    school.handle(enrolled(student="sv-2", at=NOW + 1, eventId="e-1"))
    school.handle(enrolled(at=NOW + 2, eventId="e-2"))
    school.handle(enrolled(at=NOW + 3, eventId="e-1", occurredAt=clock.iso(NOW + 3)))
    assert len(school.interactions()) == 4, "another student's, another id, and one that says itself when it happened"
