"""Whatever somebody writes onto the bus, into a row or into an address, the pages answer something sensible."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from html import unescape
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urljoin

import boto3
import pytest
from moto import mock_aws

from local.cloud import archive
from local.commands.instance import Instance
from local.console.app import make_app
from local.console.sources.account import Account
from local.console.sources.events import Events
from local.console.sources.mails import Mails
from local.console.sources.rankings import Rankings
from local.console.sources.runs import sound
from tests.unit.console.asgi import ORIGIN, PORT, Browser
from tests.unit.console.test_pages import Read

_TABLES = {
    "StudentsTable": ({"studentId": "HASH"}, {}),
    "InteractionsTable": ({"userId": "HASH", "occurrence": "RANGE"}, {}),
    "ClassActivityTable": (
        {"classId": "HASH", "activity": "RANGE"},
        {"byScore": {"board": "HASH", "score": "RANGE"}, "byMember": {"member": "HASH"}},
    ),
    "OperationsTable": ({"pk": "HASH", "sk": "RANGE"}, {"byState": {"state": "HASH", "stateAt": "RANGE"}}),
}
_LONG = "x" * 3000
_DEEP: Any = "bottom"
for _ in range(400):
    _DEEP = {"a": _DEEP}
_NO_IDS: tuple[Any, ...] = (
    *(17, 1e300, {}, [1], True, None),
    *("", "../x", "a/b", ".", "..", "%2e%2e", "*", "\ud800", _LONG),
)
_DETAILS: dict[str, Any] = {
    "student is a number": {"studentId": 5},
    "student is an object": {"studentId": {}},
    "student is too long": {"studentId": _LONG},
    "student is half a character": {"studentId": "\ud800"},
    "student is empty": {"studentId": ""},
    "class is a number": {"classId": 7},
    "class ends in a star": {"classId": "c*"},
    "class is too long": {"classId": _LONG, "studentId": "s1"},
    "teacher is a list": {"teacherId": [_LONG], "trigger": {"a": 1}},
    "detail is a list": [],
    "detail is a text": "text",
    "detail is nothing": None,
    "detail is deep": {"content": _DEEP},
    "metadata is a list": {"metadata": [1]},
    **{
        f"{field} is {json.dumps(value)[:20]}": {"studentId": "s1", "metadata": {field: value}}
        for field in ("eventId", "correlationId", "causationId", "occurredAt")
        for value in _NO_IDS
    },
    **{
        f"occurred at {at}": {"studentId": "s1", "classId": "c1", "metadata": {"occurredAt": at}}
        for at in ("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "today")
    },
}


class Office(Account):
    """An account with DynamoDB alone, and a bus that holds what it is given."""

    def __init__(self, dynamodb: Any) -> None:
        outputs = {**{name: name for name in _TABLES}, "EventBusName": "bus", "StateMachineArn": "machine"}
        super().__init__(Instance(1, 9, "http://127.0.0.1:9", 1.0, 0, outputs))
        self._dynamodb = dynamodb

    def client(self, service: str) -> Any:
        empty: dict[str, Any] = {"Rules": [], "executions": []}
        others = SimpleNamespace(list_rules=lambda **_: empty, list_executions=lambda **_: empty)
        return self._dynamodb if service == "dynamodb" else others

    def door(self, name: str, asked: Mapping[str, Any]) -> Any:
        answer = archive.latest_events(dict(asked)) if name == "timeline" else {"mails": [], "more": None}
        return json.loads(json.dumps(answer))

    def api(self, method: str, path: str, body: object = None) -> Any:
        del method, path, body
        return {"recommendations": [{"itemId": {"odd": 1}, "score": None}], "source": "popular"}


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", "ap-southeast-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name, (key, indexes) in _TABLES.items():
            columns = {**key, **{column: "" for index in indexes.values() for column in index}}
            made = [
                {"IndexName": index, "KeySchema": _schema(keys), "Projection": {"ProjectionType": "ALL"}}
                for index, keys in indexes.items()
            ]
            dynamodb.create_table(
                TableName=name,
                KeySchema=_schema(key),
                AttributeDefinitions=[{"AttributeName": column, "AttributeType": "S"} for column in columns],
                BillingMode="PAY_PER_REQUEST",
                **({"GlobalSecondaryIndexes": made} if made else {}),
            )
        odd = {"userId": {"S": "odd"}, "occurrence": {"S": "1"}, "eventType": {"L": []}, "itemId": {"M": {}}}
        dynamodb.put_item(TableName="InteractionsTable", Item=odd)
        bare = {"userId": {"S": "odd"}, "occurrence": {"S": "2"}, "occurredAt": {"N": "1e30"}}
        dynamodb.put_item(TableName="InteractionsTable", Item=bare)
        dynamodb.put_item(TableName="StudentsTable", Item={"studentId": {"S": "odd"}, "displayName": {"N": "5"}})
        yield Office(dynamodb)


def _schema(key: Mapping[str, str]) -> Any:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in key.items()]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is on the bus, oldest first."""
    events: list[Any] = []
    monkeypatch.setattr(archive, "_records", lambda: events)
    monkeypatch.setattr(archive, "_event", lambda event: event)
    monkeypatch.setattr(archive, "_account", contextlib.nullcontext)
    return events


