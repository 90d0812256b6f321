"""What somebody has looked at and signed: the tables that the template is held against, each line with its reason."""

from functools import cache
from pathlib import Path
from typing import Any

from tests.static.translation import read_template


@cache
def table(name: str) -> dict[str, Any]:
    """One of the files beside this one; it is written in the template's own language, `!Ref` and all."""
    return read_template(Path(__file__).with_name(f"{name}.yaml"))


def where(name: str) -> str:
    """The file as a reader would open it."""
    return f"tests/contract/reviewed/{name}.yaml"
