"""The second rung: the campaign's last answer to this student, for a day."""

import json

from campus import clock, tables, tombstones
from ranking.answer import Answer, Scored

KEPT_SECONDS = 86_400


def remember(student_id: str, item_type: str | None, answer: Answer) -> None:
    """Keep a campaign's answer, untrimmed, as the last good one; none of a student who was erased."""
    if tombstones.is_erased(student_id):
        return
    now = clock.now()
    tables.operations().put_item(
        Item={
            **_key(student_id, item_type),
            "items": json.dumps([[item.item_id, item.score] for item in answer.items]),
            "modelVersion": answer.model_version,
            "answeredAt": now,
            "expiresAt": now + KEPT_SECONDS,
        }
    )


def recall(student_id: str, item_type: str | None) -> Answer | None:
    """The last good answer, or None if there is none of the last 24 hours."""
    row: tables.Item | None = tables.operations().get_item(Key=_key(student_id, item_type)).get("Item")
    # DynamoDB deletes expired rows within days, not at once.
    if row is None or int(row["expiresAt"]) <= clock.now():
        return None
    items = [Scored(item_id, score) for item_id, score in json.loads(row["items"])]
    return Answer(items, "cache", row["modelVersion"])


def _key(student_id: str, item_type: str | None) -> dict[str, str]:
    return {"pk": f"CACHE#{student_id}", "sk": item_type or "any"}
