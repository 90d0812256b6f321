"""Publishing under faults: what was committed is on the bus and told once, and nothing else is."""

import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.faults.faults import (
    Harm,
    KillAfter,
    KillBefore,
    LoseAnswer,
    RefuseEntries,
    commits,
    every,
    publishes,
    share,
)
from tests.integration.faults.rig import Rig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the process to kill in /proc")


@pytest.mark.parametrize(
    ("name", "service", "harm"),
    [
        ("entries refused by the bus", "EVENTBRIDGE", lambda: RefuseEntries(share(0.3))),
        ("relay killed before the bus", "EVENTBRIDGE", lambda: KillBefore(publishes, every(3, at_most=3))),
        ("relay killed after the bus", "EVENTBRIDGE", lambda: KillAfter(publishes, every(3, at_most=3))),
        ("bus's answers lost", "EVENTBRIDGE", lambda: LoseAnswer(publishes, share(0.3))),
        ("publisher killed before commit", "DYNAMODB", lambda: KillBefore(commits, every(7, at_most=4))),
        ("publisher killed after commit", "DYNAMODB", lambda: KillAfter(commits, every(7, at_most=4))),
        ("commit's answers lost", "DYNAMODB", lambda: LoseAnswer(commits, share(0.3))),
    ],
)
def test_a_fault_between_the_request_and_the_bus(
    rig: Rig, name: str, service: str, harm: Callable[[], Harm | RefuseEntries]
) -> None:
    with rig.scenario(name, 30) as scenario, rig.proxies[service].faulty(fault := harm()):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda student: scenario.enrol_over_http(student, uuid.uuid4().hex), scenario.students))
        rig.wait_until_calm()
        scenario.faults = fault.done
        assert fault.done >= 2
