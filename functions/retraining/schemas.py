"""The three Avro schemas that Personalize checks our CSV against; column by column the same as `rows.COLUMNS`."""

import json
from collections.abc import Iterator
from typing import Any

_CATEGORY: dict[str, Any] = {"type": "string", "categorical": True}

_FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "interactions": {
        "USER_ID": {"type": "string"},
        "ITEM_ID": {"type": "string"},
        "EVENT_TYPE": {"type": "string"},
        "EVENT_VALUE": {"type": ["float", "null"]},
        "TIMESTAMP": {"type": "long"},
    },
    "items": {
        "ITEM_ID": {"type": "string"},
        "TYPE": _CATEGORY,
        "CLASS_ID": _CATEGORY,
        "CREATION_TIMESTAMP": {"type": "long"},
    },
    "users": {
        "USER_ID": {"type": "string"},
        "LOCALE": _CATEGORY,
    },
}


def schema(dataset: str) -> str:
    """The schema of `interactions`, `items` or `users` as JSON text; the same text every time."""
    return json.dumps(
        {
            "type": "record",
            "name": dataset.capitalize(),
            "namespace": "com.amazonaws.personalize.schema",
            "fields": [{"name": name, **kind} for name, kind in _FIELDS[dataset].items()],
            "version": "1.0",
        }
    )


def fields(text: str) -> dict[str, dict[str, Any]]:
    """The columns of a schema's text, each with its type and attributes; defaults that Personalize adds left out."""
    return {
        field["name"]: {key: value for key, value in field.items() if key != "name" and value is not False}
        for field in json.loads(text)["fields"]
    }


def obstacles(dataset: str, old: str, new: str) -> Iterator[str]:
    """Why UpdateDataset cannot lead from one schema to the other ("Replacing a dataset's schema…" in the guide)."""
    before, after = fields(old), fields(new)
    for name, kind in before.items():
        if name not in after:
            yield f"column {name} is no longer declared"
        elif after[name] != kind:
            yield f"column {name} is declared as {_shown(after[name])} and was {_shown(kind)}"
    for name in after.keys() - before.keys():
        if "null" not in after[name]["type"]:
            yield f"the new column {name} does not allow null"
    if dataset == "interactions":
        yield "the schema of an Interactions dataset is never replaced"


def _shown(kind: dict[str, Any]) -> str:
    return json.dumps(kind, sort_keys=True)
