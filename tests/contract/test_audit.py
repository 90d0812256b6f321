"""What the audit makes of what the scanners say; the scanners themselves run under `make audit`."""

import json
import sys
from pathlib import Path

import pytest

from tests.static import audit
from tests.static.gate import report

TEMPLATE = Path("template.json")


def objections(*rules: str) -> str:
    return json.dumps([{"Rule": {"Id": rule}, "Message": f"about {rule}"} for rule in rules])


def test_only_what_is_accepted_passes() -> None:
    accepted = list(audit.SERVERLESS_ACCEPTED)
    assert audit.serverless(TEMPLATE, lambda *_: objections(*accepted)) == []
    assert audit.serverless(TEMPLATE, lambda *_: objections(*accepted, "WS1003")) == ["WS1003 about WS1003"]


def test_an_acceptance_nobody_asks_for_is_found() -> None:
    first, *others = audit.SERVERLESS_ACCEPTED
    (finding,) = audit.serverless(TEMPLATE, lambda *_: objections(*others))
    assert finding.startswith(f"{first} is accepted")


def test_checkov_names_the_resource() -> None:
    failed = [{"check_id": rule, "resource": "A", "check_name": "accepted"} for rule in audit.CHECKOV_ACCEPTED]
    failed.append({"check_id": "CKV_AWS_54", "resource": "AWS::S3::Bucket.Lake", "check_name": "block public policy"})
    said = json.dumps({"results": {"failed_checks": failed}})
    assert audit.checkov(TEMPLATE, lambda *_: said) == ["CKV_AWS_54 AWS::S3::Bucket.Lake: block public policy"]


def scan(*hashes: str) -> str:
    """What the search for secrets says of one file."""
    lines = [{"type": "Token", "line_number": at, "hashed_secret": one} for at, one in enumerate(hashes, 7)]
    return json.dumps({"results": {"local/x.py": lines}})


def test_a_secret_is_named_by_place_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "baseline").write_text(scan("harmless"))
    (finding,) = audit.secrets(lambda *_: scan("c0ffee", "harmless"), tmp_path / "baseline")
    assert finding.startswith("local/x.py:7: Token")
    assert "c0ffee" not in finding


def test_a_harmless_line_may_move_but_not_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "baseline").write_text(scan("other", "harmless"))
    assert audit.secrets(lambda *_: scan("harmless"), tmp_path / "baseline") == []
    elsewhere = scan("harmless").replace("x.py", "y.py")
    assert len(audit.secrets(lambda *_: elsewhere, tmp_path / "baseline")) == 1


def test_a_scanner_that_does_not_run_is_no_pass() -> None:
    with pytest.raises(RuntimeError, match="git: "):
        audit.output("git", "no-such-command")


def test_the_report_counts_gates_that_found_something(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([("one", list), ("two", lambda: ["line"] * 20)], out=sys.stdout) == 1
    assert "… and 8 more" in capsys.readouterr().out
