"""Describe and List, the same for every kind: what they answer follows from the service model's shapes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape

from local.personalize.errors import InvalidNextToken
from local.personalize.operations.registry import operation
from local.personalize.store import KINDS, SOLUTION, SOLUTION_VERSION
from local.personalize.wire import operations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.personalize.account import Account
    from local.personalize.operations.registry import Operation
    from local.personalize.store import Kind

PAGE = 100
PAGING = frozenset({"nextToken", "maxResults"})


def page(
    entries: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], member: str, positions: Sequence[int]
) -> dict[str, Any]:
    """One page of a listing.

    The token holds the position of the next page's first entry, so that no entry is skipped when others are deleted
    meanwhile, and a digest of the request it belongs to.

    Raises:
        InvalidNextToken: The token is not one of this listing with these parameters.
    """
    request = {name: value for name, value in parameters.items() if name not in PAGING}
    digest = hashlib.sha256(json.dumps([member, request], sort_keys=True).encode()).hexdigest()[:16]
    begin = bisect_left(positions, _position(parameters["nextToken"], digest)) if parameters.get("nextToken") else 0
    end = begin + int(parameters.get("maxResults", PAGE))
    answer: dict[str, Any] = {member: entries[begin:end]}
    if end < len(entries):
        answer["nextToken"] = base64.urlsafe_b64encode(f"{digest}:{positions[end]}".encode()).decode()
    return answer


def _position(token: str, digest: str) -> int:
    try:
        owner, _, position = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if owner == digest:
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise InvalidNextToken("The value of nextToken is not valid for this listing.")


def _describe(kind: Kind) -> Operation:
    def describe(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
        resource = account.store.find(kind, parameters[kind.arn_member])
        record = dict(resource.record)
        if kind is SOLUTION:
            versions = account.store.select(SOLUTION_VERSION, solutionArn=resource.arn)
            if versions:
                record["latestSolutionVersion"] = versions[-1].record
        return {kind.member: record}

    return describe


def _list(kind: Kind, member: str) -> Operation:
    def listed(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
        wanted = {name: value for name, value in parameters.items() if name not in PAGING}
        if kind is SOLUTION_VERSION and "solutionArn" in wanted:
            account.store.find(SOLUTION, wanted["solutionArn"])
        resources = account.store.select(kind, **wanted)
        records = [resource.record for resource in resources]
        return page(records, parameters, member, [resource.position for resource in resources])

    return listed


for each in KINDS:
    operation(f"Describe{each.name}")(_describe(each))
    name = f"List{each.name}s"
    output = operations()[name].output_shape
    assert output is not None
    lists = [member for member, shape in output.members.items() if isinstance(shape, ListShape)]
    operation(name)(_list(each, lists[0]))
