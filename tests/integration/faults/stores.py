"""Every place where the stack keeps something, as named bytes that can be searched."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from tests.stack import Stack

Find = tuple[str, str, bytes]
"""Store, name of the object, content."""

TABLES = ("students", "classActivity", "interactions", "operations")


def everything(stack: Stack) -> Iterator[Find]:
    """The stores one after the other; what is compressed comes unpacked."""
    yield from _logs(stack)
    yield from _tables(stack)
    yield from _objects(stack)
    yield from _executions(stack)
    yield from _dead_letters(stack)
    yield from _files(stack)
    yield "mailbox", "mailbox", stack.nightclass("mailbox", "--json").stdout.encode()


def messages(stack: Stack, url: str, store: str, hidden: int = 300) -> Iterator[Find]:
    """What stands on a queue, bodies and attributes apart; it stays there, `hidden` for some seconds."""
    sqs = stack.client("sqs")
    name = url.rsplit("/", 1)[1]
    everything = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    while received := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hidden, **everything
    ).get("Messages"):
        for message in received:
            yield f"{store}: bodies", name, message["Body"].encode()
            attributes = {key: message.get(key) for key in ("Attributes", "MessageAttributes")}
            yield f"{store}: attributes", name, _text(attributes)


def _logs(stack: Stack) -> Iterator[Find]:
    logs = stack.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in page["events"]:
                    line = event["message"]
                    yield "embedded metrics" if '"_aws"' in line else "logs", name, line.encode()


def _tables(stack: Stack) -> Iterator[Find]:
    paginator = stack.client("dynamodb").get_paginator("scan")
    for table in TABLES:
        for page in paginator.paginate(TableName=stack.ready["tables"][table]):
            for item in page["Items"]:
                yield f"table {table}", str(next(iter(item.values()))), _text(item)


def _objects(stack: Stack) -> Iterator[Find]:
    s3 = stack.client("s3")
    bucket = stack.ready["bucket"]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            key = version["Key"]
            content = s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])["Body"].read()
            yield from (("lake", key, part) for part in _unpacked(content))


def _executions(stack: Stack) -> Iterator[Find]:
    states = stack.client("stepfunctions")
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=stack.ready["stateMachineArn"]):
        for execution in page["executions"]:
            arn = execution["executionArn"]
            yield "executions", arn, _text(states.describe_execution(executionArn=arn))
            for history in states.get_paginator("get_execution_history").paginate(executionArn=arn):
                yield "executions", arn, _text(history["events"])


def _dead_letters(stack: Stack) -> Iterator[Find]:
    for url in stack.client("sqs").list_queues()["QueueUrls"]:
        if "DeadLetters" in url:
            yield from messages(stack, url, "dead letters")


def _files(stack: Stack) -> Iterator[Find]:
    """What the processes of the local cloud write beside the emulator's own state."""
    logs = [stack.state_dir / "cloud.log", stack.state_dir.with_name(f"{stack.state_dir.name}.log")]
    for path in [*logs, *sorted((stack.state_dir / "personalize").rglob("*"))]:
        if path.is_file():
            store = "personalize" if "personalize" in path.parts else "process logs"
            yield from ((store, path.name, part) for part in _unpacked(path.read_bytes()))


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def _text(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, default=str).encode()
