"""A stand-in for Personalize's runtime: it answers what a test says, and notes what it was asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from campus.pseudonyms import pseudonym

PREFIX = "arn:aws:personalize:ap-southeast-1:000000000000:"


class Runtime:
    """`items` is what both campaigns answer, best first; `error`, where set, is raised instead."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.error: Exception | None = None
        self.asked: list[Mapping[str, Any]] = []

    def get_recommendations(self, **request: Any) -> Mapping[str, Any]:
        """As botocore's; honours numResults, and the filters by nothing but their name."""
        self._note(request)
        return {"itemList": scored(self.items[: request["numResults"]])}

    def get_personalized_ranking(self, **request: Any) -> Mapping[str, Any]:
        """As botocore's: known items in the campaign's order, unknown ones last and without a score."""
        self._note(request)
        known = [item for item in self.items if item in request["inputList"]]
        unknown = [{"itemId": item} for item in request["inputList"] if item not in self.items]
        return {"personalizedRanking": [*scored(known), *unknown]}

    def _note(self, request: Mapping[str, Any]) -> None:
        self.asked.append(request)
        if self.error:
            raise self.error

    @property
    def pseudonyms(self) -> set[str]:
        """Under which ids it was asked."""
        return {request["userId"] for request in self.asked}


def scored(item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Items with falling scores that sum to 1, as Personalize's do."""
    weights = [2.0**-n for n in range(len(item_ids))]
    return [{"itemId": item, "score": weight / sum(weights)} for item, weight in zip(item_ids, weights, strict=True)]


def refusal(code: str) -> ClientError:
    """What botocore raises for an error code."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecommendations")


def known_as(student_id: str) -> str:
    """The id under which Personalize knows a student."""
    return pseudonym(student_id)
