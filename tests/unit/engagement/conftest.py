"""Fixtures: a school with empty tables, at a fixed time."""

from collections.abc import Callable, Iterator

import pytest
from botocore.client import BaseClient
from moto import mock_aws

from campus import clients, clock
from campus.breaker import breaker
from engagement import live
from tests.unit.engagement.school import TABLES, School
from tests.unit.tables import create_tables


@pytest.fixture(scope="module", autouse=True)
def clients_of_this_module() -> Iterator[None]:
    """Clients are made for the environment they first meet; they take long to make, so a module shares them."""
    forget_clients()
    yield
    forget_clients()


def forget_clients() -> None:
    clients.forget()


@pytest.fixture
def open_school(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], School]]:
    """Opens schools, each with empty tables; the one opened last is at work."""
    for name, value in {
        "INTERACTIONS_TABLE": "Interactions",
        "CLASS_ACTIVITY_TABLE": "ClassActivity",
        "OPERATIONS_TABLE": "Operations",
        "HALF_LIFE_DAYS": "14",
        "POWERTOOLS_SERVICE_NAME": "nightclass",
        "POWERTOOLS_METRICS_NAMESPACE": "Nightclass",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(live, "pseudonym", lambda student: f"pseudonym-of-{student}")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with mock_aws():
        real = getattr(BaseClient, "_make_api_call")  # noqa: B009 - the stubs do not know it

        def fresh() -> School:
            monkeypatch.setattr(BaseClient, "_make_api_call", real)
            create_tables(TABLES)
            live._tracking_id.cache_clear()
            breaker.cache_clear()
            school = School(_real=real)
            monkeypatch.setattr(clock, "now", lambda: school.now)
            monkeypatch.setattr(clock, "now_ms", lambda: school.now * 1000 + 7)
            monkeypatch.setattr(BaseClient, "_make_api_call", lambda *arguments: school.call(*arguments))
            return school

        yield fresh


@pytest.fixture
def school(open_school: Callable[[], School]) -> School:
    return open_school()
