"""What a bulk load writes is what the stack itself writes for the same events."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from campus import clients, clock
from engagement import recording
from engagement.interaction import Interaction
from local.load import Tables, load_file
from local.load.interactions_csv import InteractionsFile
from local.term import simulate
from tests.unit.local.conftest import create_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TYPES = {"enroll": "course", "submitAssignment": "assignment"}
# When a row was written is no part of what it says.
STAMPS = {"recordedAt", "recordedDay"}


@pytest.fixture
def functions(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The functions at work on the tables."""
    for name, value in {
        "INTERACTIONS_TABLE": tables.interactions,
        "CLASS_ACTIVITY_TABLE": tables.class_activity,
        "OPERATIONS_TABLE": "OperationsTable",
        "HALF_LIFE_DAYS": "14",
        "POWERTOOLS_METRICS_NAMESPACE": "Nightclass",
        "POWERTOOLS_SERVICE_NAME": "nightclass",
    }.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    yield
    forget_clients()


def forget_clients() -> None:
    clients.forget()


def contents(client: "DynamoDBClient", table: str) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {}
    for item in client.scan(TableName=table)["Items"]:
        row = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
        key = tuple(str(row[name]) for name in ("userId", "occurrence", "classId", "activity") if name in row)
        found[key] = {
            name: round(float(value), 6) if name == "score" else value
            for name, value in row.items()
            if name not in STAMPS
        }
    return found


@pytest.mark.usefixtures("functions")
def test_a_load_writes_what_the_functions_write(
    dynamodb: "DynamoDBClient", tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    term = simulate(students=6)
    chosen = [one for one in term.happenings if one.event_type in TYPES]
    file = InteractionsFile(term.write_interactions(tmp_path / "interactions.csv", chosen))
    class_of = {one.item_id: one.class_id for one in chosen}
    for row in file:
        event = Interaction(
            row.interaction_id,
            row.user_id,
            row.item_id,
            TYPES[row.event_type],
            row.event_type,
            class_of[row.item_id],
            clock.iso(row.occurred_at),
            None if row.value is None else float(row.value),
        )
        assert recording.record(event)
    by_functions = contents(dynamodb, tables.interactions), contents(dynamodb, tables.class_activity)

    create_tables(dynamodb)
    load_file(dynamodb, tables, file.path, half_life_days=14.0)
    by_load = contents(dynamodb, tables.interactions), contents(dynamodb, tables.class_activity)

    assert len(by_load[0]) == len(chosen)
    assert by_load[0] == by_functions[0]
    # The functions also keep a row an event, the load one a student and class; and only a load makes a class, and lists
    # its materials by giving them a title.
    kept = {key: row for key, row in by_functions[1].items() if not key[1].startswith("ACTIVITY#")}
    assert all(("title" in row) == key[1].startswith(("ITEM#", "CLASS")) for key, row in by_load[1].items())
    untitled = {key: {name: row[name] for name in row if name != "title"} for key, row in by_load[1].items()}
    assert {key: row for key, row in untitled.items() if key[1] != "CLASS"} == kept


@pytest.mark.usefixtures("functions")
def test_a_loaded_row_is_stamped_as_the_functions_stamp_it(
    dynamodb: "DynamoDBClient", tables: Tables, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nsv1,toan-1,1700000000,enroll\n")
    before = clock.now_ms()
    load_file(dynamodb, tables, tmp_path / "one.csv", half_life_days=14.0)
    (item,) = dynamodb.scan(TableName=tables.interactions)["Items"]
    row = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    assert before <= row["recordedAt"] <= clock.now_ms()
    event = Interaction(row["interactionId"], "sv1", "toan-1", "course", "enroll", "toan-1", clock.iso(1700000000))
    assert row == event.row("toan-1", int(row["recordedAt"]))
