"""A secret key: read once, and not waited for twice where nobody answers."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from campus import breaker, keys
from campus.outages import is_outage


class Secrets:
    """Secrets Manager's one call; `misfortunes` come first."""

    def __init__(self) -> None:
        self.asked = 0
        self.misfortunes: list[Exception] = []

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        self.asked += 1
        if self.misfortunes:
            raise self.misfortunes.pop(0)
        return {"SecretString": f"secret of {SecretId}"}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Secrets]:
    made = Secrets()
    monkeypatch.setattr(keys, "client", lambda _: made)
    keys.forget()
    breaker.breaker.cache_clear()
    yield made
    keys.forget()
    breaker.breaker.cache_clear()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(breaker, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def pass_(seconds: float) -> None:
        now[0] += seconds

    return pass_


def refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetSecretValue")


def test_each_key_is_read_once(secrets: Secrets) -> None:
    assert [keys.key("a"), keys.key("a"), keys.key("b")] == [b"secret of a", b"secret of a", b"secret of b"]
    assert secrets.asked == 2


@pytest.mark.parametrize("outage", [ReadTimeoutError(endpoint_url="x"), refused("InternalServiceError", 503)])
def test_after_an_outage_nobody_asks_for_a_while(
    secrets: Secrets, later: Callable[[float], None], outage: Exception
) -> None:
    secrets.misfortunes = [outage]
    with pytest.raises(type(outage)):
        keys.key("a")
    with pytest.raises(keys.KeyAwayError) as away:
        keys.key("a")
    assert is_outage(away.value)
    assert secrets.asked == 1
    later(breaker.PAUSE_SECONDS + 1)
    assert keys.key("a") == b"secret of a"


def test_a_refusal_is_no_outage(secrets: Secrets, later: Callable[[float], None]) -> None:
    secrets.misfortunes = [refused("AccessDeniedException", 400)] * 2
    for _ in range(2):
        with pytest.raises(ClientError):
            keys.key("a")
    assert keys.key("a") == b"secret of a"
