"""`sam local invoke -e events/<handler>.json` runs every function in Lambda's own container, on the local cloud."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.project import ROOT, Project
from tests.stack import running
from tests.toolchain.container import deployed_environment, reachable, template_with_endpoint
from tests.toolchain.fixtures import ORDER, complaint
from tests.toolchain.sam import MINOR, PARAMETERS, Build, sam

pytestmark = [pytest.mark.toolchain, pytest.mark.docker, pytest.mark.timeout(1500)]
IMAGE = f"public.ecr.aws/lambda/python:{MINOR.removeprefix('python')}-x86_64"
HANDLERS = {Project.read().entry(name)[0].rpartition(".")[2]: name for name in Project.read().functions}


class SamLocal:
    """`sam local invoke` with everything it needs to know."""

    def __init__(self, template: Path, variables: Path) -> None:
        self._options = ["--template-file", str(template), "--env-vars", str(variables)]
        present = (
            subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
        )
        self._options += ["--skip-pull-image"] if present else []

    def invoke(self, function: str, event: Path) -> dict[str, Any]:
        """The function's answer; the command itself exits 0 even where the function raised."""
        region = ("--region", "ap-southeast-1")
        parameters = ("--parameter-overrides", *PARAMETERS)
        done = sam("local", "invoke", function, "--event", str(event), *self._options, *region, *parameters)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert done.returncode == 0, done.stderr[-3000:]
        assert lines, done.stdout[-2000:] + done.stderr[-3000:]
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer


@pytest.fixture(scope="module")
def local(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamLocal]:
    directory = tmp_path_factory.mktemp("sam-local")
    with running(directory / "state") as stack, reachable(stack.endpoint) as endpoint:
        variables = directory / "environment.json"
        variables.write_text(json.dumps(deployed_environment(stack.endpoint, endpoint)))
        yield SamLocal(template_with_endpoint(build.template), variables)


def test_every_function_answers_its_fixture_in_a_container(local: SamLocal) -> None:
    answers = {handler: local.invoke(HANDLERS[handler], ROOT / "events" / f"{handler}.json") for handler in ORDER}
    assert not {handler: found for handler, answer in answers.items() if (found := complaint(handler, answer))}
