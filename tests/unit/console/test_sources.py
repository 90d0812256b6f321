"""What the sources make of AWS's answers."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services import ses

from local.cloud.inbox import latest_mails
from local.console.sources.account import _key, plain
from local.console.sources.events import short
from local.console.sources.mails import Mails
from local.console.sources.queues import Queues
from local.console.sources.runs import Execution, Runs, follow


def history(*events: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Events one second apart: (type, details…)."""
    return [
        {"id": number, "type": kind, "timestamp": float(number), "someEventDetails": details}
        for number, (kind, details) in enumerate(events, 1)
    ]


def execution(*events: tuple[Any, ...]) -> Execution:
    run = Execution("x", "arn", "RUNNING", 0.0, None)
    follow(run, history(*events))
    return run


def entered(kind: str, name: str) -> tuple[str, dict[str, str]]:
    return f"{kind}StateEntered", {"name": name, "input": '{"polls": 1}'}


def left(kind: str, name: str, output: str = "{}") -> tuple[str, dict[str, str]]:
    return f"{kind}StateExited", {"name": name, "output": output}


def test_states_are_lit_by_their_history() -> None:
    answer = json.dumps({"outcome": "BUSY", "reason": "importing", "rows": 3})
    run = execution(entered("Task", "A"), left("Task", "A", answer), entered("Wait", "B"))
    assert [(one.name, one.status) for one in run.states.values()] == [("A", "done"), ("B", "running")]
    assert run.taken == {("A", "B")}
    assert run.states["A"].seconds(99) == 1
    assert run.states["B"].seconds(99) == 96
    assert run.states["A"].reason == "BUSY · importing"
    assert run.states["A"].visits[0].given == '{"polls": 1}'


def test_a_loop_counts_its_visits() -> None:
    run = execution(*[entered("Task", "A"), left("Task", "A"), entered("Wait", "W"), left("Wait", "W")] * 3)
    assert len(run.states["A"].visits) == 3
    assert run.taken == {("A", "W"), ("W", "A")}


def test_a_caught_error_is_told_apart_from_a_fatal_one() -> None:
    failed = ("TaskFailed", {"error": "Boom", "cause": "it broke"})
    caught = execution(entered("Task", "A"), failed, left("Task", "A"), entered("Task", "B"))
    assert caught.states["A"].status == "caught"
    assert caught.states["A"].reason == "Boom: it broke"
    assert caught.states["B"].status == "running"
    fatal = execution(entered("Task", "A"), failed, ("ExecutionFailed", {"error": "Boom", "cause": "it broke"}))
    assert fatal.states["A"].status == "failed"
    assert fatal.failure == "Boom: it broke"


def test_a_failed_function_is_heard_without_its_stack_trace() -> None:
    cause = json.dumps({"errorMessage": "start a new run", "errorType": "Boom", "stackTrace": ["File …"]})
    told = {"error": "Boom", "cause": cause}
    run = execution(entered("Task", "A"), ("TaskFailed", told), ("ExecutionFailed", told))
    assert (run.failure, run.states["A"].reason) == ("Boom: start a new run", "Boom: start a new run")


def test_what_was_running_when_the_execution_was_stopped_has_failed() -> None:
    run = execution(entered("Wait", "A"), ("ExecutionAborted", {}))
    assert run.states["A"].status == "failed"


@pytest.mark.parametrize("more", [None, "", "%%%", "bm8=", "W10="])
def test_a_page_that_nobody_gave_out_is_the_first(more: str | None) -> None:
    assert _key(more) is None


def test_numbers_are_plain() -> None:
    from decimal import Decimal

    assert plain({"a": [Decimal(1), Decimal("1.5")]}) == {"a": [1, 1.5]}


