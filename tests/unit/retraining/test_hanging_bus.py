"""EventBridge neither answers nor refuses while a run is being recorded."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from campus import bus, clients
from retraining import lease
from tests.unit.retraining import students
from tests.unit.retraining.machine import Machine, handler


def test_a_bus_that_hangs_leaves_the_recorder_time_to_end(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    students.term()
    waits: list[float] = []

    def evaluate(payload: dict[str, Any]) -> object:
        lease.request_another()
        return handler("evaluate_model")(payload)

    def hang(*_: object) -> None:
        config: Any = clients.client("events").meta.config
        waits.append((config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"])
        raise ReadTimeoutError(endpoint_url="https://events")

    machine.instead["evaluate_model"] = evaluate
    monkeypatch.setattr(bus, "publish", hang)
    assert machine.run({"trigger": "schedule"}).status == "SUCCEEDED"
    assert waits
    assert max(waits) < 15, "the function has thirty seconds for all it does"
