"""SES: what SendEmail refuses, what the mailbox shows, which events follow."""

import json
import urllib.error
import urllib.request
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
        ({"headers": [{"Name": f"X-{number}", "Value": "a"} for number in range(16)]}, "BadRequestException"),
        ({"headers": [{"Name": "X-Lớp", "Value": "a"}]}, "BadRequestException"),
        ({"headers": [{"Name": "X-A:", "Value": "a"}]}, "BadRequestException"),
        ({"headers": [{"Name": "X" * 127, "Value": "a"}]}, "BadRequestException"),
        ({"headers": [{"Name": "X-A", "Value": "ánh"}]}, "BadRequestException"),
        ({"headers": [{"Name": "X-A", "Value": "a" * 996}]}, "BadRequestException"),
        ({"headers": [{"Name": "reply-to", "Value": "a@school.example"}]}, "BadRequestException"),
        ({"headers": [{"Name": "List-Id", "Value": "a"}, {"Name": "list-id", "Value": "b"}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": "name", "Value": "a" * 257}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": f"n{number}", "Value": "a"} for number in range(51)]}, "BadRequestException"),
        ({"Destination": {}}, "BadRequestException"),
        ({"Destination": {"BccAddresses": ["a@students.example"] * 51}}, "BadRequestException"),
        ({"Destination": {"ToAddresses": ["nobody"]}}, "BadRequestException"),
        ({"Destination": {"ToAddresses": ["a@lớp.example"]}}, "BadRequestException"),
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
    return [json.loads(one["body"]) for one in sample.seen("consume") if ledger in one["body"]]


@pytest.mark.parametrize(
    ("to", "outcome"),
    [
        ("ann@students.example", {"type": "Email Delivered", "bounceType": ""}),
        ("bounce@simulator.amazonses.com", {"type": "Email Bounced", "bounceType": "Permanent"}),
    ],
)
def test_a_rule_on_the_default_bus_forwards_what_it_names_of_a_mails_events(
    sample: Sample, to: str, outcome: dict[str, str]
) -> None:
    ledger = uuid.uuid4().hex
    tags = [{"Name": "ledger", "Value": ledger}]
    message_id = send(sample, to, EmailTags=tags, ConfigurationSetName="sample-mail")

    events = eventually(lambda: feedback(sample, ledger), lambda events: len(events) == 2)
    common = {"messageId": message_id, "ledger": ledger}
    sent = {"type": "Email Sent", "bounceType": "", **common}
    assert sorted(events, key=lambda event: event["type"] == "Email Sent") == [{**outcome, **common}, sent]


def test_a_mail_without_the_configuration_set_is_followed_by_nothing(sample: Sample) -> None:
    silent, heard = uuid.uuid4().hex, uuid.uuid4().hex
    send(sample, "ann@students.example", EmailTags=[{"Name": "ledger", "Value": silent}])
    last = [{"Name": "ledger", "Value": heard}]
    send(sample, "ann@students.example", EmailTags=last, ConfigurationSetName="sample-mail")
    eventually(lambda: feedback(sample, heard), lambda events: len(events) == 2)
    assert feedback(sample, silent) == []


def test_the_side_door_is_closed_unless_asked_for(sample: Sample) -> None:
    request = urllib.request.Request(f"{sample.cloud.endpoint}/_ses/account", b'{"MaxSendRate": 1}', method="PUT")
    with pytest.raises(urllib.error.HTTPError):
        loopback.open(request, timeout=10)
    assert sample.client("sesv2").get_account()["SendQuota"]["MaxSendRate"] == 14
