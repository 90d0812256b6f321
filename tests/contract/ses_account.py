"""A local SES of its own for tests: a verified sender, a configuration set whose events end in a queue."""

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from local.cloud import ACCOUNT_ID, REGION, Cloud, loopback
from tests.integration.sample.stack import client, eventually

SENDER = "noreply@school.example"
EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE", "DELIVERY_DELAY"]
_DEFAULT_BUS = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/default"


@dataclass
class SesAccount:
    """The account as its tests see it."""

    cloud: Cloud
    queue: str = ""

    def client(self, service: str) -> Any:
        return client(self.cloud.endpoint, service)

    def set_up(self) -> None:
        """Verify the sender's domain and let the events of configuration set `mail` end in a queue."""
        ses, sqs, events = self.client("sesv2"), self.client("sqs"), self.client("events")
        ses.create_email_identity(EmailIdentity="school.example")
        ses.create_configuration_set(ConfigurationSetName="mail")
        destination = {"Enabled": True, "MatchingEventTypes": EVENTS}
        ses.create_configuration_set_event_destination(
            ConfigurationSetName="mail",
            EventDestinationName="bus",
            EventDestination={**destination, "EventBridgeDestination": {"EventBusArn": _DEFAULT_BUS}},
        )
        self.queue = sqs.create_queue(QueueName="feedback")["QueueUrl"]
        events.put_rule(Name="feedback", EventPattern=json.dumps({"source": ["aws.ses"]}))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:feedback"
        events.put_targets(Rule="feedback", Targets=[{"Id": "queue", "Arn": arn}])

    def send(self, to: str, **changes: Any) -> str:
        """SendEmail; the message id."""
        simple = {
            "Subject": {"Data": changes.pop("subject", "Xin chào"), "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "Chào bạn"}},
            "Headers": changes.pop("headers", []),
        }
        mail = {
            "FromEmailAddress": SENDER,
            "Destination": {"ToAddresses": [to]},
            "Content": {"Simple": simple},
            "ConfigurationSetName": "mail",
            **changes,
        }
        return str(self.client("sesv2").send_email(**mail)["MessageId"])

    def door(self, method: str, path: str, body: object = None) -> Any:
        """A request to the side door."""
        request = urllib.request.Request(f"{self.cloud.endpoint}/_ses/{path}", method=method)
        request.data = json.dumps(body).encode() if body is not None else None
        with loopback.open(request, timeout=10) as answer:
            return json.load(answer)

    def inbox(self, to: str) -> list[dict[str, Any]]:
        """The mails in somebody's mailbox."""
        with loopback.open(f"{self.cloud.endpoint}/_ministack/ses/messages", timeout=10) as answer:
            mails = [mail for account in json.load(answer)["messages"].values() for mail in account]
        return [mail for mail in mails if to in mail["To"]]

    def events(self, message_id: str, count: int) -> list[dict[str, Any]]:
        """The events about one mail, in the order in which they came, as soon as there are so many."""
        sqs, seen = self.client("sqs"), []

        def receive() -> int:
            received = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in received:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                event = json.loads(message["Body"])
                if event["detail"]["mail"]["messageId"] == message_id:
                    seen.append(event)
            return len(seen) if len(received) < 10 else 0

        eventually(receive, lambda number: number >= count)
        return seen


@contextmanager
def account(state_dir: Path) -> Iterator[SesAccount]:
    """A local cloud with SES's side door open."""
    with mock.patch.dict(os.environ, {"SES_ALLOW_FAULTS": "1"}), Cloud(state_dir) as cloud:
        yield SesAccount(cloud)
