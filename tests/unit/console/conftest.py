"""A console without a cloud: sources that answer what somebody hostile has written."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.console.app import make_app
from local.console.graph import lay_out, read
from local.console.sources import Page
from local.console.sources.runs import Execution, StateRun, Visit
from tests.unit.console.asgi import PORT, Browser

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\u202egnp.exe"
DEFINITION = {
    "StartAt": HOSTILE,
    "States": {
        HOSTILE: {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% $x = '{HOSTILE}' %}}", "Next": "Map"}],
            "Default": "Map",
        },
        "Map": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "Inner", "States": {"Inner": {"Type": "Succeed"}}},
            "Catch": [{"ErrorEquals": [HOSTILE], "Next": HOSTILE}],
            "End": True,
        },
    },
}
RECORD: dict[str, Any] = {
    "runId": HOSTILE,
    "status": HOSTILE,
    "why": HOSTILE,
    "trigger": HOSTILE,
    "rows": {"interactions": 12345, "users": 2, "items": 3},
    "newRows": 1,
    "rejectedRows": 0,
    "imports": [{"dataset": HOSTILE, "mode": "FULL", "why": HOSTILE}],
    "training": {"decision": "TRAIN", "why": HOSTILE},
    "metrics": {"recommendation": {"normalized_discounted_cumulative_gain_at_25": 0.5}},
    "baselineMetrics": {"normalized_discounted_cumulative_gain_at_25": 0.1},
    "solutionVersionArn": f"arn:x/{HOSTILE}",
}
MAIL: dict[str, Any] = {
    "messageId": "m-1",
    "from": HOSTILE,
    "to": HOSTILE,
    "subject": HOSTILE,
    "text": HOSTILE,
    "html": "<p>Xin chào</p><script>alert(2)</script><img src=https://elsewhere.example/pixel.png>",
    "headers": {HOSTILE: HOSTILE},
    "tags": {HOSTILE: HOSTILE},
    "sentAt": "2026-11-23T01:02:03Z",
    "status": HOSTILE,
    "eventId": "e-1",
    "event": {"source": HOSTILE, "detail-type": HOSTILE, "detail": {HOSTILE: HOSTILE}},
    "ledger": {"pk": "MAIL#1", "studentId": HOSTILE, "sentAt": 1_795_424_040},
    "ledgerId": "1",
}
EVENT: dict[str, Any] = {
    "eventId": HOSTILE,
    "source": HOSTILE,
    "detail-type": HOSTILE,
    "detail": {"studentId": HOSTILE, "classId": HOSTILE, "teacherId": HOSTILE, HOSTILE: HOSTILE},
    "studentId": HOSTILE,
    "classId": HOSTILE,
    "who": [HOSTILE],
    "correlationId": HOSTILE,
    "time": HOSTILE,
    "occurredAt": "not a time",
    "at": 0,
    "outbox": {"pk": f"OUTBOX#{HOSTILE}", "relayedAt": 1_795_424_040},
}


def execution() -> Execution:
    """A run that failed in the first state."""
    run = Execution(HOSTILE, "arn", "FAILED", 1_795_424_000.0, 1_795_424_010.0, failure=HOSTILE)
    visit = Visit(1_795_424_000.0, f'{{"a": "{HOSTILE}"}}', 1_795_424_001.0, HOSTILE, HOSTILE)
    run.states[HOSTILE] = StateRun(HOSTILE, [visit])
    return run


class FakeRuns:
    """Runs that remember what they were asked to start."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        told = {"expression": HOSTILE, "zone": HOSTILE, "state": HOSTILE, "input": HOSTILE, "at": None}
        self.schedule: Any = lambda: told
        drawing = lay_out(read(DEFINITION))
        self.drawing = lambda _machine: drawing
        self.records = lambda _limit=20: [RECORD]
        self.execution: Any = lambda _machine, name: execution() if name != "none" else None
        recent = {"name": HOSTILE, "status": "FAILED", "startedAt": 1.0, "stoppedAt": 2.0, "record": RECORD}
        self.recent = lambda _machine: [recent]

    def start_as_scheduled(self) -> str:
        if self.schedule() is None:
            raise LookupError("no schedule starts this state machine")
        return self.start("as scheduled")

    def start(self, request: Any) -> str:
        self.started.append(request)
        return "started"


@pytest.fixture
def sources() -> SimpleNamespace:
    student = {"studentId": HOSTILE, "displayName": HOSTILE, "email": HOSTILE, "locale": HOSTILE}
    interaction = {"itemId": HOSTILE, "eventType": HOSTILE, "eventValue": 1, "occurredAt": 1_795_424_000}
    queue = {"name": HOSTILE, "arn": "a", "waiting": 3, "inFlight": 0, "source": "b", "dead": True}
    recommended = {"recommendations": [{"itemId": HOSTILE, "score": 0.5}], "source": HOSTILE, "modelVersion": HOSTILE}
    ranking = {"ranking": [{"place": 1, "score": 1.0, "studentId": HOSTILE}], "students": 1}
    return SimpleNamespace(
        overview=SimpleNamespace(
            counts=lambda: {"Students": 1, "Interactions": 2, "ClassActivity": 3, "Operations": 4},
            serving=lambda: {"campaigns": HOSTILE, "rankings": HOSTILE, "next": HOSTILE},
        ),
        runs=FakeRuns(),
        mails=SimpleNamespace(
            latest=lambda _limit, _to=None, _more=None: Page([MAIL], HOSTILE),
            one=lambda message_id: MAIL if message_id == "m-1" else None,
            caused_by=lambda _event: [MAIL],
        ),
        events=SimpleNamespace(
            latest=lambda _limit, _correlation=None, _more=None: Page([EVENT], HOSTILE),
            one=lambda event_id: EVENT if event_id != "none" else None,
            routes=lambda _event: [{"rule": HOSTILE, "target": HOSTILE, "consumer": HOSTILE}],
            rows=lambda _event: [{"table": HOSTILE, "row": {HOSTILE: HOSTILE}}],
            executions=lambda _event_id: [HOSTILE],
            enroll=lambda _class_id, _student_id: "e/1",
        ),
        queues=SimpleNamespace(
            all=lambda: [queue],
            redrive=lambda _name: 3,
            letters=lambda name: [{"body": HOSTILE, "sentAt": 1.0}] if name != "none" else None,
        ),
        rankings=SimpleNamespace(
            students=lambda _limit, _more=None: Page([student], HOSTILE),
            student=lambda _id: student,
            history=lambda _id, _limit, _more=None: Page([interaction], HOSTILE),
            recommendations=lambda _id, _kind=None: recommended,
            classes=lambda: [{"classId": HOSTILE, "title": HOSTILE}],
            class_ranking=lambda _id: ranking,
            titles=lambda items: dict.fromkeys(items, HOSTILE),
        ),
    )


@pytest.fixture
def browser(sources: Any) -> Browser:
    return Browser(make_app(sources, PORT))
