"""Campaign, last good answer, popular items: a student always gets an answer, and it says where it comes from."""

from collections.abc import Collection, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from campus.observability import logger, metrics
from campus.settings import settings
from ranking import campaign, last_good, popularity
from ranking.answer import Answer
from ranking.campaign import CampaignUnavailableError


def recommend(student_id: str, enrolled: Collection[str], count: int, item_type: str | None) -> Answer:
    """At most `count` items for a student, never a class of `enrolled`, on whichever rung.

    Args:
        student_id: whom for.
        enrolled: the student's classes. Personalize's filter forgets older enrolments, so they are removed here, and
            as many more items are asked for.
        count: 1 to 100.
        item_type: course, document or quiz, or None for every type.
    """
    try:
        answer = campaign.recommend(student_id, count + len(enrolled), item_type)
    except CampaignUnavailableError as error:
        _note(error)
    else:
        _remember(student_id, item_type, answer)
        if (best := answer.without(enrolled).first(count)).items:
            return best
    if (last := _recall(student_id, item_type)) and (best := last.without(enrolled).first(count)).items:
        return best
    return popularity.popular(enrolled, count, item_type)


def rank(student_id: str, item_ids: Sequence[str]) -> Answer:
    """The given items, the likeliest for this student first."""
    if settings.enable_reranking == "true":
        try:
            return campaign.rank(student_id, item_ids)
        except CampaignUnavailableError as error:
            _note(error)
    return popularity.by_popularity(item_ids)


def _note(error: CampaignUnavailableError) -> None:
    logger().warning("no answer from the campaign", reason=str(error))
    if error.is_outage:
        metrics().add_metric("RankingFallback", "Count", 1)
        metrics().flush_metrics()


def _remember(student_id: str, item_type: str | None, answer: Answer) -> None:
    """A good answer is not spoilt by a table that could not take it."""
    try:
        last_good.remember(student_id, item_type, answer)
    except (ClientError, BotoCoreError) as error:
        logger().warning("the answer was not kept", reason=type(error).__name__)


def _recall(student_id: str, item_type: str | None) -> Answer | None:
    """None also where the table is away: popular items come from another one."""
    try:
        return last_good.recall(student_id, item_type)
    except (ClientError, BotoCoreError) as error:
        logger().warning("the last answer was not read", reason=type(error).__name__)
        return None
