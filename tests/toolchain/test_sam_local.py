"""`sam local invoke -e events/<handler>.json` runs every function in Lambda's own container, on the local cloud."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.project import ROOT, Project
from tests.stack import Stack
from tests.toolchain.container import deployed_environment, gateway, reachable, template_with_endpoint
from tests.toolchain.sam import MINOR, PARAMETERS, Build, sam

pytestmark = [pytest.mark.toolchain, pytest.mark.docker, pytest.mark.timeout(600)]
IMAGE = f"public.ecr.aws/lambda/python:{MINOR.removeprefix('python')}-x86_64"
PROJECT = Project.read()
FUNCTIONS = {name: PROJECT.entry(name)[0].rpartition(".")[2] for name in PROJECT.functions}


class Local:
    """`sam local invoke` with everything it needs to know."""

    def __init__(self, template: Path, variables: Path) -> None:
        self._options = ["--template-file", str(template), "--env-vars", str(variables)]
        present = (
            subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
        )
        self._options += ["--skip-pull-image"] if present else []

    def invoke(self, function: str, event: Path) -> dict[str, Any]:
        """The function's answer."""
        done = sam(
            "local",
            *("invoke", function, "--event", str(event)),
            *self._options,
            *("--region", "ap-southeast-1", "--parameter-overrides", *PARAMETERS),
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert done.returncode == 0, done.stderr[-3000:]
        assert lines, done.stdout[-2000:] + done.stderr[-3000:]
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer


@pytest.fixture(scope="module")
def local(build: Build, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with reachable(stack.endpoint, gateway()) as endpoint:
        variables = tmp_path_factory.mktemp("sam-local") / "environment.json"
        variables.write_text(json.dumps(deployed_environment(stack, endpoint)))
        yield Local(template_with_endpoint(build), variables)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_invoke(local: Local, function: str) -> None:
    answer = local.invoke(function, ROOT / "events" / f"{FUNCTIONS[function]}.json")
    assert not str(answer.get("errorType", "")).startswith("Runtime."), answer
    print(function, json.dumps(answer)[:300])
