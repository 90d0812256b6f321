"""The bus: what was on it, and what became of one event on its way to rows and mails."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from local.cloud.archive import identifier
from local.console.sources.account import Account, Page, Row, place

_WHO: Final = ("studentId", "teacherId", "classId", "trigger")


class Events:
    """Events, newest first, out of the bus's archive."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def latest(self, limit: int, correlation_id: str | None = None, more: str | None = None) -> Page:
        """A page of events: eventId, id, time, source, detail-type, detail, and what `named` adds."""
        asked: Row = {"limit": limit, "correlationId": correlation_id, "before": place(more)}
        answer = self._account.door("timeline", asked)
        return Page([named(event) for event in answer["events"]], answer["more"] and str(answer["more"]))

    def outbox(self, event_id: str) -> Row | None:
        """The outbox row of an event that the API published."""
        return self._account.get("OperationsTable", {"pk": f"OUTBOX#{event_id}", "sk": "EVENT"})

    def one(self, event_id: str) -> Row | None:
        """An event by its publisher's id, from the archive or, before it is relayed, from the outbox."""
        archived = self._account.door("timeline", {"limit": 1, "eventId": event_id})["events"]
        found, row = archived[0] if archived else None, self.outbox(event_id)
        if found is None and row is None:
            return None
        if found is None and row is not None:
            found = {"source": row["source"], "detail-type": row["detailType"], "detail": json.loads(row["detail"])}
        return named({"eventId": event_id, **(found or {}), "outbox": row})

    def routes(self, event: Mapping[str, Any]) -> list[Row]:
        """Where the bus's rules send it: rule, target, and the function that consumes that queue."""
        return [
            {"rule": rule["name"], "target": target, "consumer": self._consumers().get(target)}
            for rule in self._rules()
            if event["source"] in rule["pattern"].get("source", [event["source"]])
            and event["detail-type"] in rule["pattern"].get("detail-type", [event["detail-type"]])
            for target in rule["targets"]
        ]

    def rows(self, event: Mapping[str, Any]) -> list[Row]:
        """What engagement wrote: the interaction and the activity in the class, as far as the event names them."""
        class_id, event_id, at = event["classId"], event["eventId"], event["at"]
        found = []
        if student := event["studentId"]:
            row = self._account.get("InteractionsTable", {"userId": student, "occurrence": f"{at:010d}#{event_id}"})
            if row:
                found.append({"table": "Interactions", "row": row})
                class_id = class_id or identifier(row.get("classId"))
        if class_id:
            begins = {"activity": f"ACTIVITY#{at:010d}#{event_id}"}
            page = self._account.query("ClassActivityTable", 5, {"classId": class_id}, prefix=begins)
            found += [{"table": "ClassActivity", "row": row} for row in page.rows]
        return found

    def executions(self, event_id: str) -> list[str]:
        """Names of the latest executions that the event started."""
        states = self._account.client("stepfunctions")
        latest = states.list_executions(stateMachineArn=self._account.outputs["StateMachineArn"], maxResults=10)
        return [
            one["name"]
            for one in latest["executions"]
            if _caused(states.describe_execution(executionArn=one["executionArn"])["input"], event_id)
        ]

    def enroll(self, class_id: str, student_id: str) -> str:
        """Enrol a student through the HTTP API; answers the event's id."""
        path = f"/classes/{quote(class_id, safe='')}/enrollments"
        return str(self._account.api("POST", path, {"studentId": student_id})["eventId"])

    def _rules(self) -> Sequence[Row]:
        def read() -> list[Row]:
            events, bus = self._account.client("events"), self._account.outputs["EventBusName"]
            return [
                {
                    "name": short(rule["Name"]),
                    "pattern": json.loads(rule.get("EventPattern") or "{}"),
                    "targets": [
                        short(target["Arn"])
                        for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
                    ],
                }
                for rule in events.list_rules(EventBusName=bus)["Rules"]
            ]

        return self._account.kept("rules", 60, read)

    def _consumers(self) -> Mapping[str, str]:
        def read() -> dict[str, str]:
            mappings = self._account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
            return {short(one["EventSourceArn"]): short(one["FunctionArn"]) for one in mappings}

        return self._account.kept("consumers", 60, read)


def short(name: str) -> str:
    """A logical id out of an ARN or a generated name: `…:nightclass-MailQueue-86CAB5560CC15` → `MailQueue`."""
    last = name.rsplit(":", 1)[-1].rsplit("/", 1)[-1]
    parts = last.split("-")
    return parts[1] if len(parts) >= 3 else last


def named(event: Mapping[str, Any]) -> Row:
    """An event with what it says of itself: studentId, classId (None where that is no id), who, correlationId, at.

    `who` are all ids that a line of the timeline shows, `at` epoch seconds, `since` those of the bus, whose clock is
    ours. The detail stays as it was written.
    """
    detail = event["detail"] if isinstance(event["detail"], dict) else {}
    given = detail.get("metadata")
    metadata: Mapping[str, Any] = given if isinstance(given, dict) else {}
    occurred = identifier(metadata.get("occurredAt")) or event.get("time") or ""
    ids = {name: identifier(detail.get(name)) for name in _WHO}
    return {
        **event,
        "studentId": ids["studentId"],
        "classId": ids["classId"],
        "who": [value for value in ids.values() if value],
        "correlationId": identifier(metadata.get("correlationId")) or event["eventId"],
        "occurredAt": occurred,
        "at": _epoch(str(occurred)),
        "since": _epoch(str(event.get("time") or occurred)),
    }


def _caused(given: str, event_id: str) -> bool:
    """Whether an execution's input is this event."""
    try:
        event = json.loads(given)
        metadata = event["detail"].get("metadata") or {}
        return event_id in (metadata.get("eventId"), event.get("id"))
    except (ValueError, LookupError, AttributeError, TypeError):
        return False


def _epoch(instant: str) -> int:
    try:
        moment = datetime.fromisoformat(instant)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0
