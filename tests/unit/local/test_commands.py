"""The command line: usage errors, one-line failures, and one instance a directory."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner, Result

from local.__main__ import nightclass
from local.commands import instance as instances
from local.commands import reading
from local.commands import up as commands_up
from local.commands.benchmarks import bench
from local.commands.instance import Instance, occupied
from local.commands.options import CommandError, common, one_line

COMMANDS = [
    "up",
    "down",
    "status",
    "outputs",
    "token",
    "load",
    "nightly",
    "resume",
    "rollback",
    "park",
    "unpark",
    "erase",
    "mailbox",
    "recommend",
    "bench",
    "costs",
    "demo",
]
OUTPUTS = {
    "ApiUrl": "http://127.0.0.1:1/api",
    "EventBusName": "student-event-bus",
    "StateMachineArn": "arn:machine",
    "StudentsTable": "S",
    "InteractionsTable": "I",
    "ClassActivityTable": "C",
    "OperationsTable": "O",
    "LakeBucket": "lake",
    "DatasetGroupArn": "arn:group",
    "CampaignName": "campaign",
    "UserPoolId": "pool",
    "UserPoolClientId": "client",
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nightclass, list(arguments), prog_name="nightclass")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_common_options(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    for option in ("--state-dir", "--json", "--help"):
        assert option in result.output


@pytest.mark.parametrize("command", ["demo", "bench", *(f"bench {name}" for name in bench.commands)])
def test_a_command_with_a_directory_of_its_own_says_so(command: str) -> None:
    shown = " ".join(run(*command.split(), "--help").output.split())
    assert "removed afterwards" in shown
    assert ".nightclass" not in shown


def test_there_are_these_commands_and_no_others() -> None:
    assert sorted(nightclass.commands) == sorted(COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["up", "--port", "70000"],
        ["up", "--port", "many"],
        ["up", "--time-scale", "0"],
        ["up", "--parameter", "MailGraceSeconds"],
        ["up", "--parameter", "=30"],
        ["token"],
        ["token", "--user", "sv1", "--role", "king"],
        ["token", "--user", "sv#1"],
        ["token", "--user", "sv1", "--class", "lớp"],
        ["load"],
        ["nightly", "--timeout", "soon"],
        ["resume"],
        ["recommend"],
        ["recommend", "sv1", "--num", "0"],
        ["recommend", "../x"],
        ["bench", "load", "--data", "absent.csv"],
        ["status", "--loud"],
    ],
)
def test_wrong_usage_exits_2_and_prints_nothing_on_stdout(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: nightclass" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(["down"], ["status"], ["outputs"], ["nightly"], ["mailbox"], ["rollback"], ["park"], ["unpark"]),
        *(["token", "--user", "x"], ["load", "f.csv"], ["resume", "r"], ["recommend", "x"], ["erase", "x"]),
    ],
)
def test_without_a_running_instance_a_command_fails_in_one_line(arguments: list[str], tmp_path: Path) -> None:
    result = run(*arguments, "--state-dir", str(tmp_path / "state"), "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "nothing runs" in result.stderr


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_parameters_given_to_up_reach_the_stack_and_win(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(Exception):
        """Carries what would have been deployed."""

    def deploy(endpoint: str, *, template: Path, parameters: Mapping[str, str]) -> dict[str, str]:
        raise Refused(parameters)

    monkeypatch.setattr(commands_up, "Cloud", lambda *_: Mock(endpoint="http://127.0.0.1:1"))
    monkeypatch.setattr(commands_up, "deploy", deploy)
    given = ["--parameter", "MailGraceSeconds=30", "--parameter", "EnableReranking=false"]

    result = run("up", *given, "--state-dir", str(state_dir))

    assert result.exit_code == 1
    for pair in ("'MailGraceSeconds': '30'", "'EnableReranking': 'false'", "'PythonRuntime': 'python3."):
        assert pair in result.stderr


@pytest.mark.parametrize(("scale", "seconds"), [(1, "120"), (0.005, "400"), (0.0005, "1500")])
def test_writers_have_two_real_seconds_however_time_is_scaled(scale: float, seconds: str) -> None:
    assert commands_up._parameters(scale)["ExportMarginSeconds"] == seconds


def running(port: int = 4566) -> Instance:
    return Instance(os.getpid(), port, f"http://127.0.0.1:{port}", 0.005, 1_700_000_000, OUTPUTS)


def test_a_state_directory_is_held_by_one_up_at_a_time(state_dir: Path) -> None:
    with occupied(state_dir):
        running().write(state_dir)
        result = run("up", "--state-dir", str(state_dir))
        assert result.exit_code == 1
        where = f"at http://127.0.0.1:4566 (process {os.getpid()})"
        assert result.stderr == f"nightclass: the local cloud of {state_dir} runs already {where}\n"
    assert not instances.is_locked(state_dir)
    assert not (state_dir / "runtime.json").exists()


def test_the_ready_line_names_what_scripts_rely_on(state_dir: Path) -> None:
    assert running().ready() == {
        "ready": True,
        "endpoint": "http://127.0.0.1:4566",
        "apiUrl": "http://127.0.0.1:1/api",
        "consoleUrl": None,
        "eventBus": "student-event-bus",
        "stateMachineArn": "arn:machine",
        "tables": {"students": "S", "interactions": "I", "classActivity": "C", "operations": "O"},
        "bucket": "lake",
        "datasetGroupArn": "arn:group",
        "campaignName": "campaign",
    }


def test_outputs_are_one_json_line(state_dir: Path) -> None:
    with occupied(state_dir):
        running().write(state_dir)
        result = run("outputs", "--json", "--state-dir", str(state_dir))
    assert json.loads(result.stdout) == OUTPUTS
    assert result.stdout.count("\n") == 1


def test_an_unready_instance_says_so(state_dir: Path) -> None:
    with occupied(state_dir):
        result = run("outputs", "--state-dir", str(state_dir))
    assert "still starting" in result.stderr


def test_an_unexpected_error_is_one_line_unless_asked_for_more(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("first line\nsecond line")

    monkeypatch.setattr(reading, "mails", broken)
    with occupied(state_dir):
        running().write(state_dir)
        result = run("mailbox", "--state-dir", str(state_dir))
        assert (result.exit_code, result.stderr) == (1, "nightclass: ValueError: first line second line\n")
        monkeypatch.setenv("NIGHTCLASS_DEBUG", "1")
        assert isinstance(run("mailbox", "--state-dir", str(state_dir)).exception, ValueError)


def test_asking_for_recommendations_makes_nobody_a_user(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in: list[str] = []

    def issue_token(_endpoint: str, _pool: str, _app: str, user: str, *_: Any) -> str:
        signed_in.append(user)
        return "token"

    monkeypatch.setattr(instances, "issue_token", issue_token)
    monkeypatch.setattr(reading, "call", lambda _instance, method, path, _token: [method, path])
    with occupied(state_dir):
        running().write(state_dir)
        result = run("recommend", "erased", "--num", "3", "--state-dir", str(state_dir), "--json")
    assert json.loads(result.stdout) == ["GET", "/ranking/erased?numResults=3"]
    assert signed_in == ["console"]


def test_errors_of_our_own_need_no_type_before_them() -> None:
    assert one_line(CommandError("the port is taken")) == "the port is taken"
    assert one_line(KeyError("x")) == "KeyError: 'x'"


def test_commands_that_work_in_their_own_directory_keep_the_one_that_is_given(tmp_path: Path) -> None:
    seen: list[Path | None] = []

    @nightclass.command("probe")
    @common
    @click.pass_context
    def probe(context: click.Context, /, **_: Any) -> None:
        seen.append(instances.given_directory(context))

    try:
        run("probe")
        run("probe", "--state-dir", str(tmp_path))
    finally:
        del nightclass.commands["probe"]
    assert seen == [None, tmp_path]
