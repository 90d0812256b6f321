"""`up`, `down` and what lies between: one instance a directory, state that survives, nothing but loopback."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.stack import Stack, eventually, running

STUDENT = {"email": "anh@truong.example", "displayName": "Ngọc Ánh", "locale": "vi"}


def test_a_second_up_on_the_same_directory_says_so_in_one_line(stack: Stack) -> None:
    done = stack.nightclass("up", "--port", "0", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert stack.endpoint in done.stderr.splitlines()[-1]


def test_a_busy_port_is_an_error_in_one_line(stack: Stack, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        other = Stack(stack.ready, tmp_path / "other", stack.process)
        done = other.nightclass("up", "--port", port, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert port in done.stderr.splitlines()[-1]


def test_status_and_outputs_describe_the_running_instance(stack: Stack) -> None:
    status = json.loads(stack.nightclass("status", "--json").stdout)
    assert (status["running"], status["endpoint"], status["pid"]) == (True, stack.endpoint, stack.process.pid)
    outputs = json.loads(stack.nightclass("outputs", "--json").stdout)
    assert outputs["StateMachineArn"] == stack.ready["stateMachineArn"]
    assert outputs["ApiUrl"] == stack.ready["apiUrl"]


FOREIGN: dict[str, str] = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "111111111111",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def test_the_state_survives_a_restart_whatever_aws_account_the_shell_is_set_up_for(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    with running(state_dir, **FOREIGN) as first:
        admin = first.token("admin", "admin")
        assert first.call("PUT", "/students/sv1", STUDENT, token=admin).status == 200
        assert first.call("PUT", "/classes/lop-1", {"title": "Lớp 1"}, token=admin).status == 200
        assert first.nightclass("down").returncode == 0
        assert first.process.wait(60) == 0
    assert not (state_dir / "runtime.json").exists()

    with running(state_dir) as second:
        assert without_address(second) == without_address(first)
        body = {"studentId": "sv1"}
        assert (
            second.call("POST", "/classes/lop-1/enrollments", body, token=second.token("admin", "admin")).status == 202
        )
        (mail,) = eventually(lambda: second.mails("anh@truong.example"))
        assert "Ngọc Ánh" in mail["text"]


def without_address(stack: Stack) -> dict[str, Any]:
    """The ready line but for the ports, which may differ."""
    kept = {name: value for name, value in stack.ready.items() if name != "consoleUrl"}
    return {name: str(value).replace(stack.endpoint, "") for name, value in kept.items()}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc")
def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    ours = sockets_of(family(stack.process.pid))
    listening = [
        row for name in ("tcp", "tcp6") for row in table(name) if row["state"] == "0A" and row["inode"] in ours
    ]
    assert listening
    assert {row["address"] for row in listening} == {"0100007F"}


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def sockets_of(pids: list[int]) -> set[str]:
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink()) if descriptor.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    return inodes


def table(name: str) -> list[dict[str, Any]]:
    rows = [line.split() for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [{"address": row[1].split(":")[0], "state": row[3], "inode": row[9]} for row in rows]
