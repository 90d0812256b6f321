"""What needs the SAM CLI or a container engine is skipped by name where there is none."""

import shutil
import subprocess
from functools import cache

import pytest

from tests.toolchain.sam import MINOR, PARAMETERS, SAM, Build, sam


@cache
def _container_engine() -> bool:
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([str(docker), "info"], capture_output=True, check=False).returncode == 0


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip one by one, so that the report names every test that did not run, and why.

    They run when asked for by path, as `make sam` does: they take minutes, and the network.
    """
    if not any("toolchain" in str(argument) for argument in item.config.args):
        pytest.skip(f"{item.name}: runs under `make sam`")
    if not SAM.exists():
        pytest.skip(f"{item.name}: needs the SAM CLI in .venv-sam (make sam)")
    if item.get_closest_marker("docker") and not _container_engine():
        pytest.skip(f"{item.name}: needs a running container engine (docker info)")


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """What `sam build` makes of the project, for the interpreter that runs the tests."""
    made = Build(tmp_path_factory.mktemp("sam") / "build")
    done = sam(
        "build",
        *("--build-dir", str(made.directory)),
        *("--cache-dir", str(made.directory.parent / "cache")),
        *("--parameter-overrides", *PARAMETERS),
        PYTHONS=MINOR,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return made
