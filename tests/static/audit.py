"""The audit: `python -m tests.static.audit` runs other people's scanners over the template and the repository.

They live in `.venv-audit` (`make audit`), as their requirements would not go together with ours. What they object to
and we accept stands here with its reason, and must still be objected to: an acceptance nobody needs is a finding.
A line that only looks like a secret is taken up by
`.venv-audit/bin/detect-secrets scan --exclude-files '<HASHES>' > .secrets.baseline`.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.contract.project import ROOT, Project
from tests.static.gate import report
from tests.static.translation import REGION, translate

TOOLS = ROOT / ".venv-audit" / "bin"
# Files that hold nothing but hashes.
HASHES = r"^requirements/.*\.txt$|^\.secrets\.baseline$"

CHECKOV_ACCEPTED: Mapping[str, str] = {
    "CKV_AWS_18": "server access logs of the lake need a second bucket; CloudTrail data events record who read what",
    "CKV_AWS_26": "CloudWatch cannot publish to a topic under the AWS-managed key; alarms carry no personal data",
    "CKV_AWS_27": "queues are encrypted by SSE-SQS (SqsManagedSseEnabled, held by a contract)",
    "CKV_AWS_115": "only the mailer's concurrency needs a bound, and has it at its event source",
    "CKV_AWS_116": "queues, rules and the schedule have dead-letter queues; a function behind them has nothing to add",
    "CKV_AWS_117": "no function talks to anything inside a VPC; Personalize cannot read a VPC-only bucket",
    "CKV_AWS_119": "encrypted with DynamoDB's own key; a customer key would be paid for at every row",
    "CKV_AWS_149": "a secret under the account's own key is read by one account, which is all that may",
    "CKV_AWS_158": "logs hold neither names nor addresses (held by a test), and are encrypted by the service",
    "CKV_AWS_173": "environment variables hold names of resources, no secret (held by a contract)",
    "CKV_AWS_195": "the crawler's logs hold the lake's keys; what it reads is encrypted in the bucket",
}
SERVERLESS_ACCEPTED: Mapping[str, str] = {
    "ES1001": "a source that is a queue has the queue's own dead letters; OnFailure is for streams",
    "ES6000": "dead-letter queues end there",
    "ES7000": "a lost alarm mail is seen at CloudWatch; SNS redelivers to an address by itself",
    "WS1004": "the rule does not see LoggingConfig: functions log to groups with a retention (held by a contract)",
    "W2001": "the translator puts the parameter's value into the API's CORS",
}


def checkov(template: Path, reads: Callable[..., str]) -> list[str]:
    """Findings of checkov beyond those accepted, and acceptances it does not ask for."""
    options = ("--framework", "cloudformation", "--quiet", "--compact", "--skip-download", "--output", "json")
    failed = json.loads(reads("checkov", "--file", str(template), *options))["results"]["failed_checks"]
    found = ((one["check_id"], f"{one['resource']}: {one['check_name']}") for one in failed)
    return beyond(found, CHECKOV_ACCEPTED)


def serverless(template: Path, reads: Callable[..., str]) -> list[str]:
    """Findings of AWS's serverless rules for cfn-lint beyond those accepted."""
    options = ("--append-rules", "cfn_lint_serverless.rules", "--format", "json", "--regions", REGION)
    found = ((one["Rule"]["Id"], one["Message"]) for one in json.loads(reads("cfn-lint", str(template), *options)))
    return beyond(found, SERVERLESS_ACCEPTED)


def beyond(found: Iterable[tuple[str, str]], accepted: Mapping[str, str]) -> list[str]:
    """What is found and not accepted, then what is accepted and not found.

    Args:
        found: pairs of rule and message.
        accepted: reasons by rule.
    """
    findings, met = [], set()
    for rule, message in found:
        met.add(rule)
        if rule not in accepted:
            findings.append(f"{rule} {message}")
    return findings + [f"{rule} is accepted, but nothing asks for it any more" for rule in accepted if rule not in met]


def secrets(reads: Callable[..., str], baseline: Path = ROOT / ".secrets.baseline") -> list[str]:
    """Lines that look like a secret and are not in the baseline of harmless ones, whichever line they moved to."""

    def known(results: Mapping[str, list[dict[str, str]]]) -> dict[tuple[str, str, str], str]:
        return {
            (file, one["type"], one["hashed_secret"]): f"{file}:{one['line_number']}: {one['type']}"
            for file, ones in results.items()
            for one in ones
        }

    harmless = known(json.loads(baseline.read_text())["results"])
    found = known(json.loads(reads("detect-secrets", "scan", "--exclude-files", HASHES))["results"])
    return [f"{line}; harmless? see tests/static/audit.py" for key, line in found.items() if key not in harmless]


def output(tool: str, *arguments: str) -> str:
    """Standard output of a tool of the audit, or of the machine; scanners say by exit code that they found something.

    Raises:
        RuntimeError: it did not run to its end.
    """
    path = TOOLS / tool
    command = [str(path) if path.exists() else tool, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout and done.returncode and done.stderr:
        raise RuntimeError(f"{tool}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def main() -> int:
    """Run every scanner; the number of those that found something."""
    project = Project.read()
    with tempfile.TemporaryDirectory() as directory:
        translated = Path(directory) / "translated.json"
        translated.write_text(json.dumps(translate(project.template, project.definitions), default=str))
        return report(
            (
                ("checkov", lambda: checkov(translated, output)),
                ("serverless rules", lambda: serverless(translated, output)),
                ("detect-secrets", lambda: secrets(output)),
            )
        )


if __name__ == "__main__":
    sys.exit(min(main(), 1))
