"""The story through the commands and the HTTP API of one running stack: a term is loaded, learnt and recommended."""

import json
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from local.bench import ranking
from local.commands.instance import Instance
from local.term import Term, simulate
from tests.stack import Stack, eventually

METRIC = "normalized_discounted_cumulative_gain_at_10"


@pytest.fixture(scope="module")
def term() -> Term:
    return simulate(students=120)


@pytest.fixture(scope="module")
def loaded(stack: Stack, term: Term, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of loading the term, with three bad rows in its file."""
    directory = tmp_path_factory.mktemp("term")
    interactions = term.write_interactions(directory / "interactions.csv")
    with interactions.open("a") as file:
        file.write(",toan-1,1700000000,enroll,\nsv001,toan-1,1700000000000,view,\nsv001,toan-1,soon,view,\n")
    items = term.write_items(directory / "items.csv")
    report: dict[str, Any] = json.loads(
        stack.nightclass("load", str(interactions), "--items", str(items), "--json").stdout
    )
    return report | {"file": str(interactions), "itemsFile": str(items)}


@pytest.fixture(scope="module")
def trained(stack: Stack, loaded: dict[str, Any]) -> dict[str, Any]:
    """The record of the nightly run after the load."""
    assert loaded["interactions"] > 1000
    record: dict[str, Any] = json.loads(stack.nightclass("nightly", "--force", "--json").stdout)
    return record


def recommend(stack: Stack, student: str, count: int = 10) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(stack.nightclass("recommend", student, "--num", str(count), "--json").stdout)
    return answer


def test_a_load_counts_what_it_wrote_and_what_it_left_out(loaded: dict[str, Any], term: Term) -> None:
    assert loaded["interactions"] == len(term.happenings)
    assert loaded["rejected"] == {
        "USER_ID missing": 1,
        "timestamp in milliseconds": 1,
        "timestamp is not whole epoch seconds": 1,
    }


def test_loading_again_adds_nothing(stack: Stack, loaded: dict[str, Any]) -> None:
    again = json.loads(stack.nightclass("load", loaded["file"], "--items", loaded["itemsFile"], "--json").stdout)
    assert (again["interactions"], again["known"]) == (0, loaded["interactions"])
    assert (again["students"], again["items"], again["memberships"]) == (0, 0, 0)


def test_the_bench_asks_the_campaign_each_way(stack: Stack, trained: dict[str, Any], term: Term) -> None:
    assert trained["status"] == "PROMOTED"
    students = [student.student_id for student in term.students[:2]]
    found = ranking.measure(Instance.of(stack.state_dir), students, repeats=2, shown=lambda _: None)
    assert [one.way for one in found] == list(ranking.WAYS)
    assert all(one.p99 >= one.p50 > 0 for one in found)


def test_the_nightly_run_learns_the_term_and_beats_popularity(trained: dict[str, Any], term: Term) -> None:
    assert trained["status"] == "PROMOTED"
    assert trained["rows"]["interactions"] >= len(term.happenings)
    assert trained["metrics"]["recommendation"][METRIC] > 2 * trained["baselineMetrics"][METRIC]


def test_a_student_is_recommended_what_is_theirs_and_no_class_they_are_in(
    stack: Stack, trained: dict[str, Any], term: Term
) -> None:
    for student in ("sv001", "sv002", "sv003"):
        answer = recommend(stack, student, 20)
        assert answer["source"] == "campaign"
        assert answer["modelVersion"] == trained["solutionVersionArn"].rsplit("/", 1)[1]
        enrolled = {one.class_id for one in term.happenings if (one.student_id, one.event_type) == (student, "enroll")}
        assert enrolled
        assert not enrolled & {one["itemId"] for one in answer["recommendations"]}


def test_a_new_student_is_recommended_what_fits_their_first_steps_without_a_retraining(
    stack: Stack, trained: dict[str, Any], term: Term
) -> None:
    admin, own = stack.token("admin", "admin"), stack.token("sv-nam-nhat")
    body = {"email": "nam-nhat@truong.example"}
    assert stack.call("PUT", "/students/sv-nam-nhat", body, token=admin).status == 200
    begun = next(course for course in term.courses if course.field == "tin")
    own_items = {material.item_id for material in begun.materials}

    def answer() -> tuple[str, int]:
        body = stack.call("GET", "/ranking/sv-nam-nhat?numResults=10", token=own).body
        return body["source"], len({one["itemId"] for one in body["recommendations"]} & own_items)

    source, before = answer()
    assert source == "campaign", "a model answers those it never saw"
    enrolled = {"studentId": "sv-nam-nhat"}
    assert stack.call("POST", f"/classes/{begun.class_id}/enrollments", enrolled, token=own).status == 202
    source, after = eventually(answer, lambda found: found[1] > before)
    assert source == "campaign"
    assert after > before


def test_resuming_a_run_that_ended_answers_its_record(stack: Stack, trained: dict[str, Any]) -> None:
    again = json.loads(stack.nightclass("resume", trained["runId"], "--json").stdout)
    same = ("runId", "status", "why", "finishedAt", "fencingToken", "executionArn", "rows", "solutionVersionArn")
    assert {name: again[name] for name in same} == {name: trained[name] for name in same}


def test_a_failed_run_exits_1_and_names_error_and_reason(stack: Stack) -> None:
    done = stack.nightclass("rollback", "--to", "nothing", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "DeploymentRefused" in done.stderr.splitlines()[-1]
    assert "nothing is no version of" in done.stderr.splitlines()[-1]


def test_a_run_nobody_knows_is_not_begun_by_resuming_it(stack: Stack) -> None:
    done = stack.nightclass("resume", "no/such run", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no run no/such run" in done.stderr.splitlines()[-1]


def test_a_run_that_takes_longer_than_asked_for_is_an_error_in_one_line(stack: Stack) -> None:
    done = stack.nightclass("nightly", "--timeout", "0.01", check=False)
    assert done.returncode == 1
    assert "still" in done.stderr.splitlines()[-1]
    machine = stack.ready["stateMachineArn"]
    states = stack.client("stepfunctions")
    eventually(lambda: not states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])


def test_a_token_with_a_class_makes_a_member(stack: Stack) -> None:
    teacher = stack.nightclass("token", "--user", "gv-moi", "--role", "teacher", "--class", "lop-moi").stdout.strip()
    stack.nightclass("token", "--user", "sv-moi", "--role", "student", "--class", "lop-moi")
    ranking = eventually(
        lambda: stack.call("GET", "/classes/lop-moi/ranking", token=teacher), lambda answer: answer.status == 200
    )
    assert [one["studentId"] for one in ranking.body["ranking"]] == ["sv-moi"]
    rows = stack.table("classActivity").query(KeyConditionExpression=Key("classId").eq("lop-moi"))["Items"]
    assert {row["activity"] for row in rows} == {"CLASS", "ITEM#lop-moi", "TEACHER#gv-moi", "STUDENT#sv-moi"}


def test_an_expired_token_is_refused(stack: Stack) -> None:
    token = stack.nightclass("token", "--user", "sv001", "--expires-in", "-5").stdout.strip()
    assert stack.call("GET", "/ranking/sv001", token=token).status == 401


def test_a_mail_can_be_read_with_its_headers_and_tags(stack: Stack) -> None:
    admin = stack.token("admin", "admin")
    body = {"email": "doc-thu@truong.example", "displayName": "Đỗ Thu", "locale": "vi"}
    assert stack.call("PUT", "/students/sv-doc-thu", body, token=admin).status == 200
    assert stack.call("PUT", "/classes/lop-thu", {"title": "Thư"}, token=admin).status == 200
    enrolment = {"studentId": "sv-doc-thu"}
    assert stack.call("POST", "/classes/lop-thu/enrollments", enrolment, token=admin).status == 202
    (mail,) = eventually(lambda: stack.mails("doc-thu@truong.example"))
    assert {"to", "subject", "text", "html", "headers", "tags", "sentAt"} <= set(mail)
    assert mail["to"] == "doc-thu@truong.example"
    assert "Đỗ Thu" in mail["text"]
    assert "Đỗ Thu" in mail["html"]
    assert set(mail["tags"]) == {"ledger-id", "kind"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [("a,b\n1,2\n", "USER_ID,ITEM_ID,TIMESTAMP"), ("USER_ID,ITEM_ID,TIMESTAMP\n,,\n", "no row that can be used")],
)
def test_a_file_of_no_use_is_an_error_in_one_line(stack: Stack, tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "file.csv").write_text(content)
    done = stack.nightclass("load", str(tmp_path / "file.csv"), check=False)
    assert done.returncode == 1
    assert reason in done.stderr.splitlines()[-1]
