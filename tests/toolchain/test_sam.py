"""`sam validate`, `build` and `deploy` take the project as it is; what they ship is complete, lean and compiled."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contract.project import ROOT, Project
from tests.stack import Stack
from tests.toolchain.sam import PARAMETERS, Build, sam

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]
FUNCTIONS = sorted(Project.read().functions)
STACK = "nightclass-by-sam"


def test_the_template_passes_sams_linter() -> None:
    done = sam("validate", "--lint", "--template-file", str(ROOT / "template.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid SAM Template" in done.stdout


def test_sam_translates_the_template_and_refuses_a_broken_one(tmp_path: Path) -> None:
    """Without --lint, which sees no more than the raw template: a mistyped event type passes it."""
    text = (ROOT / "template.yaml").read_text()
    whole, broken = tmp_path / "template.yaml", tmp_path / "broken.yaml"
    whole.write_text(text)
    broken.write_text(text.replace("Type: HttpApi", "Type: HttpsApi", 1))
    region = ("--region", "ap-southeast-1")
    done = sam("validate", "--template-file", str(whole), *region, configured=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sam("validate", "--template-file", str(broken), *region, configured=False).returncode != 0


def test_every_function_ships_our_sources_and_nothing_else(build: Build) -> None:
    ours = sorted(path.relative_to(ROOT / "functions") for path in (ROOT / "functions").rglob("*") if path.is_file())
    ours = [path for path in ours if "__pycache__" not in path.parts]
    assert build.files(FUNCTIONS[0]) == ours
    size = sum((build.directory / FUNCTIONS[0] / path).stat().st_size for path in ours)
    assert size < 1_000_000


def test_the_layer_is_pure_python_and_small(build: Build, tmp_path: Path) -> None:
    files = build.files("DependenciesLayer")
    assert not [path for path in files if path.suffix in {".so", ".pyd"}]
    assert not {"numpy", "scipy", "pydantic", "aws_xray_sdk", "awscrt"} & {path.parts[1] for path in files}
    packed = tmp_path / "layer.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(build.layer / path, path)
    assert packed.stat().st_size < 30_000_000


def test_the_layer_is_compiled_for_a_read_only_file_system(build: Build) -> None:
    """Every module has its .pyc, of the kind that is never checked against the source, and names its place in /opt."""
    modules = [path for path in build.files("DependenciesLayer") if path.suffix == ".py"]
    assert len(modules) > 300
    for module in modules:
        compiled = Path(importlib.util.cache_from_source(str(build.layer / module))).read_bytes()
        assert compiled[4:8] == b"\x01\x00\x00\x00", f"{module} is checked at every import"
    shown = Path(importlib.util.cache_from_source(str(build.layer / "python/six.py"))).read_bytes()
    assert b"/opt/python/six.py" in shown


def test_every_handler_imports_with_what_ships(build: Build) -> None:
    """Neither this environment's packages nor a setting nor a network are at hand."""
    handlers = [Project.read().entry(name)[0] for name in FUNCTIONS]
    script = f"""
import sys
sys.path[:0] = [{str(build.directory / FUNCTIONS[0])!r}, {str(build.layer / "python")!r}]
sys.dont_write_bytecode = True
import importlib
for name in {handlers!r}:
    assert callable(importlib.import_module(name).handler)
print(len(sys.modules))
"""
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_it_deploys_and_answers_from_what_was_built(build: Build, stack: Stack) -> None:
    """A second stack beside the first one, by `sam deploy`, on the same local cloud."""
    others = ("EventBusName=by-sam", "DatasetGroupName=by-sam", "SenderDomain=sam.example", "ScheduleState=DISABLED")
    done = sam(
        "deploy",
        *("--template-file", str(build.template), "--stack-name", STACK),
        *("--parameter-overrides", *PARAMETERS, *others),
        AWS_ENDPOINT_URL=stack.endpoint,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    try:
        described = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert {one["OutputKey"] for one in described["Outputs"]} == set(Project.read().template["Outputs"])
        resource = stack.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId="PutStudentFunction"
        )["StackResourceDetail"]
        answer = stack.client("lambda").invoke(
            FunctionName=resource["PhysicalResourceId"], Payload=(ROOT / "events" / "put_student.json").read_bytes()
        )
        assert json.loads(answer["Payload"].read())["statusCode"] == 200
    finally:
        gone = sam(
            "delete",
            "--stack-name",
            STACK,
            "--no-prompts",
            "--region",
            "ap-southeast-1",
            AWS_ENDPOINT_URL=stack.endpoint,
        )
    assert gone.returncode == 0, gone.stdout[-2000:] + gone.stderr[-2000:]
