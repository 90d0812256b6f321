"""`token`: an access token for a person of the local pool, and the classes they belong to."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ClientError

from local.commands.instance import Instance
from local.commands.options import common, emit, identifier
from local.load import rows
from local.load.catalogue import Material

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@click.command()
@click.option("--user", required=True, callback=identifier, help="studentId or teacherId.")
@click.option("--role", type=click.Choice(["student", "teacher", "admin"]), default="student", show_default=True)
@click.option(
    "--class",
    "classes",
    multiple=True,
    callback=identifier,
    metavar="ID",
    help="Also make the user a member of this class, which is created where needed. May be repeated.",
)
@click.option("--expires-in", type=int, default=3600, show_default=True, metavar="S", help="Seconds of validity.")
@common
def token(user: str, role: str, classes: tuple[str, ...], expires_in: int, state_dir: Path, as_json: bool) -> None:
    """Print an access token that the API accepts, for a user who is created where needed."""
    instance = Instance.of(state_dir)
    table = instance.outputs["ClassActivityTable"]
    dynamodb = instance.client("dynamodb")
    for class_id in classes:
        _join(dynamodb, table, class_id, user, role)
    access_token = instance.token(user, role, expires_in)
    if as_json:
        emit({"token": access_token})
    else:
        click.echo(access_token)


def _join(dynamodb: "DynamoDBClient", table: str, class_id: str, user: str, role: str) -> None:
    """Write the class if it is new, and the user's place in it: an admin's is everywhere and needs no row."""
    now = int(time.time())
    _create(dynamodb, table, rows.material(Material(class_id, "course", class_id), now))
    _create(dynamodb, table, rows.school_class(class_id, None, now))
    if role == "teacher":
        _create(dynamodb, table, rows.teacher(class_id, user))
    elif role == "student":
        dynamodb.update_item(
            TableName=table,
            Key=rows.member_key(class_id, user),
            UpdateExpression=(
                "SET studentId = :student, #member = :member, board = :board, "
                "score = if_not_exists(score, :zero), enrolledAt = if_not_exists(enrolledAt, :now)"
            ),
            ExpressionAttributeNames={"#member": "member"},
            ExpressionAttributeValues={
                ":student": {"S": user},
                ":member": {"S": f"STUDENT#{user}"},
                ":board": {"S": f"{class_id}#students"},
                ":zero": {"N": "0"},
                ":now": {"S": rows.iso(now)},
            },
        )


def _create(dynamodb: "DynamoDBClient", table: str, row: dict[str, Any]) -> None:
    try:
        dynamodb.put_item(TableName=table, Item=row, ConditionExpression="attribute_not_exists(classId)")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
