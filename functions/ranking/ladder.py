"""Campaign, last good answer, popular items: a student always gets an answer, and it says where it comes from."""

from collections.abc import Collection, Sequence

from campus.observability import logger, metrics
from campus.settings import settings
from ranking import campaign, last_good, popularity
from ranking.answer import Answer
from ranking.campaign import CampaignUnavailableError
from ranking.optional import or_else


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
        # A good answer is not spoilt by a table that could not take it.
        or_else(None, lambda: last_good.remember(student_id, item_type, answer), "the answer to be kept")
        if (best := answer.without(enrolled).first(count)).items:
            return best
    # Popular items come from another table.
    last = or_else(None, lambda: last_good.recall(student_id, item_type), "the last answer")
    if last and (best := last.without(enrolled).first(count)).items:
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
