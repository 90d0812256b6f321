"""The first rung: the campaigns of Amazon Personalize, which know a student only by pseudonym."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from campus import tables
from campus.clients import client
from campus.pseudonyms import pseudonym
from campus.settings import settings
from ranking.answer import Answer, Scored
from ranking.breaker import breaker

# GetRecommendations and GetPersonalizedRanking: 500 items a call.
MAX_RESULTS = 500


class CampaignUnavailableError(Exception):
    """The campaign did not answer; its text is the reason, fit for a log.

    Attributes:
        is_outage: it should have; False before the first promotion and while it is parked.
    """

    def __init__(self, reason: str, *, is_outage: bool = True) -> None:
        super().__init__(reason)
        self.is_outage = is_outage


def recommend(student_id: str, count: int, item_type: str | None) -> Answer:
    """Ask the recommendation campaign.

    Args:
        student_id: our id; the campaign gets the pseudonym.
        count: at most this many items, 1 to 500.
        item_type: course, document or quiz, or None for every type.

    Raises:
        CampaignUnavailableError: no campaign, no answer in time, or none that can be used.
    """
    group = settings.dataset_group
    filter_name = f"{group}-only-{item_type}" if item_type else f"{group}-not-enrolled"

    def ask() -> Sequence[Mapping[str, Any]]:
        answer = client("personalize-runtime").get_recommendations(
            campaignArn=_arn("campaign", f"{group}-recommendation"),
            filterArn=_arn("filter", filter_name),
            userId=pseudonym(student_id),
            numResults=min(count, MAX_RESULTS),
        )
        return answer.get("itemList", [])

    return _answer(ask, f"{group}-recommendation")


def rank(student_id: str, item_ids: Sequence[str]) -> Answer:
    """Ask the ranking campaign for the order of 1 to 500 given items; those it never saw come last.

    Raises:
        CampaignUnavailableError: no campaign, no answer in time, or none that can be used.
    """
    name = f"{settings.dataset_group}-ranking"

    def ask() -> Sequence[Mapping[str, Any]]:
        answer = client("personalize-runtime").get_personalized_ranking(
            campaignArn=_arn("campaign", name), inputList=list(item_ids), userId=pseudonym(student_id)
        )
        return answer.get("personalizedRanking", [])

    return _answer(ask, name)


def _answer(ask: Callable[[], Sequence[Mapping[str, Any]]], name: str) -> Answer:
    circuit = breaker(name)
    if circuit.is_open:
        raise CampaignUnavailableError("CircuitOpen")
    try:
        items = [Scored(str(item["itemId"]), float(item.get("score", 0.0))) for item in ask() if "itemId" in item]
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        # A refusal costs no timeout, and shows that somebody is there.
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            circuit.failed()
        else:
            circuit.answered()
        is_outage = code != "ResourceNotFoundException" or _should_serve(name)
        raise CampaignUnavailableError(code, is_outage=is_outage) from error
    except (BotoCoreError, ResponseParserError) as error:
        circuit.failed()
        raise CampaignUnavailableError(type(error).__name__) from error
    circuit.answered()
    if not items:
        raise CampaignUnavailableError("EmptyAnswer")
    return Answer(items, "campaign", _model_version(name))


def _should_serve(name: str) -> bool:
    return _model_version(name) is not None and not _model_row("CAMPAIGNS").get("parked", False)


def _model_version(name: str) -> str | None:
    """The promoted version as the last retraining noted it."""
    version = _model_row(name).get("modelVersion")
    return None if version is None else str(version)


def _model_row(name: str) -> tables.Item:
    return tables.operations().get_item(Key={"pk": "MODEL", "sk": name}).get("Item", {})


def _arn(kind: str, name: str) -> str:
    return f"{settings.personalize_prefix}{kind}/{name}"
