"""Publishing under faults: what was committed is on the bus and told once, and nothing else is."""

import json
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from boto3.dynamodb.conditions import Key

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
from tests.integration.faults.stores import messages
from tests.stack import eventually

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


def test_a_sweep_after_the_stream_has_given_up(rig: Rig) -> None:
    with rig.scenario("stream given up, swept", 5) as scenario:
        with rig.proxies["EVENTBRIDGE"].faulty(fault := KillBefore(publishes, share(1))):
            for student in scenario.students:
                scenario.enrol_over_http(student, uuid.uuid4().hex)
            given_up: dict[str, int] = {}

            def records() -> int:
                for _, _, body in messages(rig.stack, rig.queues["DeadLetters"], "dead letters", hidden=1):
                    batch = json.loads(body).get("DDBStreamBatchInfo")
                    given_up.update({batch["startSequenceNumber"]: batch["batchSize"]} if batch else {})
                return sum(given_up.values())

            eventually(records, lambda count: count == 5, pause=0.3)
        scenario.dead_letters["DeadLetters"] = len(given_up)
        scenario.faults = fault.done
        assert rig.pending() == 5
        operations = rig.tables["operations"]
        for row in operations.query(IndexName="byState", KeyConditionExpression=Key("state").eq("OUTBOX#PENDING"))[
            "Items"
        ]:
            # As old as the sweep wants it.
            past = {"UpdateExpression": "SET since = since - :age", "ExpressionAttributeValues": {":age": 61}}
            operations.update_item(Key={"pk": row["pk"], "sk": row["sk"]}, **past)
        functions = rig.stack.client("lambda")
        (relay,) = (
            one["FunctionName"]
            for one in functions.list_functions()["Functions"]
            if "RelayEvents" in one["FunctionName"]
        )
        answer = functions.invoke(FunctionName=relay, Payload=b'{"sweep": true}')
        assert json.load(answer["Payload"]) == {"relayed": 5, "pending": 0}