@pytest.mark.parametrize(
    ("name", "logical"),
    [
        ("arn:aws:sqs:ap-southeast-1:000000000000:nightclass-MailQueue-86CAB5560CC15", "MailQueue"),
        ("arn:aws:lambda:r:0:function:nightclass-SendEmailFunction-61F0", "SendEmailFunction"),
        ("plain", "plain"),
    ],
)
def test_short_names(name: str, logical: str) -> None:
    assert short(name) == logical


def test_the_mails_of_an_older_event_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many mails have been sent since, and however many it caused."""

    def mail(number: int, event_id: str) -> dict[str, Any]:
        return {
            "MessageId": f"m-{number}",
            "Source": "a@b",
            "To": ["c@d"],
            "Timestamp": 1000.0 + number,
            "Headers": {},
            "Tags": {"ledger-id": event_id},
            "Subject": "s",
            "BodyText": "t",
            "BodyHtml": None,
        }

    sent = [mail(number, "before" if number < 3 else "ours" if number < 16 else "after") for number in range(400)]
    monkeypatch.setattr(ses, "_sent_emails", SimpleNamespace(all_values=lambda: [sent]))
    monkeypatch.setattr(
        "local.console.sources.mails.traced",
        lambda _instance, mails: [{**one, "eventId": one["ledgerId"]} for one in mails],
    )
    instance = SimpleNamespace(endpoint="http://127.0.0.1:9")
    account: Any = SimpleNamespace(instance=instance, door=lambda _name, asked: latest_mails(dict(asked)))
    found = Mails(account).caused_by({"eventId": "ours", "since": 1003})
    assert [one["messageId"] for one in found] == [f"m-{number}" for number in range(3, 16)]
    assert [one["messageId"] for one in Mails(account).latest(2).rows] == ["m-399", "m-398"]


class FakeScheduler:
    """One schedule of the state machine beside another one, page by page."""

    def __init__(self, expression: str) -> None:
        self._schedule = {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "Asia/Ho_Chi_Minh",
            "State": "ENABLED",
            "Target": {"Arn": "machine", "Input": '{"trigger": "schedule"}'},
        }

    def get_paginator(self, _name: str) -> Any:
        names = [("relay", "function"), ("night", "machine")]
        pages = [{"Schedules": [{"Name": name, "GroupName": "g", "Target": {"Arn": arn}}]} for name, arn in names]
        return SimpleNamespace(paginate=lambda: pages)

    def get_schedule(self, Name: str, GroupName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert (Name, GroupName) == ("night", "g")
        return self._schedule


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("cron(0 2 * * ? *)", "02:00"),
        ("cron(30 14 * * ? *)", "14:30"),
        ("rate(1 day)", None),
        ("cron(0 2 ? * 2 *)", None),
    ],
)
def test_the_schedule_of_the_nights(expression: str, at: str | None) -> None:
    scheduler = FakeScheduler(expression)
    account: Any = SimpleNamespace(client=lambda _service: scheduler, outputs={"StateMachineArn": "machine"})
    schedule = Runs(account).schedule()
    assert schedule is not None
    assert schedule["at"] == at
    assert schedule["zone"] == "Asia/Ho_Chi_Minh"
    assert schedule["state"] == "ENABLED"
    assert schedule["input"] == '{"trigger": "schedule"}'
    account.outputs["StateMachineArn"] = "another"
    assert Runs(account).schedule() is None


class FakeSqs:
    """Two queues, one with the other's dead letters; StartMessageMoveTask as it is told."""

    def __init__(self, refusal: str | None) -> None:
        self.waiting: dict[str, list[str]] = {"Mail": [], "Dead": [f"letter {n}" for n in range(23)]}
        self._refusal = refusal
        self.tasks: list[str] = []

    def list_queues(self, **_: Any) -> dict[str, Any]:
        return {"QueueUrls": list(self.waiting)}

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        attributes = {
            "QueueArn": f"arn:aws:sqs:r:0:stack-{QueueUrl}-1",
            "ApproximateNumberOfMessages": str(len(self.waiting[QueueUrl])),
        }
        if QueueUrl == "Mail":
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:r:0:stack-Dead-1"})
        return {"Attributes": attributes}

    def start_message_move_task(self, SourceArn: str) -> None:  # noqa: N803
        if self._refusal:
            raise ClientError({"Error": {"Code": self._refusal, "Message": "no"}}, "StartMessageMoveTask")
        self.tasks.append(SourceArn)

    def receive_message(self, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        taken = self.waiting[QueueUrl][:10]
        attributes = {"SentTimestamp": "12000"}
        letters = [{"Body": body, "ReceiptHandle": body, "Attributes": attributes} for body in taken]
        return {"Messages": letters} if letters else {}

    def send_message(self, QueueUrl: str, MessageBody: str, **_: Any) -> None:  # noqa: N803
        self.waiting[QueueUrl].append(MessageBody)

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert ReceiptHandle in self.waiting["Mail"], "deleted before it was sent on"
        self.waiting[QueueUrl].remove(ReceiptHandle)


def queues(sqs: FakeSqs) -> Queues:
    account: Any = SimpleNamespace(client=lambda _service: sqs, kept=lambda _name, _seconds, make: make())
    return Queues(account)


def test_sqs_moves_dead_letters_itself_where_it_can() -> None:
    sqs = FakeSqs(None)
    assert queues(sqs).redrive("Dead") is None
    assert sqs.tasks == ["arn:aws:sqs:r:0:stack-Dead-1"]
    assert len(sqs.waiting["Dead"]) == 23


def test_dead_letters_go_back_one_by_one_where_it_cannot() -> None:
    sqs = FakeSqs("InvalidAction")
    assert queues(sqs).redrive("Dead") == 23
    assert sqs.waiting["Dead"] == []
    assert len(sqs.waiting["Mail"]) == 23


def test_dead_letters_are_read_where_they_are() -> None:
    sqs = FakeSqs(None)
    letters = queues(sqs).letters("Dead")
    assert letters is not None
    assert [one["body"] for one in letters] == [f"letter {number}" for number in range(10)]
    assert letters[0]["sentAt"] == 12.0
    assert len(sqs.waiting["Dead"]) == 23
    assert queues(sqs).letters("Mail") is None


@pytest.mark.parametrize(
    ("header", "offered"),
    [
        ("<http://api/unsubscribe?token=t>", "http://api/unsubscribe?token=t"),
        ("<https://evil.example/unsubscribe>", None),
        ("<javascript:alert(1)>", None),
        ("<http://api.evil.example/>", None),
        ("", None),
    ],
)
def test_only_our_own_unsubscribe_page_is_offered(
    monkeypatch: pytest.MonkeyPatch, header: str, offered: str | None
) -> None:
    record = {
        "MessageId": "m",
        "Source": "a@b",
        "To": ["c@d"],
        "Timestamp": 1.0,
        "Headers": {"List-Unsubscribe": header},
        "Tags": {},
        "Subject": "s",
        "BodyText": "t",
        "BodyHtml": None,
    }
    monkeypatch.setattr("local.console.sources.mails.traced", lambda _instance, mails: mails)
    account: Any = SimpleNamespace(
        instance=SimpleNamespace(endpoint="http://127.0.0.1:9"),
        outputs={"ApiUrl": "http://api/"},
        door=lambda _name, _asked: {"mails": [record]},
        get=lambda _table, _key: None,
    )
    mail = Mails(account).one("m")
    assert mail is not None
    assert mail["unsubscribe"] == offered


def test_another_refusal_is_told() -> None:
    with pytest.raises(ClientError):
        queues(FakeSqs("AccessDenied")).redrive("Dead")


@pytest.mark.parametrize("name", ["Mail", "nothing", ""])
def test_only_dead_letters_go_back(name: str) -> None:
    with pytest.raises(LookupError):
        queues(FakeSqs(None)).redrive(name)
