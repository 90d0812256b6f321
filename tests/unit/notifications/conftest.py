"""Fixtures: a school with empty tables, at a fixed time."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from moto import mock_aws

from campus import clients, clock, keys
from campus.breaker import breaker
from campus.clients import client
from notifications import pace
from tests.unit.notifications.school import GRACE, TABLES, School
from tests.unit.tables import create_tables


@pytest.fixture(scope="module", autouse=True)
def clients_of_this_module() -> Iterator[None]:
    """Clients are made for the environment they first meet; they take long to make, so a module shares them."""
    forget_clients()
    yield
    forget_clients()


def forget_clients() -> None:
    clients.forget()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STUDENTS_TABLE": "Students",
        "CLASS_ACTIVITY_TABLE": "ClassActivity",
        "OPERATIONS_TABLE": "Operations",
        "SENDER": "noreply@student-system.example",
        "CONFIGURATION_SET": "mail",
        "MAIL_GRACE_SECONDS": str(GRACE),
        "MAIL_PARK_SECONDS": "3600",
        "MAIL_QUEUE_URL": "https://sqs.example/mail",
        "ANNOUNCEMENT_QUEUE_URL": "https://sqs.example/announcements",
        "UNSUBSCRIBE_URL": "https://api.example/unsubscribe",
        "UNSUBSCRIBE_KEY_ARN": "arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:unsubscribe",
        "POWERTOOLS_SERVICE_NAME": "nightclass",
        "POWERTOOLS_METRICS_NAMESPACE": "Nightclass",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def open_school(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], School]]:
    """Opens schools, each with empty tables; the one opened last is at work."""
    with mock_aws():
        real = getattr(BaseClient, "_make_api_call")  # noqa: B009 - the stubs do not know it

        def fresh() -> School:
            monkeypatch.setattr(BaseClient, "_make_api_call", real)
            create_tables(TABLES)
            school = School(_real=real)
            monkeypatch.setattr(clock, "now", lambda: school.now)
            monkeypatch.setattr(clock, "now_ms", lambda: school.milliseconds())
            monkeypatch.setattr(pace, "time", SimpleNamespace(sleep=lambda seconds: school.sleep(seconds)))
            pace.allowance.cache_clear()
            breaker.cache_clear()
            keys.forget()
            monkeypatch.setattr(BaseClient, "_make_api_call", lambda *arguments: school.call(*arguments))
            return school

        yield fresh


@pytest.fixture
def school(open_school: Callable[[], School]) -> School:
    return open_school()


@pytest.fixture
def queue(school: School, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What is on the MailQueue, taken off it."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    monkeypatch.setenv("MAIL_QUEUE_URL", url)

    def take() -> list[dict[str, Any]]:
        taken: list[dict[str, Any]] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                taken.append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return taken

    return take
