"""The console's process: reachable, on loopback only, and gone with whoever started it, however that ends."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.console import Console, ConsoleError, listener
from tests.stack import ROOT, eventually

_INSTANCE = {
    "pid": 1,
    "port": 9,
    "endpoint": "http://127.0.0.1:9",
    "time_scale": 1.0,
    "started_at": 0,
    "outputs": {},
    "console_url": None,
}


def status(url: str) -> int | None:
    """Of a page that needs no cloud; None where nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}static/console.css", timeout=10) as answer:
            return int(answer.status)
    except OSError:
        return None


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with Console(_INSTANCE, tmp_path / "log") as console:
        assert console.url.startswith("http://127.0.0.1:")
        assert status(console.url) == 200
    assert status(console.url) is None
    console.stop()


def test_a_cloud_that_does_not_answer_is_told_on_the_page(tmp_path: Path) -> None:
    with Console(_INSTANCE, tmp_path / "log") as console, pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(f"{console.url}events", timeout=30)
    assert failed.value.code == 502
    assert "refused" in failed.value.read().decode()


def test_it_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, local.console as c; "
        f"console = c.Console({_INSTANCE!r}, pathlib.Path({str(tmp_path / 'log')!r})); "
        "print(console.url, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert status(url) == 200
        starter.kill()
    eventually(lambda: status(url), lambda answer: answer is None, 20)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with Console(_INSTANCE, tmp_path / "log") as console:
        port = int(console.url.rstrip("/").rsplit(":", 1)[1])
        with pytest.raises(ConsoleError, match=f"did not start: .*cannot listen on 127.0.0.1:{port}: Address already"):
            Console(_INSTANCE, tmp_path / "second", port)


def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with listener(0) as taken:
        command = ["up", "--port", "0", "--console-port", str(taken.getsockname()[1]), "--state-dir", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-m", "local", *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("nightclass: the console cannot listen on 127.0.0.1:")
    assert not (tmp_path / "aws").exists()
