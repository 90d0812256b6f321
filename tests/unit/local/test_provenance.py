"""`mailbox`: links that can be followed here, and what the ledger and the outbox know of a mail."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.commands import provenance
from local.commands.instance import Instance
from local.deploy import local_links

TABLE = "operations"


class Account(Instance):
    """An instance whose clients are moto's."""

    def client(self, service: str, **options: Any) -> Any:
        return boto3.client(service, **options)


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    archive: dict[str, Any] = {"bare": {"source": "api.student", "detail-type": "student.enrolled", "detail": {}}}
    monkeypatch.setattr(
        provenance, "_archived", lambda _, ids: {name: event for name, event in archive.items() if name in ids}
    )
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield Account(1, 1, "http://127.0.0.1:1", 1.0, 0, {"OperationsTable": TABLE})


def put(**attributes: str) -> None:
    boto3.resource("dynamodb").Table(TABLE).put_item(Item=attributes)


def test_a_mail_is_traced_to_its_row_and_its_event(instance: Account) -> None:
    put(pk="MAIL#a", sk="MAIL", status="SENT", eventId="e1")
    put(pk="MAIL#b", sk="MAIL", status="CLAIMED", eventId="bare")
    put(pk="MAIL#c", sk="MAIL", status="SENT", eventId="gone")
    detail = {"studentId": "sv001", "classId": "toán-10"}
    event = {"source": "api.student", "detailType": "student.enrolled", "detail": json.dumps(detail)}
    put(pk="OUTBOX#e1", sk="EVENT", eventId="e1", **event)

    mails = [{"ledgerId": name, "to": name} for name in ("a", "b", "c", "unknown", None)]
    found = [(one["to"], one["status"], one["eventId"], one["event"]) for one in provenance.traced(instance, mails)]
    published = {"source": "api.student", "detail-type": "student.enrolled", "detail": detail}
    assert found == [
        ("a", "SENT", "e1", published),
        ("b", "CLAIMED", "bare", {"source": "api.student", "detail-type": "student.enrolled", "detail": {}}),
        ("c", "SENT", "gone", None),
        ("unknown", None, None, None),
        (None, None, None, None),
    ]


def test_more_mails_than_one_read_takes_of_one_event(instance: Account) -> None:
    for number in range(130):
        put(pk=f"MAIL#{number}", sk="MAIL", status="SENT", eventId="e1")
    put(pk="OUTBOX#e1", sk="EVENT", eventId="e1", source="api.teacher", detailType="x", detail="{}")
    # One mail twice, as SES may have taken it.
    mails = [{"ledgerId": str(number % 130)} for number in range(131)]
    found = list(provenance.traced(instance, mails))
    assert [one["ledgerId"] for one in found] == [one["ledgerId"] for one in mails]
    assert {(one["status"], one["event"]["source"]) for one in found} == {("SENT", "api.teacher")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "<https://abc123.execute-api.ap-southeast-1.amazonaws.com/unsubscribe?token=x.y>",
            "<http://127.0.0.1:1/_aws/execute-api/abc123/$default/unsubscribe?token=x.y>",
        ),
        ("https://school.example/a and https://execute-api.amazonaws.com/", None),
    ],
)
def test_links_to_the_api_lead_to_where_it_is_reached(text: str, expected: str | None) -> None:
    assert local_links("http://127.0.0.1:1", f"vào {text} nhé") == f"vào {expected or text} nhé"
