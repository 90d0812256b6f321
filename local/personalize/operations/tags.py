"""Tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, ResourceNotFound, TooManyTagKeys, TooManyTags
from local.personalize.operations.registry import operation
from local.personalize.store import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

MAXIMUM = 50


def check(parameters: Mapping[str, Any]) -> None:
    """Refuse a request with tags that no resource may have.

    Raises:
        TooManyTags: More than 50.
        InvalidInput: A key or value with the prefix that is reserved for AWS.
    """
    if len(parameters.get("tags", ())) > MAXIMUM:
        raise TooManyTags(f"A resource can have at most {MAXIMUM} tags.")
    if any(text.startswith("aws:") for entry in parameters.get("tags", ()) for text in entry.values()):
        raise InvalidInput("Tag keys and values cannot start with aws:.")


@operation("TagResource")
def tag(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Add or replace tags."""
    resource = _taggable(account, parameters["resourceArn"])
    added = {entry["tagKey"]: entry["tagValue"] for entry in parameters["tags"]}
    if len({*resource.tags, *added}) > MAXIMUM:
        raise TooManyTags(f"A resource can have at most {MAXIMUM} tags.")
    resource.tags.update(added)
    account.store.save(resource)
    return {}


@operation("UntagResource")
def untag(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Remove tags; keys without a tag are ignored."""
    resource = _taggable(account, parameters["resourceArn"])
    if len(parameters["tagKeys"]) > MAXIMUM:
        raise TooManyTagKeys(f"At most {MAXIMUM} tag keys in one request.")
    for key in parameters["tagKeys"]:
        resource.tags.pop(key, None)
    account.store.save(resource)
    return {}


@operation("ListTagsForResource")
def list_tags(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """All tags of a resource."""
    tags = _taggable(account, parameters["resourceArn"]).tags
    return {"tags": [{"tagKey": key, "tagValue": value} for key, value in tags.items()]}


def _taggable(account: Account, arn: str) -> Resource:
    resource = account.store.get(arn)
    if resource is None or resource.kind is SCHEMA:
        raise ResourceNotFound(f"Could not find a taggable resource with Arn {arn}")
    return resource
