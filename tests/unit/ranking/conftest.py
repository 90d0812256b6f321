"""A school in memory around every test, empty at its start."""

from collections.abc import Iterator

import pytest

from campus.breaker import breaker
from tests.unit.campus import school
from tests.unit.ranking.runtime import Runtime


@pytest.fixture(scope="module")
def _cloud() -> Iterator[None]:
    with school.in_memory():
        yield


@pytest.fixture(autouse=True)
def _school(_cloud: None) -> None:
    school.empty()
    breaker.cache_clear()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Personalize as the functions under test reach it."""
    stand_in = Runtime()
    monkeypatch.setattr("ranking.campaign.client", {"personalize-runtime": stand_in}.__getitem__)
    return stand_in
