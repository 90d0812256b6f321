"""The layer carries exactly what was tested: the laptop's pins, all that is needed, nothing else."""

import re
from importlib.metadata import requires

from tests.contract.project import ROOT

ROOTS = {"aws-lambda-powertools", "boto3"}


def pins(path: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", (ROOT / path).read_text(), re.MULTILINE)
    return {name.lower(): version for name, version in found}


def needed(name: str) -> set[str]:
    """Names a distribution requires without its extras, and what those require."""
    plain = [line for line in requires(name) or [] if "extra ==" not in line]
    names = {re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in plain}
    return {name} | {deeper for one in names for deeper in needed(one)}


def test_the_layer_is_pinned_as_it_was_tested() -> None:
    layer, runtime = pins("layers/dependencies/requirements.txt"), pins("requirements/runtime.txt")
    assert layer == {name: runtime[name] for name in layer}


def test_the_layer_is_complete_and_no_more() -> None:
    assert set(pins("layers/dependencies/requirements.txt")) == {deeper for name in ROOTS for deeper in needed(name)}
