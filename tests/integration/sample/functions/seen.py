"""Remembers what a function was given."""

import os
import uuid
from typing import Any

import boto3


def remember(kind: str, **attributes: Any) -> None:
    item = {"pk": f"SEEN#{kind}", "sk": uuid.uuid4().hex, **attributes}
    boto3.resource("dynamodb").Table(os.environ["SEEN_TABLE"]).put_item(Item=item)
