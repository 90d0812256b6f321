"""What Personalize holds after imports and single records, by the words of its documentation.

FULL replaces what was imported in bulk, never what was put one by one; INCREMENTAL adds, equal ids replaced. Equal
interactions are kept once, as is an event id.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

Interaction = tuple[str, str, str, str, int]


@dataclass
class Holdings:
    """Rows by dataset."""

    bulk: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    put: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    events: dict[str, Interaction] = field(default_factory=dict)
    # Events received, repeated ones included.
    received: int = 0

    def import_job(self, request: Mapping[str, Any]) -> None:
        """A dataset import job, done at once."""
        dataset = request["datasetArn"].rpartition("/")[2].lower()
        rows = list(_rows(request["dataSource"]["dataLocation"]))
        if request["importMode"] == "FULL":
            self.bulk[dataset] = rows
            return
        assert dataset in self.bulk, "the first import must be FULL"
        self.bulk[dataset] = self.bulk[dataset] + rows
        for row in rows:
            self.put.get(dataset, {}).pop(row.get("USER_ID", row.get("ITEM_ID", "")), None)

    def single(self, path: str, request: Mapping[str, Any]) -> None:
        """PutEvents, PutUsers or PutItems."""
        dataset = path.removeprefix("/")
        entries = request["eventList"] if dataset == "events" else request[dataset]
        assert 1 <= len(entries) <= 10
        if dataset == "events":
            self.received += len(entries)
            for entry in entries:
                self.events.setdefault(entry["eventId"], _interaction(request["userId"], entry))
            return
        assert request["datasetArn"].endswith(f"/{dataset.upper()}")
        key = {"users": "userId", "items": "itemId"}[dataset]
        for entry in entries:
            properties = json.loads(entry["properties"])
            columns = {_snake(name): str(value) for name, value in properties.items()}
            self.put.setdefault(dataset, {})[entry[key]] = columns

    def interactions(self) -> set[Interaction]:
        """Every interaction that a training would see."""
        imported = {
            (row["USER_ID"], row["ITEM_ID"], row["EVENT_TYPE"], _number(row["EVENT_VALUE"]), int(row["TIMESTAMP"]))
            for row in self.bulk.get("interactions", [])
        }
        return imported | set(self.events.values())

    def records(self, dataset: str) -> dict[str, dict[str, str]]:
        """Every user or item by id."""
        key = {"users": "USER_ID", "items": "ITEM_ID"}[dataset]
        imported = {
            row[key]: {name: value for name, value in row.items() if name != key} for row in self.bulk.get(dataset, [])
        }
        return imported | self.put.get(dataset, {})


def _rows(location: str) -> Iterator[dict[str, str]]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    for found in boto3.resource("s3").Bucket(bucket).objects.filter(Prefix=prefix):
        yield from csv.DictReader(io.StringIO(found.get()["Body"].read().decode()))


def _interaction(user: str, event: Mapping[str, Any]) -> Interaction:
    return (user, event["itemId"], event["eventType"], _number(event.get("eventValue", "")), int(event["sentAt"]))


def _number(value: object) -> str:
    return "" if value == "" else f"{float(str(value)):g}"


def _snake(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name)
