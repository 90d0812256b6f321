"""What a handler may load before its first call: each module below costs a cold start, and nothing needs it then."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"

# Why not. How many modules come along is a measure that every machine agrees on; a handler has about 140 in all.
HEAVY: Mapping[str, str] = {
    "boto3": "350 modules; clients come from campus.clients when first used",
    "botocore.session": "300 modules",
    "botocore.client": "the same by another door",
    "urllib3": "150 modules; botocore brings it with the first client",
    "ssl": "a native library; the same",
    "http.client": "the e-mail parser comes with it",
    "email": "only who builds a mail needs it, and SES builds ours",
    "importlib.metadata": "reads every distribution's metadata",
    "asyncio": "100 modules; nothing here waits for two things at once",
    "multiprocessing": "Lambda has no /dev/shm for it either",
    "unittest": "comes with careless imports of mocks",
    "sqlite3": "a native library",
    "xml.etree": "botocore's parsers bring it with the first client",
    "aws_xray_sdk": "the Tracer's: 30 MB and a second of cold start",
    "aws_lambda_powertools.event_handler": "routes are functions of their own here",
    "aws_lambda_powertools.logging": "comes with the first line that is logged",
    "aws_lambda_powertools.metrics": "comes with the first metric",
    "aws_lambda_powertools.utilities.batch": "comes with the first batch",
    "cryptography": "a native library that the layer does not hold; hmac and hashlib do what is needed",
    "pydantic": "a native library that the layer does not hold",
    "jsonschema": "campus.validation checks what is needed",
    "fastjsonschema": "the same",
    "jinja2": "mails are string.Template",
    "yaml": "definitions are read when the stack is built, not when it runs",
    "requests": "boto3 is the only client",
    "numpy": "models live in Personalize; the layer does not hold it",
    "scipy": "the same",
    "local": "the account one does not have; it never ships",
    "tests": "they never ship",
}
HANDLERS = re.findall(r"Handler: ([\w.]+)\.handler", (ROOT / "template.yaml").read_text())

# A fork an import, of an interpreter that has loaded next to nothing, is as fresh as a process, and faster.
_EACH_IN_A_FORK = """
import os, sys
for name in sys.argv[1:]:
    if not os.fork():
        __import__(name)
        os.write(1, " ".join([name, *sys.modules]).encode() + b"\\n")
        os._exit(0)
    if os.wait()[1]:
        sys.exit(name + " cannot be imported")
"""


def loaded(*modules: str, path: Path = FUNCTIONS) -> dict[str, set[str]]:
    """What is in `sys.modules` after the import of each of these modules, each alone."""
    environment = {"PYTHONPATH": str(path), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", _EACH_IN_A_FORK, *modules]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    return {name: set(names) for name, *names in lines}


@pytest.fixture(scope="module")
def after_import() -> dict[str, set[str]]:
    return loaded(*HANDLERS)


def test_every_handler_is_looked_at(after_import: dict[str, set[str]]) -> None:
    assert len(HANDLERS) > 30
    assert set(after_import) == set(HANDLERS)
    assert all(name in names for name, names in after_import.items())


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_nothing_heavy(handler: str, after_import: dict[str, set[str]]) -> None:
    found = {name: HEAVY[name] for name in sorted(HEAVY.keys() & after_import[handler])}
    assert not found


def test_no_interpreter_brings_what_is_forbidden() -> None:
    """Else a handler would be blamed for it; and whatever an import brings is seen."""
    assert not HEAVY.keys() & loaded("os")["os"]
    assert {"boto3", "botocore.session", "urllib3", "ssl"} <= loaded("boto3")["boto3"]


def test_a_heavy_import_below_a_handler_is_seen(tmp_path: Path) -> None:
    (tmp_path / "wing.py").write_text("from email.message import EmailMessage\n")
    (tmp_path / "verb.py").write_text("import wing\n")
    assert "email" in loaded("verb", path=tmp_path)["verb"]
