"""Every contract is seen to fail: the project is broken in memory and the contract has to say so."""

import functools
from collections.abc import Callable

import pytest

from tests.contract.breakages import BREAKAGES
from tests.contract.checks import CHECKS
from tests.contract.forms import lines
from tests.contract.mutations import Mutation
from tests.contract.project import Project
from tests.contract.reviewed import table


@pytest.fixture(scope="session")
def project() -> Project:
    return Project.read()


@pytest.fixture(scope="session")
def standing(project: Project) -> Callable[[str], set[str]]:
    """What a contract finds in the project as it is."""
    return functools.cache(lambda check: set(CHECKS[check](project)))


@pytest.mark.parametrize("mutation", [pytest.param(one, id=f"{one.check}: {one.what}") for one in BREAKAGES])
def test_contract_notices(project: Project, standing: Callable[[str], set[str]], mutation: Mutation) -> None:
    found = set(CHECKS[mutation.check](mutation.broken(project))) - standing(mutation.check)
    # A contract that stumbles is red, but says nothing of what it guards.
    said = [finding for finding in found if "cannot read" not in finding]
    assert said, f"{mutation.check} did not notice: {mutation.what} {found or ''}"


def test_every_contract_was_seen_to_fail() -> None:
    assert not set(CHECKS) - {mutation.check for mutation in BREAKAGES}


def test_every_line_of_a_form_names_a_contract_that_exists() -> None:
    """Where a form hands a property on, somebody takes it."""
    forms = {kind: form for kind, form in table("resources").items() if kind != "needed"}
    asked = {line["by"] for form in forms.values() for line in lines(form) if "by" in line}
    assert not asked - set(CHECKS)


def test_a_template_that_a_contract_cannot_read_is_a_finding(project: Project) -> None:
    twin = project.copied()
    twin.template["Resources"]["MailQueue"]["Properties"] = None
    (finding,) = CHECKS["queues_are_encrypted"](twin)
    assert "cannot read" in finding
