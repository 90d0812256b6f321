"""A student's address and name, a mail's text and a token are nowhere but where they belong."""

import base64
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.term import simulate
from tests.integration.faults.faults import Refuse, every, publishes
from tests.integration.faults.rig import Rig
from tests.integration.faults.stores import Find, everything, messages
from tests.stack import Stack

# What may stand where; nothing else may stand anywhere.
ALLOWED: dict[str, set[str]] = {
    "table students": {"address", "name"},
    "table classActivity": {"title"},
    # Events on their way to the bus, kept for a repeated Idempotency-Key.
    "table operations": {"content", "file"},
    "bus: bodies": {"content", "file", "poison"},
    "dead letters: bodies": {"content", "poison"},
    # With each mail stands the event behind it.
    "mailbox": {"address", "name", "title", "content", "file", "link"},
}
# Where each must be found, or the search is blind there.
CERTAIN = {
    ("table students", "address"),
    ("table students", "name"),
    ("table classActivity", "title"),
    ("table operations", "content"),
    ("bus: bodies", "content"),
    ("bus: bodies", "file"),
    ("bus: bodies", "poison"),
    ("dead letters: bodies", "content"),
    ("dead letters: bodies", "poison"),
    *(("mailbox", name) for name in ALLOWED["mailbox"]),
}
STORES = {
    *ALLOWED,
    *("bus: attributes", "dead letters: attributes", "executions", "lake", "logs", "personalize", "process logs"),
    *("feedback: attributes", "feedback: bodies", "embedded metrics", "table interactions"),
}


@pytest.fixture(scope="module")
def canaries(rig: Rig) -> dict[str, str]:
    """A text that is nowhere else, by what it stands for."""
    mark = uuid.uuid4().hex[:12]
    named = {name: f"canary{name}{mark}" for name in ("address", "name", "title", "content", "file", "poison")}
    return named | {"token": rig.stack.token("canary-admin", "admin").rsplit(".", 1)[1]}


@pytest.fixture(scope="module")
def kept(rig: Rig, canaries: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Find]:
    """The whole story with the canaries in it, and afterwards everything that is kept anywhere."""
    stack = rig.stack
    witnesses = {"bus": _bus_witness(stack), "feedback": _feedback_witness(stack)}
    term = simulate(students=30)
    file = term.write_interactions(tmp_path_factory.mktemp("term") / "interactions.csv")
    stack.nightclass("load", str(file))
    _tell(rig, canaries)
    canaries["link"] = _unsubscribe(rig, f"{canaries['address']}@privacy.example")
    stack.nightclass("nightly", "--force")
    finds = list(everything(stack))
    for store, url in witnesses.items():
        finds += messages(stack, url, store)
    return finds


def _tell(rig: Rig, canaries: dict[str, str]) -> None:
    """Enrol, submit, announce, bounce, fail, poison."""
    stack, address = rig.stack, canaries["address"]

    def call(method: str, path: str, body: object, status: int = 202) -> None:
        answer = stack.call(method, path, body, token=stack.token("canary-admin", "admin"))
        assert answer.status == status, answer

    call("PUT", "/classes/canary", {"title": f"Lớp {canaries['title']}"}, 200)
    addresses = {
        "canary-1": f"{address}@privacy.example",
        "canary-2": f"bounce+{address}@simulator.amazonses.com",
        "canary-3": f"complaint+{address}@simulator.amazonses.com",
        "canary-4": f"refused.{address}@privacy.example",
    }
    for student, email in addresses.items():
        call("PUT", f"/students/{student}", {"email": email, "displayName": f"Yến {canaries['name']}"}, 200)
    stack.table("students").put_item(
        Item={"studentId": "canary-5", "email": f"ă{address}@privacy.example", "displayName": canaries["name"]}
    )
    call("PUT", "/students/canary-1", {"email": f"{address}@", "displayName": canaries["name"]}, 400)
    call("PUT", "/students/canary-1", {"email": f"{address}@privacy.example", "locale": canaries["poison"]}, 400)

    value = f"One or more parameter values were invalid: Value '{address}@privacy.example' at 'item.email' failed"
    refusal = Refuse(lambda call: "canary-6" in call.text, every(1, 1), 400, "ValidationException", value)
    with rig.proxies["DYNAMODB"].faulty(refusal):
        call("PUT", "/students/canary-6", {"email": f"{address}@privacy.example", "displayName": "Yến"}, 500)
    assert refusal.done == 1

    quoted = f"Email address {address}@privacy.example is on no list, {canaries['name']}"
    refusal = Refuse(lambda call: "refused." in call.text, every(1, 1), 400, "MessageRejected", quoted)
    with rig.proxies["SESV2"].faulty(refusal):
        for number in range(1, 6):
            call("POST", "/classes/canary/enrollments", {"studentId": f"canary-{number}"})
        rig.wait_until_calm()
    url = f"https://files.example/hw1.pdf?sig={canaries['file']}"
    call("POST", "/assignments/hw1/submissions", {"studentId": "canary-1", "classId": "canary", "fileUrl": url})
    detail = f"Detail '{canaries['content']}' at 'entries.1.member.detail' failed to satisfy constraint"
    refusal = Refuse(publishes, every(1, 1), 400, "ValidationException", detail)
    with rig.proxies["EVENTBRIDGE"].faulty(refusal):
        call("POST", "/classes/canary/announcements", {"content": f"Mai nghỉ. {canaries['content']}"})
        rig.wait_until_calm()
    assert refusal.done == 1
    _poison(rig, canaries)
    rig.wait_until_calm()


def _poison(rig: Rig, canaries: dict[str, str]) -> None:
    """Events that can never be right, each with a canary in the very field that is wrong."""
    wrong = canaries["poison"]
    good = {"studentId": "canary-1", "classId": "canary"}
    submission = {"studentId": "canary-1", "fileUrl": f"ftp://{wrong}.example/hw1.pdf"}
    poison: list[tuple[str, str, Mapping[str, Any]]] = [
        ("api.teacher", "teacher.sendAnnouncement", {"teacherId": ["no id"], "content": canaries["content"]}),
        ("api.student", "student.enrolled", {**good, "metadata": {"occurredAt": wrong}}),
        ("api.student", "student.enrolled", {**good, "metadata": {"occurredAt": f"2026-11-27T{wrong}"}}),
        ("api.student", "student.enrolled", {**good, "metadata": {"eventId": f"no id: {wrong}"}}),
        ("api.student", "student.enrolled", {**good, "classId": f"no id: {wrong}"}),
        ("api.assignment", "student.submitAssignment", submission),
    ]
    bus = rig.stack.ready["eventBus"]
    rig.publish(
        [
            {"EventBusName": bus, "Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
            for source, kind, detail in poison
        ]
    )
    # No rule hands these over; a person who redrives by hand may.
    for unknown in ({"source": wrong, "detail-type": "student.enrolled"}, {"source": "api.x", "detail-type": wrong}):
        for queue in ("MailQueue", "AnnouncementQueue", "InteractionQueue"):
            body = json.dumps({**unknown, "id": "e", "time": "2026-11-27T00:00:00Z", "detail": good})
            rig.sqs.send_message(QueueUrl=rig.queues[queue], MessageBody=body)


def _unsubscribe(rig: Rig, to: str) -> str:
    """Follow the link that ends an announcement, as a scanner and as a person, twice; its token."""
    links = (mail["headers"].get("List-Unsubscribe", "") for mail in rig.stack.mails(to))
    (token,) = (link.partition("token=")[2].rstrip(">") for link in links if link)
    path = f"/unsubscribe?token={token}"
    assert rig.stack.call("GET", path).status == 200
    refusal = Refuse(
        lambda call: "ADD unsubscribed" in call.text, every(1, 1), 400, "ValidationException", f"{to}: {token}"
    )
    with rig.proxies["DYNAMODB"].faulty(refusal):
        assert rig.stack.call("POST", path, b"List-Unsubscribe=One-Click").status >= 500
    assert rig.stack.call("POST", path, b"List-Unsubscribe=One-Click").status == 200
    return str(token)


def test_personal_data_is_only_where_it_belongs(kept: list[Find], canaries: dict[str, str], report: list[str]) -> None:
    searched: dict[str, list[int]] = defaultdict(list)
    found = set()
    strayed = []
    for store, name, content in kept:
        searched[store].append(len(content))
        for canary, text in canaries.items():
            if any(needle in content for needle in _needles(text)):
                found.add((store, canary))
                if canary not in ALLOWED.get(store, set()):
                    strayed.append(f"{canary} in {store}, {name}")
    for store, sizes in sorted(searched.items()):
        held = ", ".join(sorted(canary for where, canary in found if where == store)) or "nothing"
        report.append(f"{store:<26}{len(sizes):>7} objects {sum(sizes):>11} bytes  holds {held}")
    assert not strayed
    assert not STORES - searched.keys(), "not searched"
    assert not CERTAIN - found, "the search does not see"


def _needles(text: str) -> Iterator[bytes]:
    """The text as it is, and as it looks inside base64, at each of its three alignments."""
    yield text.encode()
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + text.encode())[4 if shift else 0 : -4]


def _witness(stack: Stack, name: str, *, rule: str, bus: str, target: Mapping[str, Any]) -> str:
    """A queue as one more target of a rule: it gets what the rule hands over from now on."""
    sqs = stack.client("sqs")
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stack.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[{**target, "Id": name, "Arn": arn}])
    return url


def _bus_witness(stack: Stack) -> str:
    bus = stack.ready["eventBus"]
    stack.client("events").put_rule(Name="witness", EventBusName=bus, EventPattern='{"source": [{"prefix": "api."}]}')
    return _witness(stack, "witness-bus", rule="witness", bus=bus, target={})


def _feedback_witness(stack: Stack) -> str:
    """What the rule on SES's events makes of them, before the function has read it."""
    events = stack.client("events")
    (rule,) = (one["Name"] for one in events.list_rules()["Rules"] if "aws.ses" in one.get("EventPattern", ""))
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    return _witness(stack, "witness-feedback", rule=rule, bus="default", target=target)
