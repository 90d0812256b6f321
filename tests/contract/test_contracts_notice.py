"""Every contract is seen to fail: the project is broken in memory and the contract has to say so."""

import pytest

from tests.contract.breakages import BREAKAGES
from tests.contract.checks import CHECKS
from tests.contract.mutations import Mutation
from tests.contract.project import Project


@pytest.fixture(scope="session")
def project() -> Project:
    return Project.read()


@pytest.mark.parametrize("mutation", [pytest.param(one, id=f"{one.check}: {one.what}") for one in BREAKAGES])
def test_contract_notices(project: Project, mutation: Mutation) -> None:
    check = CHECKS[mutation.check]
    before = set(check(project))
    assert set(check(mutation.broken(project))) - before, f"{mutation.check} did not notice: {mutation.what}"


def test_every_contract_was_seen_to_fail() -> None:
    assert not set(CHECKS) - {mutation.check for mutation in BREAKAGES}
