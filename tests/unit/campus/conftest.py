"""A school in memory around every test, empty at its start."""

from collections.abc import Iterator

import pytest

from tests.unit.campus import school


@pytest.fixture(scope="module")
def _cloud() -> Iterator[None]:
    with school.in_memory():
        yield


@pytest.fixture(autouse=True)
def _school(_cloud: None) -> None:
    school.empty()
