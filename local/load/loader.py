"""One load: survey the file, create what is missing, write what is new, count who did what."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.load import memberships, rows
from local.load.bulk import BATCH, Table, Wire, chunks, in_threads
from local.load.catalogue import UNASSIGNED, Material, Survey, read_items, resolve
from local.load.engagement import Engagement
from local.load.interactions_csv import Interaction, InteractionsFile

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Pair = tuple[str, str]
# Called with what is going on, how much of it is done, and how much there is.
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Tables:
    """Physical names."""

    students: str
    interactions: str
    class_activity: str


@dataclass
class Report:
    """What a load did.

    Attributes:
        interactions: rows written.
        known: good rows that were there already, or stand twice in the file.
        rejected: reason → rows left out.
        students, classes, items, memberships: rows created.
        seconds: how long it took.
    """

    interactions: int = 0
    known: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    students: int = 0
    classes: int = 0
    items: int = 0
    memberships: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**vars(self), "rejected": dict(self.rejected.most_common()), "seconds": round(self.seconds, 1)}


def load_file(
    client: "DynamoDBClient",
    tables: Tables,
    path: Path,
    items_path: Path | None = None,
    *,
    half_life_days: float,
    watch: Watch = lambda *_: None,
) -> Report:
    """Load a file of interactions, and the items it names.

    Args:
        client: a DynamoDB client with `total_max_attempts=1`.
        tables: where to.
        path: CSV, plain or gzipped; it is read twice.
        items_path: CSV with `ITEM_ID,TYPE,CLASS_ID[,TITLE]`.
        half_life_days: of the engagement score; that of the deployed stack.
        watch: told of the progress.

    Raises:
        UnreadableFileError: a file as a whole is no such CSV; nothing was written.
    """
    return _Load(client, tables, half_life_days, watch).run(path, items_path)


class _Load:
    """One load; what the tables held when it began decides what it has to ask them."""

    def __init__(self, client: "DynamoDBClient", tables: Tables, half_life_days: float, watch: Watch) -> None:
        self._client = client
        self._students = Table(client, tables.students, "studentId")
        self._interactions = Table(client, tables.interactions, "userId", "occurrence")
        self._activity = Table(client, tables.class_activity, "classId", "activity")
        self._half_life = half_life_days
        self._watch = watch

    def run(self, path: Path, items_path: Path | None) -> Report:
        began = time.monotonic()
        listed, bad_items = read_items(items_path) if items_path else ({}, Counter[str]())
        file = InteractionsFile(path)
        self._watch("reading", 0, 0)
        survey = Survey.of(file)
        report = Report(rejected=file.rejected + Counter({f"items file: {why}": n for why, n in bad_items.items()}))
        items = resolve(survey, listed, self._known_item, self._class_exists)
        self._create_people_and_items(survey, items, report)
        uses, engagement = self._write_interactions(file, survey.rows, items)
        report.interactions = uses.total()
        report.known = survey.rows - report.interactions
        self._write_memberships(engagement, report)
        self._count_uses(uses, items)
        report.seconds = time.monotonic() - began
        return report

    def _create_people_and_items(self, survey: Survey, items: dict[str, Material], report: Report) -> None:
        now = int(time.time())
        classes = {material.class_id for material in items.values()} - {UNASSIGNED}
        for class_id in classes - items.keys():
            items[class_id] = Material(class_id, "course", class_id)
        materials = [rows.material(material, now) for material in items.values()]
        named = [rows.school_class(class_id, items[class_id].title, now) for class_id in sorted(classes)]
        people = [rows.student(user, now) for user in sorted(survey.users)]
        report.items = _count_new(self._create("items", self._activity, materials))
        report.classes = _count_new(self._create("classes", self._activity, named))
        report.students = _count_new(self._create("students", self._students, people))

    def _create(
        self, what: str, table: Table, wires: Sequence[Wire], attributes: Sequence[str] = ()
    ) -> Iterator[Wire | None]:
        """`Table.create`, in threads."""
        done = 0
        for found in in_threads(lambda some: table.create(some, attributes), chunks(wires)):
            yield from found
            done += len(found)
            self._watch(what, done, len(wires))

    def _write_interactions(
        self, file: InteractionsFile, total: int, items: Mapping[str, Material]
    ) -> tuple[Counter[str], dict[Pair, Engagement]]:
        """Write what is new; answers item → new uses, and (class, student) → engagement by this file."""
        uses: Counter[str] = Counter()
        engagement: dict[Pair, Engagement] = {}
        done = 0
        work = in_threads(lambda some: self._write_some(some, items), chunks(self._once(file, items, engagement)))
        for written in work:
            uses.update(row.item_id for row in written)
            done = min(done + BATCH, total)
            self._watch("interactions", done, total)
        return uses, engagement

    def _once(
        self, file: InteractionsFile, items: Mapping[str, Material], engagement: dict[Pair, Engagement]
    ) -> Iterator[tuple[Interaction, str]]:
        """Each row of the file once, however often it stands there, counted into `engagement`."""
        seen: set[int] = set()  # half an id is enough to tell a hundred million rows apart
        for row in file:
            interaction_id = row.interaction_id
            digest = int(interaction_id[:16], 16)
            if digest in seen:
                continue
            seen.add(digest)
            own = engagement.setdefault((items[row.item_id].class_id, row.user_id), Engagement())
            own.add(row.event_type, row.occurred_at, interaction_id, self._half_life)
            yield row, interaction_id

    def _write_some(self, some: Sequence[tuple[Interaction, str]], items: Mapping[str, Material]) -> list[Interaction]:
        """Write those of the rows that are new, and answer them. A row that is there keeps its time of recording."""
        table = self._interactions
        wires = [rows.interaction(row, interaction_id, items[row.item_id].class_id) for row, interaction_id in some]
        known = {} if table.was_empty else table.rows(wires)
        new = [(row, wire) for (row, _), wire in zip(some, wires, strict=True) if table.key(wire) not in known]
        table.put([wire for _, wire in new], lambda wire: rows.recorded(wire, time.time_ns() // 1_000_000))
        return [row for row, _ in new]

    def _write_memberships(self, engagement: Mapping[Pair, Engagement], report: Report) -> None:
        pairs = sorted(engagement)
        wires = [rows.member(*pair, engagement[pair]) for pair in pairs]
        again: list[Pair] = []
        there = self._create("memberships", self._activity, wires, memberships.COUNTED)
        for pair, before in zip(pairs, there, strict=True):
            if before is None:
                report.memberships += engagement[pair].enrolled is not None
            elif not memberships.says(before, engagement[pair]):
                again.append(pair)
        for done, _ in enumerate(in_threads(self._recount, again), 1):
            self._watch("counting again", done, len(again))

    def _recount(self, pair: Pair) -> None:
        memberships.recount(self._client, self._activity.name, self._interactions.name, pair, self._half_life)

    def _count_uses(self, uses: Counter[str], items: Mapping[str, Material]) -> None:
        """Popularity is a ranking, not a ledger: as in the stack itself, a crash just here may miss some."""
        for item_id, count in uses.items():
            self._client.update_item(
                TableName=self._activity.name,
                Key=rows.material_key(items[item_id]),
                UpdateExpression="ADD score :count",
                ExpressionAttributeValues={":count": {"N": str(count)}},
            )

    def _known_item(self, item_id: str) -> Material | None:
        found = self._client.query(
            TableName=self._activity.name,
            IndexName="byMember",
            KeyConditionExpression="#member = :member",
            ExpressionAttributeNames={"#member": "member"},
            ExpressionAttributeValues={":member": {"S": f"ITEM#{item_id}"}},
        )["Items"]
        listed = sorted((row["classId"]["S"], row["type"]["S"]) for row in found)
        return next((Material(item_id, kind, home) for home, kind in listed if home != UNASSIGNED), None)

    def _class_exists(self, class_id: str) -> bool:
        key = {"classId": {"S": class_id}, "activity": {"S": "CLASS"}}
        return "Item" in self._client.get_item(TableName=self._activity.name, Key=key)


def _count_new(there: Iterator[Wire | None]) -> int:
    return sum(before is None for before in there)