@pytest.fixture
def visitor(office: Office, sources: Any) -> Browser:
    sources.events, sources.mails, sources.rankings = Events(office), Mails(office), Rankings(office)
    return Browser(make_app(sources, PORT))


@pytest.mark.parametrize("name", _DETAILS)
def test_an_odd_event_has_its_place_and_its_page(visitor: Browser, bus: list[Any], name: str) -> None:
    event = {"id": "e-1", "time": "2026-01-01T00:00:00Z", "source": "api.student", "detail-type": "student.enrolled"}
    bus.append({**event, "detail": _DETAILS[name]})
    assert visitor.get("/").status == 200
    line = visitor.get("/events")
    assert line.status == 200, line.text
    addresses = [unescape(str(one["href"])) for _, one in Read(line.text).tags if one.get("id") == "event-1"]
    assert len(addresses) == 1
    here = urljoin(ORIGIN, addresses[0])
    assert here == ORIGIN + addresses[0], "a browser would go elsewhere"
    page = visitor.get(addresses[0])
    assert page.status == 200, page.text
    assert "student.enrolled" in page.text
    for _, one in Read(page.text).tags:
        if str(one.get("href")).startswith(("/rankings", "/events?")):
            assert visitor.get(unescape(str(one["href"]))).status in {200, 404}


def test_a_text_that_is_no_unicode_is_shown_all_the_same(visitor: Browser, bus: list[Any]) -> None:
    bus.append({"id": "e", "time": "", "source": "\ud800", "detail-type": "\ud800", "detail": {"content": "\ud800 Đỗ"}})
    assert "Đỗ" in visitor.get("/events?event=e").text


_NUMBERS = "9" * 5000


@pytest.mark.parametrize(
    "address",
    [
        "/rankings?student=*",
        "/rankings?student=s1*",
        f"/rankings?student={_LONG}",
        f"/rankings?class={_LONG}",
        "/rankings?student=odd",
        "/rankings?student=odd&more=eyJhIjogMX0=",
        "/rankings?more=eyJhIjogMX0=",
        "/rankings?more=" + base64.urlsafe_b64encode(b'{"studentId": {"S": 5}}').decode(),
        f"/rankings?more={'A' * 400}",
        f"/events?more={_NUMBERS}",
        f"/events?event={_LONG}",
        f"/events?correlation={_LONG}",
        f"/mailbox?more={_NUMBERS}",
        f"/mailbox?mail={_LONG}&more=0",
        "/mailbox?more=-1",
        "/events?event=" + quote("../x"),
        "/events?event=%00",
        "/rankings?student=%00",
    ],
)
def test_an_odd_address_finds_nothing(visitor: Browser, bus: list[Any], address: str) -> None:
    del bus
    answer = visitor.get(address)
    assert answer.status in {200, 404}, answer.text
    assert "<h1" in answer.text


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"recommendation": None}, {"interactions": "many"}])
def test_an_odd_run_record_is_shown_as_far_as_it_goes(
    visitor: Browser, sources: SimpleNamespace, odd: Any, bus: list[Any]
) -> None:
    del bus
    fields = ("metrics", "baselineMetrics", "rows", "imports", "training", "costUnits", "solutionVersionArn", "why")
    for record in (sound({"runId": odd, **dict.fromkeys((*fields, "status", "trigger", "newRows"), odd)}), {}):
        sources.runs.records = lambda _limit=20, record=record: [record]
        recent = {"name": "x", "status": "SUCCEEDED", "startedAt": 1.0, "stoppedAt": 2.0, "record": record}
        sources.runs.recent = lambda _machine, recent=recent: [recent]
        for address in ("/", "/model", "/retraining"):
            answer = visitor.get(address)
            assert answer.status == 200, (record, answer.text)
