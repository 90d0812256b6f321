"""SES: what SendEmail refuses, what the mailbox shows, which events follow."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import loopback
from tests.integration.sample.stack import Sample, eventually

pytest_plugins = ["tests.integration.sample.plugin"]


def send(sample: Sample, to: str, **changes: Any) -> str:
    simple = {
        "Subject": {"Data": changes.pop("subject", "Xác nhận đăng ký lớp"), "Charset": "UTF-8"},
        "Body": {"Text": {"Data": "Bạn vừa đăng ký lớp Toán 10."}, "Html": {"Data": "<p>Bạn vừa đăng ký</p>"}},
        "Headers": changes.pop("headers", [{"Name": "List-Unsubscribe", "Value": "<https://school.example/u>"}]),
    }
    mail = {
        "FromEmailAddress": "Trường <noreply@school.example>",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": simple},
        **changes,
    }
    return str(sample.client("sesv2").send_email(**mail)["MessageId"])


def mailbox(sample: Sample, to: str) -> list[dict[str, Any]]:
    with loopback.open(f"{sample.cloud.endpoint}/_ministack/ses/messages", timeout=10) as answer:
        mails = [mail for account in json.load(answer)["messages"].values() for mail in account]
    return [mail for mail in mails if to in mail["To"]]


def test_an_accepted_mail_is_in_the_mailbox_with_headers_and_tags(sample: Sample) -> None:
    to = f"{uuid.uuid4().hex}@students.example"
    message_id = send(sample, to, EmailTags=[{"Name": "ledger", "Value": "abc-1"}], ConfigurationSetName="sample-mail")

    (mail,) = mailbox(sample, to)
    assert mail["MessageId"] == message_id
    assert mail["Subject"] == "Xác nhận đăng ký lớp"
    assert mail["BodyText"] == "Bạn vừa đăng ký lớp Toán 10."
    assert mail["Headers"] == {"List-Unsubscribe": "<https://school.example/u>"}
    assert mail["Tags"] == {"ledger": "abc-1"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"FromEmailAddress": "noreply@elsewhere.example"}, "MessageRejected"),
        ({"ConfigurationSetName": "unknown"}, "NotFoundException"),
        ({"subject": "Hi\r\nBcc: x@evil.example"}, "BadRequestException"),
        ({"headers": [{"Name": "X-A", "Value": "a\r\nBcc: x@evil.example"}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": "name", "Value": "Ánh"}]}, "BadRequestException"),
        ({"Destination": {"ToAddresses": ["ánh@students.example"]}}, "BadRequestException"),
        ({"Destination": {"ToAddresses": ["a@students.example\r\nBcc: x@evil.example"]}}, "BadRequestException"),
    ],
)
def test_a_bad_mail_is_refused_and_nowhere(sample: Sample, changes: dict[str, Any], code: str) -> None:
    to = f"{uuid.uuid4().hex}@students.example"
    with pytest.raises(ClientError) as refused:
        send(sample, to, **changes)
    assert refused.value.response["Error"]["Code"] == code
    assert mailbox(sample, to) == []


def feedback(sample: Sample, ledger: str) -> list[dict[str, Any]]:
    events = [json.loads(one["body"]) for one in sample.seen("consume") if ledger in one["body"]]
    return sorted(events, key=lambda event: str(event["eventType"]))


def test_a_mail_is_followed_by_its_events_on_the_default_bus(sample: Sample) -> None:
    ledger = uuid.uuid4().hex
    tags = [{"Name": "ledger", "Value": ledger}]
    message_id = send(sample, "ann@students.example", EmailTags=tags, ConfigurationSetName="sample-mail")

    delivery, sent = eventually(lambda: feedback(sample, ledger), lambda events: len(events) == 2)
    assert (delivery["eventType"], sent["eventType"]) == ("Delivery", "Send")
    assert sent["mail"]["messageId"] == message_id
    assert sent["mail"]["tags"]["ledger"] == [ledger]


def test_a_mail_to_the_bounce_simulator_bounces(sample: Sample) -> None:
    ledger = uuid.uuid4().hex
    tags = [{"Name": "ledger", "Value": ledger}]
    send(sample, "bounce@simulator.amazonses.com", EmailTags=tags, ConfigurationSetName="sample-mail")

    bounce, sent = eventually(lambda: feedback(sample, ledger), lambda events: len(events) == 2)
    assert (bounce["eventType"], sent["eventType"]) == ("Bounce", "Send")
    assert bounce["bounce"]["bounceType"] == "Permanent"
