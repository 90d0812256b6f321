"""The static gate: `python -m tests.static`. One line a tool, what it found below it, exit code 1 if anything."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TextIO

from tests.contract.checks import CHECKS
from tests.contract.project import ROOT, Project
from tests.static import asl
from tests.static.translation import REGION, TranslationError, translate

# The translator puts parameters' values into the API's CORS, so that the parameter looks unused afterwards.
IGNORED_AFTER_TRANSLATION = {"W2001"}
SHOWN = 12


def run(*command: str) -> list[str]:
    """Output lines of a tool that found something, [] where it is content."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines() if done.returncode else []


@cache
def project() -> Project:
    """The project on disk."""
    return Project.read()


def lint_raw() -> list[str]:
    """cfn-lint on the template as written."""
    from cfnlint.api import lint_file

    found = lint_file(ROOT / "template.yaml", config={"regions": [REGION]})
    return [f"{match.rule.id} line {match.linenumber}: {match.message}" for match in found]


def lint_translated() -> list[str]:
    """cfn-lint on what CloudFormation will get: bad references, runtimes and IAM actions show only here."""
    from cfnlint.api import lint

    try:
        translated = translate(project().template, project().definitions)
    except TranslationError as error:
        return str(error).splitlines()
    matches = lint(json.dumps(translated, default=str), regions=[REGION])
    return [
        f"{match.rule.id} {'/'.join(str(part) for part in match.path or [])}: {match.message}"
        for match in matches
        if match.rule.id not in IGNORED_AFTER_TRANSLATION
    ]


def lint_states() -> list[str]:
    """statelint: states nobody reaches, a Next to nothing, unknown fields."""
    from statelint.config import Config
    from statelint.linter import Linter
    from statelint.problem import ProblemType

    # It wants BackoffRate 2 written as 2.0, and does not know `${…}` in a Resource.
    config = Config([ProblemType.FLOAT, ProblemType.URI])
    return [
        f"{uri}: {problem}"
        for uri, definition in project().definitions.items()
        for problem in Linter.validate(definition, config)
    ]


def check_tasks() -> list[str]:
    """Our check of a state machine's tasks against botocore's models."""
    found = project().definitions.items()
    return [f"{uri}{problem}" for uri, definition in found for problem in asl.task_problems(definition)]


def check_contracts() -> list[str]:
    """Every contract of tests/contract: schedules, zones, patterns, names, permissions, layering."""
    return [f"{name}: {finding}" for name, check in CHECKS.items() for finding in check(project())]


GATES: Sequence[tuple[str, Callable[[], list[str]]]] = (
    ("ruff check", lambda: run("ruff", "check", "--output-format", "concise", ".")),
    ("ruff format", lambda: run("ruff", "format", "--check", "--output-format", "concise", ".")),
    ("mypy --strict", lambda: run("mypy")),
    ("cfn-lint, template", lint_raw),
    ("cfn-lint, translated", lint_translated),
    ("statelint", lint_states),
    ("tasks against botocore", check_tasks),
    (f"{len(CHECKS)} contracts", check_contracts),
)


def main(out: TextIO = sys.stdout) -> int:
    """Run every gate; the number of those that found something."""
    width = min(shutil.get_terminal_size((160, 24)).columns, 160)
    failed = 0
    for name, gate in GATES:
        start = time.monotonic()
        findings = gate()
        failed += bool(findings)
        verdict = f"{len(findings)} lines" if findings else "ok"
        print(f"{name:<24} {verdict:<10} {time.monotonic() - start:5.1f} s", file=out, flush=True)
        for finding in findings[:SHOWN]:
            print(f"  {finding[: width - 2]}", file=out)
        if len(findings) > SHOWN:
            print(f"  … and {len(findings) - SHOWN} more", file=out)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
