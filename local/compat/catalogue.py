"""Glue's data catalogue."""

import re
from typing import Any

_LOCATION = re.compile(r"s3://([^/]+)/(.*?)/*$")


def add_partitions_when_crawled() -> None:
    """A crawler with catalogue targets adds a partition for every folder that Glue does not know.

    AWS: under the table's location it reads folders named `key=value`, in the order of the partition keys, and adds
    them with the table's columns and format; partitions whose folder is gone stay (DeleteBehavior LOG, the only one
    that catalogue targets take).
    Emulator: changes the crawler's state and looks at nothing.
    """
    from ministack.services import glue

    start = glue._start_crawler

    def start_crawler(data: dict[str, Any]) -> Any:  # noqa: ANN401 - an HTTP answer
        answer = start(data)
        if answer[0] == 200:
            for target in glue._crawlers[data["Name"]]["Targets"].get("CatalogTargets", []):
                for name in target["Tables"]:
                    _catalogue(target["DatabaseName"], name)
        return answer

    glue._start_crawler = start_crawler


def _catalogue(database: str, name: str) -> None:
    from ministack.services import glue

    table = glue._tables.get(f"{database}/{name}")
    if not table:
        return
    storage = table["StorageDescriptor"]
    keys = [key["Name"] for key in table.get("PartitionKeys", [])]
    found = _LOCATION.fullmatch(storage["Location"])
    if not keys or not found:
        return
    partitions = [
        {"Values": values, "StorageDescriptor": {**storage, "Location": f"s3://{found[1]}/{folder}"}}
        for folder, values in sorted(_folders(found[1], f"{found[2]}/", keys).items())
    ]
    # It refuses those it knows, one by one.
    glue._batch_create_partition({"DatabaseName": database, "TableName": name, "PartitionInputList": partitions})


def _folders(bucket: str, prefix: str, keys: list[str]) -> dict[str, list[str]]:
    """Folders under a location that are named after the partition keys, and their values."""
    from ministack.services import s3

    pattern = re.compile(re.escape(prefix) + "".join(f"{re.escape(key)}=([^/]+)/" for key in keys))
    objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
    return {match[0]: list(match.groups()) for key in list(objects) if (match := pattern.match(key))}
