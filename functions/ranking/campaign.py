"""The first rung: the campaigns of Amazon Personalize, which know a student only by pseudonym."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from campus import tables
from campus.breaker import breaker
from campus.clients import client
from campus.pseudonyms import pseudonym
from campus.settings import settings
from ranking.answer import Answer, Scored
from ranking.deadline import within
from ranking.optional import or_else

Ask = Callable[[], Sequence[Mapping[str, Any]]]

# GetRecommendations and GetPersonalizedRanking: 500 items a call.
MAX_RESULTS = 500
# The client's timeouts begin anew with every packet, this does not.
PATIENCE_SECONDS = 1.1


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

    def prepare() -> Ask:
        user = _known(student_id)
        return lambda: (
            client("personalize-runtime")
            .get_recommendations(
                campaignArn=_arn("campaign", f"{group}-recommendation"),
                filterArn=_arn("filter", filter_name),
                userId=user,
                numResults=min(count, MAX_RESULTS),
            )
            .get("itemList", [])
        )

    return _answer(prepare, f"{group}-recommendation")


def rank(student_id: str, item_ids: Sequence[str]) -> Answer:
    """Ask the ranking campaign for the order of 1 to 500 given items; those it never saw come last.

    Raises:
        CampaignUnavailableError: no campaign, no answer in time, or none that can be used.
    """
    name = f"{settings.dataset_group}-ranking"

    def prepare() -> Ask:
        user = _known(student_id)
        return lambda: (
            client("personalize-runtime")
            .get_personalized_ranking(campaignArn=_arn("campaign", name), inputList=list(item_ids), userId=user)
            .get("personalizedRanking", [])
        )

    return _answer(prepare, name)


def _known(student_id: str) -> str:
    """The pseudonym, with a client made: a cold start's time is not the campaign's."""
    client("personalize-runtime")
    return pseudonym(student_id)


def _answer(prepare: Callable[[], Ask], name: str) -> Answer:
    circuit = breaker(name)
    if circuit.is_open:
        raise CampaignUnavailableError("CircuitOpen")
    try:
        items = _scored(within(PATIENCE_SECONDS, prepare()))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        # A refusal costs no timeout, and shows that somebody is there.
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            circuit.failed()
        else:
            circuit.answered()
        is_outage = code != "ResourceNotFoundException" or _should_serve(name)
        raise CampaignUnavailableError(code, is_outage=is_outage) from error
    # Besides the SDK's own errors those of reading an answer that is none: anything can come back from a broken proxy.
    except Exception as error:
        circuit.failed()
        raise CampaignUnavailableError(type(error).__name__) from error
    circuit.answered()
    if not items:
        raise CampaignUnavailableError("EmptyAnswer")
    return Answer(items, "campaign", _model_version(name))


def _scored(item_list: Sequence[Mapping[str, Any]]) -> list[Scored]:
    items = [Scored(str(item["itemId"]), float(item.get("score", 0.0))) for item in item_list]
    if not all(math.isfinite(item.score) for item in items):
        raise ValueError("a score is no number")
    return items


def _should_serve(name: str) -> bool:
    return _model_version(name) is not None and not _model_row("CAMPAIGNS").get("parked", False)


def _model_version(name: str) -> str | None:
    """The promoted version as the last retraining noted it."""
    version = _model_row(name).get("modelVersion")
    return None if version is None else str(version)


def _model_row(name: str) -> tables.Item:
    """{} also where the table is away: who answers matters more than the name of the model."""
    key = {"pk": "MODEL", "sk": name}
    return or_else({}, lambda: tables.operations().get_item(Key=key).get("Item", {}), "the model's row")


def _arn(kind: str, name: str) -> str:
    return f"{settings.personalize_prefix}{kind}/{name}"
