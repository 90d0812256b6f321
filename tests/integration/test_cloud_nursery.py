"""Function processes as forks: what a script sees, and how its process ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud.nursery import Nursery
from tests.integration.sample.stack import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


def script(folder: Path, source: str) -> str:
    path = folder / "script.py"
    path.write_text(source)
    return str(path)


def test_a_fork_looks_like_a_python_process_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("NAME = 'Ánh'")
    source = """
import json, os, sys
import neighbour
line = sys.stdin.readline()
print("log: " + line.strip(), file=sys.stderr)
seen = {"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "name": __name__, "neighbour": neighbour.NAME}
print(json.dumps(seen))
"""
    path = script(tmp_path, source)
    fork = nursery.start(path, str(tmp_path), {"GREETING": "xin chào", "PATH": os.environ["PATH"]})
    fork.stdin.write("một\n")
    fork.stdin.flush()

    seen = json.loads(fork.stdout.readline())
    assert seen == {
        "argv": [path],
        "cwd": str(tmp_path),
        "env": {"GREETING": "xin chào", "PATH": os.environ["PATH"]},
        "name": "__main__",
        "neighbour": "Ánh",
    }
    assert fork.stderr.readline() == "log: một\n"
    fork.wait(10)
    assert fork.stdout.read() == ""


def test_a_fork_shares_nothing_with_the_next(nursery: Nursery, tmp_path: Path) -> None:
    path = script(tmp_path, "import json, os; print(os.environ.get('N'), getattr(json, 'mark', None)); json.mark = 1")
    outputs = [nursery.start(path, str(tmp_path), {"N": str(number)}).stdout.read() for number in range(3)]
    assert outputs == ["0 None\n", "1 None\n", "2 None\n"]


def test_what_kills_a_script_is_in_its_log(nursery: Nursery, tmp_path: Path) -> None:
    fork = nursery.start(script(tmp_path, "raise ValueError('broken')"), str(tmp_path), {})
    assert "ValueError: broken" in fork.stderr.read()
    assert fork.wait(10) == -1


def test_a_fork_can_be_ended(nursery: Nursery, tmp_path: Path) -> None:
    path = script(tmp_path, "import time; print('up', flush=True); time.sleep(600)")
    for end in ("terminate", "kill"):
        fork = nursery.start(path, str(tmp_path), {})
        assert fork.stdout.readline() == "up\n"
        assert fork.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            fork.wait(0.01)
        getattr(fork, end)()
        assert eventually(lambda fork=fork: fork.poll() is not None, deadline=10)  # type: ignore[misc]
        fork.terminate()


def test_a_fork_can_start_processes(nursery: Nursery, tmp_path: Path) -> None:
    source = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'exit(3)']).returncode)"
    fork = nursery.start(script(tmp_path, source), str(tmp_path), {"PATH": os.environ["PATH"]})
    assert fork.stdout.read() == "3\n"
