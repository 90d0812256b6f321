"""Who did what in which class, written once: rows that exist are counted again from Interactions, never added to.

Interactions is the ledger and a student's row in a class follows from it. So a file may be loaded twice, or a load
that was interrupted repeated, and no event counts twice; what the API wrote meanwhile is kept.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.load import rows
from local.load.bulk import GaveUpError, Wire
from local.load.engagement import Engagement, total

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTEMPTS = 5


# What `says` reads of a row.
COUNTED = ("events", "score", "enrolledAt")


def recount(
    client: "DynamoDBClient", class_activity: str, interactions: str, pair: tuple[str, str], half_life_days: float
) -> None:
    """Make the row of a (class, student) pair say what Interactions says.

    Raises:
        GaveUpError: live events changed the row at every attempt.
    """
    for _ in range(_ATTEMPTS):
        key = rows.member_key(*pair)
        before = client.get_item(TableName=class_activity, Key=key, ConsistentRead=True).get("Item", {})
        engagement = _from_interactions(client, interactions, pair, half_life_days)
        if says(before, engagement):
            return
        try:
            client.update_item(TableName=class_activity, Key=key, **_update(before, rows.member(*pair, engagement)))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise
        else:
            return
    raise GaveUpError(f"the row of student {pair[1]} in class {pair[0]} keeps changing")


def says(row: Mapping[str, Any], engagement: Engagement) -> bool:
    """Whether a row, in wire form, tells this engagement."""
    return (
        int(row.get("events", {}).get("N", "0")) == engagement.events
        and math.isclose(float(row.get("score", {}).get("N", "0")), engagement.score, abs_tol=1e-6)
        and (engagement.enrolled is None or "enrolledAt" in row)
    )


def _from_interactions(
    client: "DynamoDBClient", interactions: str, pair: tuple[str, str], half_life_days: float
) -> Engagement:
    class_id, student_id = pair
    pages = client.get_paginator("query").paginate(
        TableName=interactions,
        KeyConditionExpression="userId = :user",
        FilterExpression="classId = :class",
        ProjectionExpression="eventType, occurredAt, interactionId",
        ExpressionAttributeValues={":user": {"S": student_id}, ":class": {"S": class_id}},
        ConsistentRead=True,
    )
    return total(
        (
            (row["eventType"]["S"], int(row["occurredAt"]["N"]), row["interactionId"]["S"])
            for page in pages
            for row in page["Items"]
        ),
        half_life_days,
    )


def _update(before: Mapping[str, Any], wanted: Wire) -> dict[str, Any]:
    """SET everything but the keys; a first enrolment stays the first; nobody else may have counted meanwhile."""
    values = {name: value for name, value in wanted.items() if name not in {"classId", "activity"}}
    once = {"enrolledAt", "enrollmentEventId"}
    sets = [f"#{name} = if_not_exists(#{name}, :{name})" if name in once else f"#{name} = :{name}" for name in values]
    seen = before.get("events")
    return {
        "UpdateExpression": "SET " + ", ".join(sets),
        "ConditionExpression": "attribute_not_exists(#events)" if seen is None else "#events = :seen",
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}
        | ({":seen": seen} if seen is not None else {}),
    }
