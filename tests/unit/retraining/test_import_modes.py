"""How a night's rows get into Personalize: what is chosen, why, and that it then holds what the tables hold."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campus import clock, tables
from campus.pseudonyms import pseudonym
from engagement import live
from engagement.interaction import Interaction
from retraining import (
    changes,
    data_check,
    doubts,
    export,
    finish,
    import_mode,
    imports,
    lake,
    lease,
    names,
    puts,
    runs,
    scope,
    shaping,
)
from retraining.preparation import TRACKER
from retraining.rows import DATASETS
from tests.unit.campus import school
from tests.unit.retraining import students
from tests.unit.retraining.account import Account
from tests.unit.retraining.conftest import SLOW
from tests.unit.retraining.crashing import Crash, crashing
from tests.unit.retraining.holdings import Holdings
from tests.unit.retraining.holdings import Interaction as Held

pytestmark = pytest.mark.usefixtures("_small")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
    """Numbers that a test reaches, and the datasets and the tracker that preparation makes."""
    monkeypatch.setattr(data_check, "MIN_INTERACTIONS", 1)
    monkeypatch.setattr(data_check, "MIN_USERS_WITH_TWO", 0)
    monkeypatch.setattr(data_check, "MIN_SHARE_WITH_TWO", 0)
    monkeypatch.setattr(shaping, "FEW", 8)
    monkeypatch.setattr(import_mode, "MAX_PUT", 4)
    made(account)
    tables.operations().put_item(Item={**TRACKER, "trackingId": "tracking-1"})


def made(account: Account) -> None:
    """The datasets come into being."""
    for dataset in DATASETS:
        account.resources[names.dataset_arn(dataset)] = {"creationDateTime": clock.now() - 10, "asked": 0}


def night(name: str, *, full: bool = False, fails: bool = False) -> dict[str, str]:
    """Export, check, import and finish; answers the modes by dataset."""
    cut_off = clock.now_ms()
    chosen = scope.choose(runs.watermark(), cut_off, full=full)
    manifest = export.brief(export.export(name, cut_off, chosen))
    data = data_check.check(name, manifest, runs.watermark(), force=True)
    assert data["verdict"] == "OK"
    owner = lease.acquire(name, name)
    assert owner
    doubts.note(owner, runs.watermark(), data["imports"])
    lease.give_back(owner)
    for job in data["imports"]:
        step: dict[str, Any] = {"outcome": "BUSY", "sent": 0}
        while job["mode"] != "NONE" and step["outcome"] == "BUSY":
            step |= imports.advance(name, {**job, "sent": step["sent"]})
    run = {"runId": name, "cutOff": cut_off, "export": manifest, "data": data}
    status = runs.FAILED if fails else "IMPORTED"
    for item in finish._watermark(run, {"status": status, "runId": name, "finishedAt": clock.now_ms()}):
        tables.operations().put_item(Item=item)
    return {job["dataset"]: job["mode"] for job in reversed(data["imports"])}


def in_tables() -> set[Held]:
    """Every interaction, as Personalize is to hold it."""
    return {
        (
            pseudonym(row["userId"]),
            row["itemId"],
            row["eventType"],
            f"{row['eventValue']:g}" if "eventValue" in row else "",
            int(row["occurredAt"]),
        )
        for row in school.rows(tables.interactions())
    }


def held(account: Account) -> tuple[set[Held], dict[str, str], set[str]]:
    """Interactions, locale by user, items."""
    users = account.holdings.records("users")
    locales = {user: record["LOCALE"] for user, record in users.items()}
    return account.holdings.interactions(), locales, set(account.holdings.records("items"))


def wanted() -> tuple[set[Held], dict[str, str], set[str]]:
    """The same of the tables."""
    people = {pseudonym(row["studentId"]): row["locale"] for row in school.rows(tables.students())}
    items = {row["itemId"] for row in school.rows(tables.class_activity()) if row["activity"].startswith("ITEM#")}
    return in_tables(), people, items


def student(number: int, locale: str = "vi") -> None:
    tables.students().put_item(Item={"studentId": f"s{number}", "email": "x@example.edu", "locale": locale})


def test_modes_night_by_night(account: Account) -> None:
    students.term(people=5, each=4)
    assert set(night("n1").values()) == {"FULL"}
    assert set(night("n2").values()) == {"NONE"}
    students.put(*(students.interaction("s1", number) for number in range(50, 57)))
    assert night("n3") == {"interactions": "EVENTS", "items": "NONE", "users": "NONE"}
    students.put(*(students.interaction("s2", number) for number in range(50, 58)))
    assert night("n4") == {"interactions": "INCREMENTAL", "items": "NONE", "users": "NONE"}
    student(1, "en")
    student(77)
    students.add_material("item-99")
    assert night("n5") == {"interactions": "NONE", "items": "PUT", "users": "PUT"}
    assert held(account) == wanted()
    for number in range(100, 105):
        student(number)
    assert night("n6")["users"] == "INCREMENTAL"
    assert set(night("n7", full=True).values()) == {"FULL"}
    assert held(account) == wanted()


def test_what_is_gone_needs_a_full_import_and_what_was_put_before_is_put_again(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(1, "en")
    assert night("n2")["users"] == "PUT"
    student(1, "vi")
    tables.students().delete_item(Key={"studentId": "s0"})
    assert night("n3")["users"] == "FULL"
    assert held(account) == wanted()
    mark = runs.watermark()["datasets"]["users"]
    assert (mark["rows"], mark["runId"]) == (4, "n3")


STEP = st.sampled_from(
    ["event", "events", "many", "student", "leaver", "locale", "item", "failed night", "night", "full night"]
)


@settings(SLOW, max_examples=5)
@given(st.lists(STEP, max_size=8))
# A value that was put one by one, by a night that failed or did not, and has changed back before the next import.
@example(["event", "locale", "failed night", "event", "locale"])
@example(["event", "locale", "night", "event", "locale", "full night"])
# Somebody who came and went between nights that failed.
@example(["student", "failed night", "failed night", "leaver", "failed night"])
def test_after_any_history_personalize_holds_what_the_tables_hold(account: Account, history: list[str]) -> None:
    boto3.resource("s3").Bucket("lake").objects.all().delete()
    tables.operations().delete_item(Key=runs.WATERMARK)
    account.resources.clear()
    account.holdings = Holdings()
    made(account)
    students.term(people=2, each=2)
    night("first")
    newest = 0
    for number, step in enumerate([*history, "night"]):
        at = 1000 + 20 * number
        count = {"event": 1, "events": 7, "many": 9}.get(step, 0)
        students.put(*(students.interaction(f"s{at % 3}", at + one) for one in range(count)))
        if step == "student":
            student(newest := at)
        if step == "leaver":
            tables.students().delete_item(Key={"studentId": f"s{newest}"})
        if step == "locale":
            student(1, "en" if number % 2 else "vi")
        if step == "item":
            students.add_material(f"item-{at}")
        if step.endswith("night"):
            night(f"night-{number}", full=step == "full night", fails=step == "failed night")
    interactions, locales, items = held(account)
    assert interactions == in_tables()
    assert wanted()[1].items() <= locales.items()
    # Only whoever was put one by one stays, until an erasure.
    assert {row["USER_ID"] for row in account.holdings.bulk["users"]} <= wanted()[1].keys()
    assert wanted()[2] <= items


def test_a_quiet_night_that_crashed_at_any_call_is_resumed_to_the_same_holdings(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(1, "en")
    students.add_material("item-99")
    students.put(*(students.interaction(f"s{number}", 99) for number in range(3)))
    before = runs.watermark()
    assert set(night("n2").values()) == {"EVENTS", "PUT"}
    after = runs.watermark()

    def again() -> None:
        tables.operations().put_item(Item=runs.watermark_item(before))
        account.holdings.events.clear()
        account.holdings.put.clear()

    again()
    with crashing(at=10_000) as calls:  # the export stands: what is left is to check, to send and to write down
        night("n2")
    for at in range(calls()):
        again()
        with crashing(at), pytest.raises(Crash):
            night("n2")
        assert totals(runs.watermark()) == totals(before)
        night("n2")
        assert held(account) == wanted()
        assert totals(runs.watermark()) == totals(after)


def totals(mark: dict[str, Any]) -> list[tuple[int, str]]:
    """Rows and fingerprint of every dataset."""
    return [(known["rows"], known["fingerprint"]) for known in mark["datasets"].values()]


def test_what_cannot_be_compared_is_imported_on_top(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(77)
    with monkeypatch.context() as smaller:
        smaller.setattr(changes, "MAX_COMPARED", 5)
        assert night("n2")["users"] == "INCREMENTAL"
    student(78)
    boto3.client("s3").delete_object(Bucket="lake", Key=lake.manifest_key("n2"))
    assert night("n3")["users"] == "INCREMENTAL"
    boto3.client("s3").delete_object(Bucket="lake", Key=lake.manifest_key("n3"))
    assert night("n4", full=True)["users"] == "FULL"
    assert held(account) == wanted()


def test_a_nights_event_equals_the_live_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    happened = Interaction(
        "event-1", "s1", "item-1", "assignment", "submitAssignment", "C1", "2026-11-20T08:00:00Z", 80.5
    )
    students.put(happened.row("C1", clock.now_ms() - 1000))
    before = {"runId": "r0", "cutOff": 1, "datasets": {"interactions": export._EMPTY}}
    mark = {**before, "cutOff": clock.now_ms() - 60_000}
    export.export("n1", clock.now_ms(), scope.Scope("INCREMENTAL", "next", mark))
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(account.holdings, "single", lambda _, request: sent.append(request))
    live.follow(happened)
    puts.put("n1", "interactions", "EVENTS", "", 0)
    assert sent[0] == sent[1]
    assert sent[0]["eventList"][0]["sentAt"] == int(datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp())


def test_live_events_are_not_counted_twice_whatever_the_night_does(account: Account) -> None:
    students.term(people=5, each=4)
    for name, full in (("n1", False), ("n2", False), ("n3", True)):
        happened = Interaction(
            f"event-{name}", "s1", "item-1", "assignment", "submitAssignment", "C1", clock.iso(students.NOVEMBER)
        )
        live.follow(happened)
        students.put(happened.row("C1", clock.now_ms() - 1))
        night(name, full=full)
        assert account.holdings.interactions() == in_tables()


def test_records_are_put_with_the_columns_of_the_schema(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    students.add_material("item-99", "quiz")
    night("n2")
    ((_, request),) = [call for call in account.calls if call[0] == "/items"]
    assert request["items"][0]["itemId"] == "item-99"
    assert json.loads(request["items"][0]["properties"]) == {
        "type": "quiz",
        "classId": "C1",
        "creationTimestamp": students.NOVEMBER,
    }
