"""The three Avro schemas that Personalize checks our CSV against; column by column the same as `rows.COLUMNS`."""

import json
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
