"""From one announcement to one message a student, a page of the class at a time, going on where it stopped.

Operations, pk `FANOUT#<event's identity>`, sk `PROGRESS`: `classId` and `studentId` of the last student whose message
is on the MailQueue, `finishedAt` once all are. A run that dies between a page and its row repeats the page: the same
activity rows, and messages that the mail ledger sends once.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus import clock, events, tables
from campus.clients import client
from campus.events import AnnouncementSent
from campus.observability import logger
from campus.settings import settings
from campus.validation import InvalidInputError
from notifications import ledger, notice
from notifications.inbox import Spare

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

PAGE = 200
# SendMessageBatch takes ten messages and 1 MiB (256 KiB until 2025).
MAX_ENTRIES = 10
MAX_BYTES = 200 * 1024
_ROUNDS = 5


class QueueRefusedError(RuntimeError):
    """SQS did not take some messages in several rounds; the announcement is tried again from its last page on."""


def fan_out(event: Mapping[str, Any], spare: Spare) -> None:
    """Queue a mail for every student of the class, or of all classes of the teacher; each student once.

    Args:
        event: the announcement.
        spare: time that is left; when it runs out, a fresh message takes the rest over.

    Raises:
        InvalidInputError: the event is no announcement, or a bad one.
        QueueRefusedError: some messages could not be queued.
    """
    if notice.is_replayed(event):
        return
    announcement = events.parse(event)
    if not isinstance(announcement, AnnouncementSent):
        raise InvalidInputError(f"{event.get('detail-type')} is no announcement")
    identity = announcement.identity
    progress = tables.operations().get_item(Key=_key(identity), ConsistentRead=True).get("Item", {})
    if "finishedAt" in progress:
        return
    told: set[str] = set()
    for class_id, students in _pages(announcement, progress):
        if told and spare() < 0:
            # This message has used one of its few receipts; a fresh one has them all, so a class may have any size.
            client("sqs").send_message(QueueUrl=settings.announcement_queue_url, MessageBody=json.dumps(event))
            logger().info("announcement goes on in a fresh message", event_id=announcement.metadata.event_id)
            return
        _note_activity(announcement, class_id, students)
        fresh = [student for student in students if student not in told]
        _queue([_message(event, student, class_id) for student in fresh])
        told.update(fresh)
        _note_progress(identity, class_id, students[-1])
    _finish(identity)


def _pages(announcement: AnnouncementSent, progress: tables.Item) -> Iterator[tuple[str, list[str]]]:
    """Class and students by pages, from after the last student of an earlier run on."""
    reached, last = str(progress.get("classId", "")), str(progress.get("studentId", ""))
    for class_id in _classes(announcement):
        if class_id >= reached:
            for students in _pages_of_students(class_id, last if class_id == reached else ""):
                yield class_id, students


def _classes(announcement: AnnouncementSent) -> list[str]:
    """The class of the announcement; without one, all that its teacher teaches."""
    if announcement.class_id is not None:
        return [announcement.class_id]
    # An index cannot be read consistently: a class given to the teacher a moment ago may be missing.
    pages = tables.by_member(f"TEACHER#{announcement.teacher_id}")
    return sorted(str(row["classId"]) for page in pages for row in page)


def _pages_of_students(class_id: str, last: str) -> Iterator[list[str]]:
    """Students with a membership, those of a moment ago, too, in the order of their ids; no page is empty."""
    start = {"ExclusiveStartKey": {"classId": class_id, "activity": f"STUDENT#{last}"}} if last else {}
    pages = tables.pages(
        tables.class_activity(),
        "query",
        ConsistentRead=True,
        KeyConditionExpression="classId = :class AND begins_with(activity, :students)",
        FilterExpression="attribute_exists(enrolledAt)",
        ProjectionExpression="studentId",
        ExpressionAttributeValues={":class": class_id, ":students": "STUDENT#"},
        Limit=PAGE,
        **start,
    )
    return ([str(row["studentId"]) for row in page] for page in pages if page)


def _note_activity(announcement: AnnouncementSent, class_id: str, students: Sequence[str]) -> None:
    """The class's activity of weight 0, one row a student under a key of its own."""
    event_id = announcement.metadata.event_id
    moment = f"{announcement.metadata.occurred_at_epoch:010d}"
    with tables.class_activity().batch_writer() as batch:
        for student in students:
            batch.put_item(
                Item={
                    "classId": class_id,
                    "activity": f"ACTIVITY#{moment}#{event_id}#{student}",
                    "eventType": "announcement",
                    "studentId": student,
                    "itemId": class_id,
                    "eventId": event_id,
                }
            )


def _key(identity: str) -> dict[str, str]:
    return {"pk": f"FANOUT#{identity}", "sk": "PROGRESS"}


def _note_progress(identity: str, class_id: str, student_id: str) -> None:
    """Note how far this run came; a delayed one says nothing after another one has finished."""
    try:
        tables.operations().update_item(
            Key=_key(identity),
            ConditionExpression="attribute_not_exists(finishedAt)",
            UpdateExpression="SET classId = :class, studentId = :student, expiresAt = :expires",
            ExpressionAttributeValues={
                ":class": class_id,
                ":student": student_id,
                ":expires": clock.now() + ledger.KEPT_SECONDS,
            },
        )
    except ClientError as error:
        if not tables.is_conditional_failure(error):
            raise


def _finish(identity: str) -> None:
    """Later deliveries find nothing left to do; nobody is named any more."""
    tables.operations().update_item(
        Key=_key(identity),
        UpdateExpression="SET finishedAt = :now, expiresAt = :expires REMOVE classId, studentId",
        ExpressionAttributeValues={":now": clock.now(), ":expires": clock.now() + ledger.KEPT_SECONDS},
    )


def _message(event: Mapping[str, Any], student_id: str, class_id: str) -> str:
    """The event itself with the recipient beside its detail: the mailer reads it like any other event.

    In ASCII: SQS does not take every character, and the event may have fields that nobody has looked at.
    """
    return json.dumps({**event, "recipient": {"studentId": student_id, "classId": class_id}})


def _queue(messages: Sequence[str]) -> None:
    """Send to the MailQueue; what SQS refuses inside an accepted call is sent again."""
    for batch in _batches(messages):
        waiting: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)
        ]
        for attempt in range(1, _ROUNDS + 1):
            answer = client("sqs").send_message_batch(QueueUrl=settings.mail_queue_url, Entries=waiting)
            refused = {entry["Id"] for entry in answer.get("Failed", [])}
            waiting = [entry for entry in waiting if entry["Id"] in refused]
            if not waiting:
                break
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter
        else:
            raise QueueRefusedError(f"{len(waiting)} messages not queued")


def _batches(messages: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in messages:
        length = len(body.encode())
        if batch and (len(batch) == MAX_ENTRIES or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch
