"""A student with history, mails, a cached ranking and a trained model is erased; the search finds them nowhere."""

import hashlib
import hmac
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.test_events_on_the_bus import put_event
from tests.integration.test_three_nights import load, made
from tests.stack import Stack, eventually, running

WHO = "sv-bi-xoa"
ADDRESS = "sv-bi-xoa@truong.example"
CLASS = "lop-xoa"
Find = tuple[str, str, bytes]
"""Store, name of the object, content."""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that nobody else loads data into, and one student who did something everywhere."""
    with running(tmp_path_factory.mktemp("erasure") / "state") as stack:
        rows = [(WHO if user == "s7" else user, *rest) for user, *rest in made()]
        load(stack, stack.state_dir.parent / "term.csv", rows)
        admin, own = stack.token("admin", "admin"), stack.token(WHO)
        body = {"email": ADDRESS, "displayName": "Nguyễn Văn Xoá", "locale": "vi"}
        assert stack.call("PUT", f"/students/{WHO}", body, token=admin).status == 200
        assert stack.call("PUT", f"/classes/{CLASS}", {"title": "Lớp"}, token=admin).status == 200
        answer = stack.call("POST", f"/classes/{CLASS}/enrollments", {"studentId": WHO}, token=own)
        assert answer.status == 202
        eventually(lambda: stack.mails(ADDRESS))
        stack.nightclass("nightly", "--json", timeout=600)
        # A worker may not notice for a minute that there is a tracker now.
        enrolled = {"studentId": WHO, "classId": "AAA"}
        eventually(lambda: followed_live(stack, enrolled), deadline=150, pause=3)
        assert stack.call("GET", f"/ranking/{WHO}", token=own).body["source"] == "campaign"
        for url in dead_letter_urls(stack):
            stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"detail": enrolled}))
        yield stack


def test_a_student_is_erased_from_every_store_that_lives(school: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    needles = [WHO.encode(), pseudonym(school, WHO).encode()]
    before, searched = search(school, needles)
    assert before.keys() == searched.keys(), f"the search would find nothing in {searched.keys() - before.keys()}"
    neighbours, _ = search(school, [b's8"', pseudonym(school, "s8").encode()])

    done = school.nightclass("erase", WHO, "--json", timeout=600)

    audit = json.loads(done.stdout)
    assert (audit["status"], audit["retrainingStatus"]) == ("ERASED", "PROMOTED")
    assert all(audit["erased"].values())
    after, searched = search(school, needles)
    with capsys.disabled():
        sys.stdout.write(table(before, after, searched))
    assert after == {}
    assert search(school, [b's8"', pseudonym(school, "s8").encode()])[0].keys() == neighbours.keys() - {"accounts"}
    assert not any(needle in json.dumps(history(school)).encode() for needle in needles)


def test_late_events_and_late_readers_leave_nothing_behind(school: Stack) -> None:
    needles = [WHO.encode(), pseudonym(school, WHO).encode()]
    admin = school.token("admin", "admin")
    mails = len(school.mails(ADDRESS))
    put_event(school, "api.student", "student.enrolled", {"studentId": WHO, "classId": CLASS})
    put_event(school, "api.student", "student.enrolled", {"studentId": "sv-sau", "classId": CLASS})
    assert school.call("GET", f"/ranking/{WHO}", token=admin).status == 200
    assert school.call("PUT", f"/students/{WHO}", {"email": ADDRESS}, token=admin).status == 400
    # Whoever came after the student has been through all the queues.
    eventually(lambda: search(school, [b"sv-sau"])[0].keys() >= {"table interactions", "table operations"})
    assert search(school, needles)[0] == {}
    assert len(school.mails(ADDRESS)) == mails


def test_the_catalogue_knows_the_nights_before_and_after(school: Stack) -> None:
    """A partition stays although its files were erased: the crawler removes none."""
    glue = school.client("glue")
    (database,) = (one["Name"] for one in glue.get_databases()["DatabaseList"])
    for name in ("interactions", "users", "items"):
        partitions = glue.get_partitions(DatabaseName=database, TableName=name)["Partitions"]
        folders = [one["StorageDescriptor"]["Location"].split("/", 3)[3] for one in partitions]
        kept = [
            bool(school.client("s3").list_objects_v2(Bucket=school.ready["bucket"], Prefix=one).get("Contents"))
            for one in folders
        ]
        assert kept == [False, True], name


def everything(stack: Stack) -> Iterator[Find]:
    """The stores that live: tables, lake with versions, accounts, dead letters, Personalize and S3 as files."""
    for name in stack.ready["tables"]:
        for page in stack.table(name).meta.client.get_paginator("scan").paginate(TableName=stack.ready["tables"][name]):
            yield from ((f"table {name}", "", text(item)) for item in page["Items"])
    s3, bucket = stack.client("s3"), stack.ready["bucket"]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", []):
            body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            yield "lake", one["Key"], body
    users = stack.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=outputs(stack)["UserPoolId"])
    for page in users:
        yield from (("accounts", user["Username"], text(user)) for user in page["Users"])
    for url in dead_letter_urls(stack):
        # Looked at without hiding them from anybody.
        letters = stack.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        yield from (("dead letters", url, text(letter)) for letter in letters.get("Messages", []))
    for folder, store in (("personalize", "Personalize, on disk"), ("s3", "lake, on disk")):
        for path in sorted((stack.state_dir / folder).rglob("*")):
            if path.is_file() and "artifacts" not in str(path):
                yield store, path.name, path.read_bytes()


def text(document: Any) -> bytes:
    """As it is searched."""
    return json.dumps(document, ensure_ascii=False, default=str).encode()


def search(stack: Stack, needles: list[bytes]) -> tuple[Counter[str], dict[str, tuple[int, int]]]:
    """How many objects of each store name the student, and how many objects and bytes were looked at."""
    found: Counter[str] = Counter()
    searched: dict[str, tuple[int, int]] = {}
    for store, name, content in everything(stack):
        objects, size = searched.get(store, (0, 0))
        searched[store] = (objects + 1, size + len(content))
        found[store] += any(needle in content or needle in name.encode() for needle in needles)
    return +found, searched


def table(before: Counter[str], after: Counter[str], searched: dict[str, tuple[int, int]]) -> str:
    """What was searched, for whoever reads the test's output."""
    lines = [f"\n{'store':<24}{'before':>8}{'after':>8}{'objects':>10}{'bytes':>14}"]
    for store in sorted(before.keys() | searched.keys()):
        objects, size = searched.get(store, (0, 0))
        lines.append(f"{store:<24}{before[store]:>8}{after[store]:>8}{objects:>10}{size:>14,}")
    return "\n".join(lines) + "\n"


def pseudonym(stack: Stack, student_id: str) -> str:
    """As Personalize knows a student (campus.pseudonyms)."""
    key_arn = stack.client("cloudformation").describe_stack_resource(
        StackName="nightclass", LogicalResourceId="PseudonymKey"
    )["StackResourceDetail"]["PhysicalResourceId"]
    key = stack.client("secretsmanager").get_secret_value(SecretId=key_arn)["SecretString"].encode()
    return hmac.new(key, f"personalize:{student_id}".encode(), hashlib.sha256).hexdigest()[:32]


def outputs(stack: Stack) -> dict[str, str]:
    """The stack's outputs."""
    given: dict[str, str] = json.loads(stack.nightclass("outputs", "--json").stdout)
    return given


def dead_letter_urls(stack: Stack) -> list[str]:
    """Queues that a letter naming a student can end in."""
    urls = stack.client("sqs").list_queues()["QueueUrls"]
    return [url for url in urls if "DeadLetters" in url and "Feedback" not in url]


def followed_live(stack: Stack, enrolled: dict[str, str]) -> bool:
    """Tell of one more enrolment, and see whether Personalize has heard of one."""
    put_event(stack, "api.student", "student.enrolled", enrolled)
    wanted = pseudonym(stack, enrolled["studentId"]).encode()
    return any(wanted in path.read_bytes() for path in (stack.state_dir / "personalize").glob("*.sqlite*"))


def history(stack: Stack) -> list[Any]:
    """Input, output and events of the erasures."""
    states, machine = stack.client("stepfunctions"), outputs(stack)["ErasureStateMachineArn"]
    arns = [one["executionArn"] for one in states.list_executions(stateMachineArn=machine)["executions"]]
    assert arns
    found = [str(states.describe_execution(executionArn=arn)) for arn in arns]
    return found + [str(states.get_execution_history(executionArn=arn)["events"]) for arn in arns]
