"""EventBridge buses and schedules: what AWS does where the emulator alone does otherwise."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from local.compat.schedules import next_run
from tests.integration.sample.stack import Sample, eventually

pytest_plugins = ["tests.integration.sample.plugin"]


def entry(kind: str, detail: object, **changes: Any) -> dict[str, Any]:
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return {"EventBusName": "sample-bus", "Source": "sample", "DetailType": kind, "Detail": text, **changes}


def put(sample: Sample, *entries: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = sample.client("events").put_events(Entries=list(entries))
    return answer


def consumed(sample: Sample, marker: str) -> list[dict[str, Any]]:
    return [json.loads(one["body"]) for one in sample.seen("consume") if marker in one["body"]]


def test_a_rule_hands_the_whole_event_to_its_queue(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    put(sample, entry("work", {"name": "Ánh", "marker": marker}), entry("unheard-of", {"marker": marker}))

    (event,) = eventually(lambda: consumed(sample, marker))
    assert event["detail"] == {"name": "Ánh", "marker": marker}
    assert (event["source"], event["detail-type"]) == ("sample", "work")
    assert datetime.fromisoformat(event["time"])


def test_an_input_path_hands_over_the_part(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    put(sample, entry("detail", {"marker": marker}))
    assert eventually(lambda: consumed(sample, marker)) == [{"marker": marker}]


def test_an_input_transformer_hands_over_the_declared_fields_only(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    mail = {"messageId": marker, "destination": ["a@b.example"], "tags": {"kind": ["receipt"]}}
    put(sample, entry("feedback", {"kind": "Bounce", "attempts": 3, "mail": mail}))
    # A number stays a number; what is not there leaves nothing between the quotation marks.
    (event,) = eventually(lambda: consumed(sample, marker))
    assert event.pop("note") == "Bounce after 3: "
    assert event == {"kind": "Bounce", "messageId": marker, "attempts": 3, "tag": "receipt", "reason": ""}


def test_an_alarm_on_an_expression_deploys_and_sees_no_data(sample: Sample) -> None:
    cloudwatch = sample.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[sample.outputs["AlarmName"]])["MetricAlarms"]
    assert alarm["Threshold"] == 5
    assert alarm["StateValue"] in {"INSUFFICIENT_DATA", "OK"}


def test_a_malformed_entry_fails_alone(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    answer = put(
        sample,
        entry("work", "{not json"),
        entry("work", {"marker": marker}),
        entry("work", "[1]"),
        entry("work", {"marker": marker}, Source=""),
    )
    assert answer["FailedEntryCount"] == 3
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == ["MalformedDetail", None, "MalformedDetail", "InvalidArgument"]
    eventually(lambda: consumed(sample, marker))
    assert len(consumed(sample, marker)) == 1


def test_a_rule_starts_a_state_machine_with_the_event(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    put(sample, entry("run", {"marker": marker}))

    states = sample.client("stepfunctions")

    def started() -> list[dict[str, Any]]:
        listed = states.list_executions(stateMachineArn=sample.outputs["StateMachineArn"])["executions"]
        inputs = (states.describe_execution(executionArn=one["executionArn"])["input"] for one in listed)
        return [json.loads(text) for text in inputs if marker in text]

    (event,) = eventually(started)
    assert event["detail"] == {"marker": marker}


def test_an_event_without_reachable_target_goes_to_the_dead_letter_queue(sample: Sample) -> None:
    events, sqs = sample.client("events"), sample.client("sqs")
    dead = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = f"lost-{uuid.uuid4().hex[:8]}"
    gone = f"{dead_arn}-gone"
    events.put_rule(Name=name, EventBusName="sample-bus", EventPattern=json.dumps({"detail-type": [name]}))
    target = {"Id": "gone", "Arn": gone, "DeadLetterConfig": {"Arn": dead_arn}}
    events.put_targets(Rule=name, EventBusName="sample-bus", Targets=[target])

    put(sample, entry(name, {"marker": name}))

    (message,) = eventually(
        lambda: sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"]).get("Messages", [])
    )
    assert json.loads(message["Body"])["detail"] == {"marker": name}
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == gone
    assert attributes["ERROR_CODE"] == "NO_RESOURCE"


def test_the_archive_of_the_template_keeps_events(sample: Sample) -> None:
    events = sample.client("events")
    (archive,) = events.list_archives(NamePrefix="sample-Archive")["Archives"]
    assert archive["RetentionDays"] == 30
    before = archive["EventCount"]
    put(sample, entry("unheard-of", {}))
    assert events.describe_archive(ArchiveName=archive["ArchiveName"])["EventCount"] == before + 1


def test_a_schedule_keeps_its_time_zone(sample: Sample) -> None:
    schedule = sample.client("scheduler").get_schedule(Name=sample.outputs["ScheduleName"])
    assert schedule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Asia/Ho_Chi_Minh"


def test_a_schedule_fires_by_the_clock_of_its_zone(sample: Sample) -> None:
    marker = uuid.uuid4().hex
    wall = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) + timedelta(seconds=2)
    queue = sample.client("sqs").get_queue_attributes(
        QueueUrl=sample.outputs["WorkQueueUrl"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    sample.client("scheduler").create_schedule(
        Name=f"once-{marker}",
        ScheduleExpression=f"at({wall:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Ho_Chi_Minh",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue, "RoleArn": "arn:aws:iam::000000000000:role/any", "Input": json.dumps({"marker": marker})},
    )
    assert eventually(lambda: consumed(sample, marker)) == [{"marker": marker}]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("0 2 * * *", "UTC"),
        ("cron(0 2 * * *)", "UTC"),
        ("cron(0 2 * * * *)", "UTC"),
        ("cron(0 25 * * ? *)", "UTC"),
        ("rate(5 fortnights)", "UTC"),
        ("at(tomorrow)", "UTC"),
        ("cron(0 2 * * ? *)", "Asia/Saigon_City"),
    ],
)
def test_a_schedule_that_could_never_run_is_refused(sample: Sample, expression: str, zone: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        sample.client("scheduler").create_schedule(
            Name=f"bad-{uuid.uuid4().hex[:8]}",
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": sample.outputs["StateMachineArn"], "RoleArn": "arn:aws:iam::000000000000:role/any"},
        )


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("cron(0 2 * * ? *)", "Asia/Ho_Chi_Minh", "2026-11-22T18:59:30", "2026-11-22T19:00:00"),
        ("cron(0 2 * * ? *)", "Asia/Ho_Chi_Minh", "2026-11-22T19:00:00", "2026-11-23T19:00:00"),
        ("cron(0 2 * * ? *)", "UTC", "2026-11-22T18:59:30", "2026-11-23T02:00:00"),
        ("cron(0 2 ? * MON *)", "Asia/Ho_Chi_Minh", "2026-11-22T00:00:00", "2026-11-22T19:00:00"),
        ("at(2026-12-01T08:00:00)", "Asia/Ho_Chi_Minh", "2026-11-22T00:00:00", "2026-12-01T01:00:00"),
        ("at(2026-12-01T08:00:00)", "Asia/Ho_Chi_Minh", "2026-12-01T01:00:00", None),
    ],
)
def test_a_schedule_runs_by_the_clock_of_its_zone(expression: str, zone: str, after: str, due: str | None) -> None:
    schedule = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone, "CreationDate": 0}
    found = next_run(schedule, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)


def test_a_rate_counts_from_the_schedules_creation() -> None:
    created = datetime(2026, 11, 22, 0, 0, 10, tzinfo=UTC)
    schedule = {"ScheduleExpression": "rate(5 minutes)", "CreationDate": created.timestamp()}
    assert next_run(schedule, created) == created + timedelta(minutes=5)
    assert next_run(schedule, created + timedelta(minutes=12)) == created + timedelta(minutes=15)
    ended = {**schedule, "EndDate": (created + timedelta(minutes=7)).timestamp()}
    assert next_run(ended, created + timedelta(minutes=6)) is None
