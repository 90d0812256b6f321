"""The static gate: `python -m tests.static`. One line a tool, what it found below it, exit code 1 if anything."""

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.contract.checks import CHECKS
from tests.contract.checks.machine import machines
from tests.contract.project import ROOT, Project, referent
from tests.static import asl
from tests.static.gate import Gate, report
from tests.static.translation import REGION, TranslationError, translate

# The translator puts parameters' values into the API's CORS, so that the parameter looks unused afterwards.
IGNORED_AFTER_TRANSLATION = {"W2001"}


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


def deployed() -> dict[str, Any]:
    """Every definition with its substitutions made: parameters by default, functions by ARN, others by name."""
    found: dict[str, Any] = {}
    for _, properties, definition in machines(project()):
        given = properties.get("DefinitionSubstitutions", {})
        values = {name: _value(value) for name, value in given.items()}
        found[properties["DefinitionUri"]] = asl.substituted(definition, values)
    return found


def _value(value: object) -> str:
    if referent(value) in project().functions:
        return f"arn:aws:lambda:{REGION}:123456789012:function:{referent(value)}"
    default = project().default(value)
    return referent(value) if isinstance(default, dict) else str(default)


def lint_states() -> list[str]:
    """statelint: states nobody reaches, a Next to nothing, unknown fields."""
    from statelint.linter import Linter

    return [f"{uri}: {problem}" for uri, one in deployed().items() for problem in Linter.validate(_without_waits(one))]


def _without_waits(node: Any) -> Any:
    """Numbers for the JSONata of Wait states, which Step Functions takes and statelint does not know."""
    match node:
        case {"Type": "Wait", "Seconds": str(seconds), **rest} if seconds.startswith("{%"):
            return {"Type": "Wait", "Seconds": 1, **rest}
        case dict():
            return {key: _without_waits(value) for key, value in node.items()}
        case list():
            return [_without_waits(value) for value in node]
    return node


def check_states() -> list[str]:
    """Our checks of a state machine: tasks against botocore's models, expressions against JSONata's grammar."""
    return [
        f"{uri}{problem}"
        for uri, one in deployed().items()
        for problem in (*asl.task_problems(one), *asl.expression_problems(one))
    ]


def check_contracts() -> list[str]:
    """Every contract of tests/contract: schedules, zones, patterns, names, permissions, layering."""
    return [f"{name}: {finding}" for name, check in CHECKS.items() for finding in check(project())]


GATES: Sequence[Gate] = (
    ("ruff check", lambda: run("ruff", "check", "--output-format", "concise", ".")),
    ("ruff format", lambda: run("ruff", "format", "--check", "--output-format", "concise", ".")),
    ("mypy --strict", lambda: run("mypy")),
    ("cfn-lint, template", lint_raw),
    ("cfn-lint, translated", lint_translated),
    ("statelint", lint_states),
    ("tasks and expressions", check_states),
    (f"{len(CHECKS)} contracts", check_contracts),
)


if __name__ == "__main__":
    sys.exit(min(report(GATES), 1))
