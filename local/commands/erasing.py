"""`erase`: a student disappears, and a model without them takes over."""

import json
import secrets
import time
from pathlib import Path

import click

from local.commands.instance import Instance
from local.commands.options import common, emit
from local.commands.retraining import watch

_TIMEOUT = 1800


@click.command()
@click.argument("student_id")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=_TIMEOUT, show_default=True, metavar="S"
)
@common
def erase(student_id: str, timeout: float, state_dir: Path, as_json: bool) -> None:
    """Erase STUDENT_ID everywhere, train without them, and print the audit row."""
    instance = Instance.of(state_dir)
    ticket = _open_ticket(instance, student_id) or _put_ticket(instance, student_id)
    execution = instance.client("stepfunctions").start_execution(
        stateMachineArn=instance.outputs["ErasureStateMachineArn"], input=json.dumps({"ticket": ticket})
    )["executionArn"]
    began = time.monotonic()
    audit = watch(instance, execution, timeout)
    run = watch(instance, audit["retraining"], max(timeout - (time.monotonic() - began), 1))
    document = {**audit, "retrainingStatus": run["status"]}
    if as_json:
        emit(document)
    else:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _open_ticket(instance: Instance, student_id: str) -> str | None:
    """A ticket whose erasure failed or is under way; a closed one does not name the student any more."""
    query = instance.client("dynamodb").get_paginator("query")
    pages = query.paginate(
        TableName=instance.outputs["OperationsTable"],
        IndexName="byState",
        KeyConditionExpression="#state = :erasure",
        FilterExpression="studentId = :student",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":erasure": {"S": "ERASURE"}, ":student": {"S": student_id}},
    )
    return next((row["pk"]["S"].partition("#")[2] for page in pages for row in page["Items"]), None)


def _put_ticket(instance: Instance, student_id: str) -> str:
    """The one place that names the student to the state machine."""
    now = int(time.time())
    ticket = f"{time.strftime('%Y%m%d', time.gmtime(now))}-{secrets.token_hex(3)}"
    instance.client("dynamodb").put_item(
        TableName=instance.outputs["OperationsTable"],
        Item={
            "pk": {"S": f"ERASURE#{ticket}"},
            "sk": {"S": "TICKET"},
            "state": {"S": "ERASURE"},
            "since": {"N": str(now)},
            "status": {"S": "REQUESTED"},
            "requestedAt": {"N": str(now)},
            "studentId": {"S": student_id},
        },
    )
    return ticket
