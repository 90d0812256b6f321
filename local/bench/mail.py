"""A burst of enrolments, an announcement to as many, and SES's rate: how much is used, what is lost, what is doubled.

Beside the stack's own paths stands what one writes first: the same bus, a queue, a function that loops over the batch
and sends, five tries, a dead-letter queue. SES is the local one, which refuses what is beyond the account's rate.
"""

import io
import json
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request

import click

from local.bench.people import CLASS, student
from local.cloud import ACCOUNT_ID, loopback
from local.commands.instance import Instance
from local.commands.reading import mails

RATES = (14, 1_000)
"""Mails a second: what SES grants a young account, and so many that the rate limits nobody."""

_SOURCE = "bench.loop"
_PATIENCE = 600
_CALM_SECONDS = 2.0
_TRIES = 5
_ANNOUNCEMENT = {
    "Source": "api.teacher",
    "DetailType": "teacher.sendAnnouncement",
    "Detail": json.dumps({"teacherId": "bench-teacher", "classId": CLASS, "content": "Mai nghỉ học."}),
}
_LOOP = """
import json
import boto3

ses = boto3.client("sesv2")

def handler(event, context):
    for record in event["Records"]:
        detail = json.loads(record["body"])["detail"]
        text = {"Data": "Xác nhận đăng ký lớp"}
        ses.send_email(
            FromEmailAddress=detail["sender"],
            Destination={"ToAddresses": [detail["address"]]},
            Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
        )
"""


@dataclass(frozen=True)
class Measured:
    """One path at one rate."""

    path: str
    due: int
    """How many mails there ought to be."""
    rate: float
    seconds: float
    """From the first event to the last mail that SES took."""
    lost: int
    doubled: int

    @property
    def of_the_rate(self) -> float:
        """Mails a second that reached somebody for the first time, over those that SES would have taken."""
        return (self.due - self.lost) / self.seconds / self.rate


def measure(instance: Instance, events: int, rate: float, shown: Callable[[str], None] = click.echo) -> list[Measured]:
    """Send a burst down each path of a fresh stack that has loaded as many `people`.

    Args:
        instance: its process was started with SES_ALLOW_FAULTS=1.
        events: how many mails at once.
        rate: mails a second that SES takes.
        shown: takes the table, line by line.
    """
    _grant(instance, rate)
    shown(f"mail   {events:,} mails at once, {rate:,g}/s granted")
    ours = [instance.outputs[name] for name in ("AnnouncementQueueUrl", "MailQueueUrl")]
    with _loop(instance) as queue:
        found = [
            _burst(instance, path, events, rate, entries, waits_in)
            for path, entries, waits_in in (
                ("enrolments", [_enrolment(number) for number in range(events)], ours),
                ("announcement", [_ANNOUNCEMENT], ours),
                ("queue and loop", [_request(instance, number) for number in range(events)], [queue]),
            )
        ]
    shown("       path             seconds    mails/s   of the rate   lost   doubled")
    for one in found:
        shown(
            f"       {one.path:<15} {one.seconds:>8.1f} {(events - one.lost) / one.seconds:>10.1f}"
            f" {one.of_the_rate:>13.0%} {one.lost:>6} {one.doubled:>9}"
        )
    enrolments, _, loop = (one.seconds for one in found)
    shown(f"       the burst takes {enrolments / loop:.1f} times as long as by queue and loop")
    return found


def _burst(
    instance: Instance, path: str, due: int, rate: float, entries: Sequence[dict[str, Any]], queues: Sequence[str]
) -> Measured:
    before = Counter(mail["to"] for mail in mails(instance))
    events, ses, sqs = instance.client("events"), instance.client("sesv2"), instance.client("sqs")
    sent, bus = _sent(ses), instance.outputs["EventBusName"]
    begin = last = time.monotonic()
    for start in range(0, len(entries), 10):
        events.put_events(Entries=[{"EventBusName": bus, **entry} for entry in entries[start : start + 10]])
    calm = time.monotonic()
    while time.monotonic() - calm < _CALM_SECONDS:
        if time.monotonic() - begin > _PATIENCE:
            raise RuntimeError(f"{path}: mails are still waiting after {_PATIENCE} s")
        if (now := _sent(ses)) != sent:
            sent, last = now, time.monotonic()
        if any(_waiting(sqs, queue) for queue in queues):
            calm = time.monotonic()
        time.sleep(0.1)
    arrived = Counter(mail["to"] for mail in mails(instance)) - before
    doubled = sum(arrived.values()) - len(arrived)
    return Measured(path, due, rate, last - begin, due - len(arrived), doubled)


@contextmanager
def _loop(instance: Instance) -> Iterator[str]:
    """The other path, from the stack's bus; yields its queue's URL."""
    sqs, functions, events = instance.client("sqs"), instance.client("lambda"), instance.client("events")
    dead = sqs.create_queue(QueueName="bench-dead-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": _arn(sqs, dead), "maxReceiveCount": _TRIES}
    queue = sqs.create_queue(
        QueueName="bench", Attributes={"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(redrive)}
    )["QueueUrl"]
    functions.create_function(
        FunctionName="bench",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT_ID}:role/bench",
        Handler="loop.handler",
        Timeout=30,
        Code={"ZipFile": _zipped()},
    )
    mapping = functions.create_event_source_mapping(EventSourceArn=_arn(sqs, queue), FunctionName="bench", BatchSize=10)
    bus = instance.outputs["EventBusName"]
    events.put_rule(Name="bench", EventBusName=bus, EventPattern=json.dumps({"source": [_SOURCE]}))
    events.put_targets(Rule="bench", EventBusName=bus, Targets=[{"Id": "queue", "Arn": _arn(sqs, queue)}])
    try:
        yield queue
    finally:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])


def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("loop.py", _LOOP)
    return archive.getvalue()


def _enrolment(number: int) -> dict[str, Any]:
    detail = {"studentId": student(number), "classId": CLASS}
    return {"Source": "api.student", "DetailType": "student.enrolled", "Detail": json.dumps(detail)}


def _request(instance: Instance, number: int) -> dict[str, Any]:
    detail = {"sender": instance.outputs["Sender"], "address": f"{student(number)}@loop.example"}
    return {"Source": _SOURCE, "DetailType": "mail", "Detail": json.dumps(detail)}


def _grant(instance: Instance, rate: float) -> None:
    limits = json.dumps({"MaxSendRate": rate, "Max24HourSend": 1_000_000}).encode()
    with loopback.open(Request(f"{instance.endpoint}/_ses/account", limits, method="PUT")):  # noqa: S310
        pass


def _sent(ses: Any) -> float:  # noqa: ANN401 - boto3
    return float(ses.get_account()["SendQuota"]["SentLast24Hours"])


def _waiting(sqs: Any, queue: str) -> int:  # noqa: ANN401 - boto3
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _arn(sqs: Any, queue: str) -> str:  # noqa: ANN401 - boto3
    arn: str = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
