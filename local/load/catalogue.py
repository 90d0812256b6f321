"""Which items there are, of what type, in which class: from an items file, from the tables, or from what happened."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.load.interactions_csv import Interaction, RejectedRowError, fields, header, identifier, lines, opened

ITEM_TYPES = ("course", "document", "quiz", "assignment")
# Where the stack keeps items that no class lists; there is no such class.
UNASSIGNED = "UNASSIGNED"
# Other words for the same things; an exam is handed in, so it is an assignment.
_SYNONYMS = {"exam": "assignment"}
_TYPE_OF_EVENT = {"submitAssignment": "assignment", "quiz": "quiz"}


@dataclass(frozen=True)
class Material:
    """An item of a class; `UNASSIGNED` stands for none. `created_at` is epoch seconds."""

    item_id: str
    type: str
    class_id: str
    title: str | None = None
    created_at: int | None = None


@dataclass
class Seen:
    """What the interactions say about one item: when it was first used, and for what."""

    first: int
    events: Counter[str] = field(default_factory=Counter)


@dataclass
class Survey:
    """What a first reading of a file finds: `rows` good ones, its `users`, and its `items` by id."""

    rows: int = 0
    users: set[str] = field(default_factory=set)
    items: dict[str, Seen] = field(default_factory=dict)

    @classmethod
    def of(cls, interactions: Iterable[Interaction]) -> "Survey":
        """Read everything once."""
        survey = cls()
        for row in interactions:
            survey.rows += 1
            survey.users.add(row.user_id)
            seen = survey.items.setdefault(row.item_id, Seen(row.occurred_at))
            seen.first = min(seen.first, row.occurred_at)
            seen.events[row.event_type] += 1
        return survey


def read_items(path: Path) -> tuple[dict[str, Material], Counter[str]]:
    """Items of a CSV file with header `ITEM_ID,TYPE,CLASS_ID[,TITLE]`, and reason → rows of what was left out.

    Raises:
        UnreadableFileError: no such file, or another header.
    """
    materials: dict[str, Material] = {}
    rejected: Counter[str] = Counter()
    with opened(path) as stream:
        places = header(next(lines(stream), b""), path, ("ITEM_ID", "TYPE", "CLASS_ID"), ("TITLE",))
        for line in lines(stream):
            try:
                material = _material(fields(line), places)
            except RejectedRowError as reason:
                rejected[str(reason)] += 1
            else:
                rejected["ITEM_ID repeated"] += material.item_id in materials
                materials.setdefault(material.item_id, material)
    return materials, +rejected


def resolve(
    survey: Survey,
    listed: Mapping[str, Material],
    known: Callable[[str], Material | None],
    class_exists: Callable[[str], bool],
) -> dict[str, Material]:
    """Every item of the items file and of the interactions, each with its type and class.

    The items file decides; then what the tables know already; then what happened: an item that somebody enrolled in
    is a course and its own class. Another one belongs to the class its id begins with (`DDD-TMA2` to `DDD`), or to
    `UNASSIGNED`.
    """
    items: dict[str, Material] = {}
    for item_id in dict.fromkeys([*listed, *survey.items]):
        seen = survey.items.get(item_id)
        material = listed.get(item_id) or known(item_id) or _guess(item_id, seen, survey, class_exists)
        items[item_id] = replace(material, created_at=seen.first) if seen else material
    return items


def _material(row: Sequence[str], places: Mapping[str, int]) -> Material:
    values = [value.strip() for value in row]
    if len(values) != len(places):
        raise RejectedRowError("wrong number of columns")
    kind = values[places["TYPE"]]
    kind = _SYNONYMS.get(kind, kind)
    if kind not in ITEM_TYPES:
        raise RejectedRowError("TYPE is none of course, document, quiz, assignment, exam")
    return Material(
        identifier(values[places["ITEM_ID"]], "ITEM_ID"),
        kind,
        identifier(values[places["CLASS_ID"]], "CLASS_ID"),
        (values[places["TITLE"]] or None) if "TITLE" in places else None,
    )


def _guess(item_id: str, seen: Seen | None, survey: Survey, class_exists: Callable[[str], bool]) -> Material:
    events = seen.events if seen else Counter[str]()
    if "enroll" in events:
        return Material(item_id, "course", item_id)
    kind = next((_TYPE_OF_EVENT[name] for name, _ in events.most_common() if name in _TYPE_OF_EVENT), "document")
    stems = [item_id[: match.start()] for match in re.finditer(r"[^A-Za-z0-9]", item_id)]
    for stem in reversed(stems):
        if (stem in survey.items and "enroll" in survey.items[stem].events) or class_exists(stem):
            return Material(item_id, kind, stem)
    return Material(item_id, kind, UNASSIGNED)
