"""An event that its producer named but did not date: it happened when it was first told of.

Every publishing gives it another `time` of EventBridge, and so would give it another key in Interactions, to count
twice. Operations, pk `TOLD#<hash>`, sk `TELLING`: `happenedAt`.
"""

import dataclasses
import hashlib

from campus import clock, tables
from engagement.interaction import Interaction

# Longer than any event can wait: 30 days in an archive, and then 14 in a dead-letter queue.
KEPT_SECONDS = 60 * 86_400


def at_its_first_telling(interaction: Interaction) -> Interaction:
    """The interaction as it was when this student's event of this id was first told of.

    Raises:
        botocore.exceptions.ClientError: the table is away.
    """
    told = f"{interaction.student_id}\n{interaction.interaction_id}"
    row = tables.operations().update_item(
        Key={"pk": f"TOLD#{hashlib.sha256(told.encode()).hexdigest()}", "sk": "TELLING"},
        UpdateExpression="SET happenedAt = if_not_exists(happenedAt, :at), expiresAt = if_not_exists(expiresAt, :end)",
        ExpressionAttributeValues={":at": interaction.occurred_at, ":end": clock.now() + KEPT_SECONDS},
        ReturnValues="ALL_NEW",
    )
    return dataclasses.replace(interaction, occurred_at=str(row["Attributes"]["happenedAt"]))
