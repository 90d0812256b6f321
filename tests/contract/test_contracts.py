"""Template, handlers, state machine, events, permissions, environment, fixtures and schedule agree."""

import pytest

from tests.contract.checks import CHECKS
from tests.contract.project import Project


@pytest.fixture(scope="session")
def project() -> Project:
    return Project.read()


@pytest.mark.parametrize("name", CHECKS)
def test_contract(project: Project, name: str) -> None:
    findings = CHECKS[name](project)
    assert not findings, "\n".join([CHECKS[name].__doc__ or name, *findings])
