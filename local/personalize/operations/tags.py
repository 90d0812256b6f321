"""Tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import ResourceNotFound, TooManyTagKeys, TooManyTags
from local.personalize.operations.registry import operation
from local.personalize.store import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

MAXIMUM = 50


def check_count(parameters: Mapping[str, Any]) -> None:
    """Refuse a creation with more tags than a resource may have.

    Raises:
        TooManyTags: More than 50.
    """
    if len(parameters.get("tags", ())) > MAXIMUM:
        raise TooManyTags(f"A resource can have at most {MAXIMUM} tags.")


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
