"""The last rung: what is used most, first within the student's own classes, then everywhere."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from campus import tables
from ranking.answer import Answer, Scored

# Somebody else's assignments are no recommendation, however busy; those of one's own classes are.
ITEM_TYPES = ("course", "document", "quiz")
ALL_TYPES = (*ITEM_TYPES, "assignment")


def popular(enrolled: Collection[str], count: int, item_type: str | None) -> Answer:
    """The `count` most used items that are not a class the student is enrolled in.

    Args:
        enrolled: the student's classes; their materials come first.
        count: at most this many.
        item_type: course, document or quiz, or None for every type.

    Returns:
        An answer whose scores fall and sum to 1, unless nothing was ever used.
    """
    own = dict(_best_first(_of_classes(enrolled, item_type)))
    others = {
        item_id: uses
        for item_id, uses in _best_first(_everywhere(item_type, count + len(enrolled)))
        if item_id not in own
    }
    # Scores fall from the first item to the last: what is one's own counts as if it had all uses of the busiest other.
    lead = max(others.values(), default=0.0)
    ranked = [(item_id, uses + lead) for item_id, uses in own.items()] + list(others.items())
    chosen = [(item_id, uses) for item_id, uses in ranked if item_id not in enrolled][:count]
    return Answer(_shares(chosen), "popular")


def by_popularity(item_ids: Sequence[str]) -> Answer:
    """The given items, most used first; equals, and items nobody knows, keep the order they came in."""
    wanted = set(item_ids)
    uses: dict[str, float] = {}
    for kind in ALL_TYPES:
        for item_id, count in _board(kind):
            if item_id in wanted:
                uses[item_id] = max(count, uses.get(item_id, 0.0))
    order = sorted(item_ids, key=lambda item_id: -uses.get(item_id, 0.0))
    return Answer(_shares((item_id, uses.get(item_id, 0.0)) for item_id in order), "popular")


def _shares(uses: Iterable[tuple[str, float]]) -> list[Scored]:
    pairs = list(uses)
    total = sum(count for _, count in pairs) or 1.0
    return [Scored(item_id, count / total) for item_id, count in pairs]


def _of_classes(class_ids: Collection[str], item_type: str | None) -> Iterator[tuple[str, float]]:
    if item_type == "course":  # a class's only course is the class itself
        return
    for class_id in sorted(class_ids):
        pages = tables.pages(
            tables.class_activity(),
            "query",
            KeyConditionExpression="classId = :class AND begins_with(activity, :prefix)",
            ExpressionAttributeValues={":class": class_id, ":prefix": "ITEM#"},
        )
        yield from (
            (str(row["itemId"]), float(row.get("score", 0)))
            for page in pages
            for row in page
            # Any student can hand something in under any name; only what the class lists has a title.
            if item_type in (None, row.get("type")) and "title" in row
        )


def _best_first(uses: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Each item once, with the most uses it has anywhere; equals by id."""
    most: dict[str, float] = {}
    for item_id, count in uses:
        most[item_id] = max(count, most.get(item_id, 0.0))
    return sorted(most.items(), key=lambda pair: (-pair[1], pair[0]))


def _everywhere(item_type: str | None, count: int) -> Iterator[tuple[str, float]]:
    """The `count` most used items of the type, or of each type."""
    for kind in ITEM_TYPES if item_type is None else (item_type,):
        seen: set[str] = set()
        for item_id, uses in _board(kind):
            if len(seen) == count:
                break
            seen.add(item_id)
            yield item_id, uses


def _board(kind: str) -> Iterator[tuple[str, float]]:
    """Items of a type, most used first; one that several classes share appears once for each."""
    pages = tables.pages(
        tables.class_activity(),
        "query",
        IndexName="byScore",
        KeyConditionExpression="board = :board",
        ExpressionAttributeValues={":board": f"items#{kind}"},
        ProjectionExpression="itemId, score",
        ScanIndexForward=False,
    )
    for page in pages:
        yield from ((str(row["itemId"]), float(row["score"])) for row in page)
