"""`python -m local.personalize` as another team meets it: help, ready line, errors of one line, signals, kill -9."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.unit.personalize.cloud import Cloud, filled
from tests.unit.personalize.servers import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.personalize.servers import ObjectStore

COMMAND = (sys.executable, "-m", "local.personalize")
KILLED = "The service was stopped while this job was running."


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def start(
    store: tuple[ObjectStore, str], tmp_path: Path
) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Cloud]]]:
    running: list[subprocess.Popen[str]] = []

    def started(*options: str) -> tuple[subprocess.Popen[str], Cloud]:
        command = [*COMMAND, "--port", "0", "--state-dir", str(tmp_path), "--s3-endpoint", store[1], *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        return process, Cloud(cast("Any", None), ready["endpoint"], store[0])

    yield started
    for process in running:
        process.kill()
        process.wait()


def test_help_names_every_option_and_how_to_reach_it() -> None:
    text = run("--help").stdout
    for word in ("--port", "--state-dir", "--time-scale", "--s3-endpoint", "--allow-faults", "AWS_ENDPOINT_URL_PERS"):
        assert word in text


@pytest.mark.parametrize("port", ["taken", "99999"])
def test_a_port_that_cannot_be_had_is_told_in_one_line(tmp_path: Path, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = run("--state-dir", str(tmp_path), "--port", port.replace("taken", str(listener.getsockname()[1])))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("python -m local.personalize: cannot listen on port")
    assert ended.stderr.count("\n") == 1


def test_a_state_directory_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run("--state-dir", str(tmp_path / "file"))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert str(tmp_path / "file") in ended.stderr


@pytest.mark.parametrize("scale", ["-1", "nan", "fast"])
def test_a_senseless_time_scale_is_refused(scale: str) -> None:
    assert "--time-scale: invalid" in run("--time-scale", scale).stderr


def test_a_second_service_on_the_same_state_is_refused_until_the_first_has_ended(
    start: Callable[..., tuple[subprocess.Popen[str], Cloud]], tmp_path: Path
) -> None:
    process, cloud = start()
    arn = cloud.group("kept")
    ended = run("--state-dir", str(tmp_path))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"The state directory is in use by another service: {tmp_path}" in ended.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert start()[1].control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"] == "ACTIVE"


def test_a_killed_service_leaves_failed_jobs_and_no_process(
    start: Callable[..., tuple[subprocess.Popen[str], Cloud]],
) -> None:
    # Slow enough for both jobs to be in the middle when the service is killed.
    process, cloud = start("--time-scale", "0.01")
    group = filled(cloud, "killed")
    solution = cloud.solution("killed", group, "aws-user-personalization-v2")
    dataset = group.replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    until_running(lambda: cloud.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"])
    job = cloud.start_import("middle", dataset, "s3://bucket/killed.csv")
    until_running(lambda: cloud.control.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"])
    workers = {worker for worker, parent in processes().items() if parent == process.pid}
    assert workers
    process.kill()
    process.wait()

    _, again = start("--time-scale", "0.0001")
    found = [
        again.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"],
        again.control.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"],
    ]
    assert [(one["status"], one.get("failureReason")) for one in found] == [("CREATE FAILED", KILLED)] * 2
    again.run_import("after", dataset, "s3://bucket/killed.csv")
    again.train(solution)
    deadline = time.monotonic() + 20
    while workers & set(processes()):
        assert time.monotonic() < deadline


def until_running(describe: Callable[[], dict[str, Any]]) -> None:
    """Wait until a job is in progress."""
    deadline = time.monotonic() + 20
    while describe()["status"] != "CREATE IN_PROGRESS":
        assert time.monotonic() < deadline
