"""Bulk loading of interactions through boto3 alone: streaming, repeatable, the good rows of a bad file included."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.load import bulk, memberships, rows
from local.load.catalogue import Material, Survey, read_items, resolve
from local.load.engagement import Engagement
from local.load.interactions_csv import Interaction, InteractionsFile, UnreadableFileError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["Loader", "Report", "Tables", "UnreadableFileError"]

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


class Loader:
    """Loads CSV files into the tables of one stack.

    Args:
        client: a DynamoDB client with `total_max_attempts=1`.
        tables: where to.
        half_life_days: of the engagement score; that of the deployed stack.
        watch: told of the progress.
    """

    def __init__(
        self, client: "DynamoDBClient", tables: Tables, half_life_days: float, watch: Watch = lambda *_: None
    ) -> None:
        self._client = client
        self._tables = tables
        self._half_life = half_life_days
        self._watch = watch

    def load(self, path: Path, items_path: Path | None = None) -> Report:
        """Load a file of interactions, and the items it names.

        Args:
            path: CSV, plain or gzipped; it is read twice.
            items_path: CSV with `ITEM_ID,TYPE,CLASS_ID[,TITLE]`.

        Raises:
            UnreadableFileError: a file as a whole is no such CSV; nothing was written.
        """
        began = time.monotonic()
        report = Report()
        listed, bad_items = read_items(items_path) if items_path else ({}, Counter[str]())
        file = InteractionsFile(path)
        self._watch("reading", 0, 0)
        survey = Survey.of(file)
        report.rejected = file.rejected.copy() + Counter({f"items file: {why}": n for why, n in bad_items.items()})
        items = resolve(survey, listed, self._known_item, self._class_exists)
        self._create_people_and_items(survey, items, report)
        uses, engagement = self._write_interactions(file, survey.rows, items, report)
        self._write_memberships(engagement, report)
        self._count_uses(uses, items)
        report.seconds = time.monotonic() - began
        return report

    def _create_people_and_items(self, survey: Survey, items: dict[str, Material], report: Report) -> None:
        now = int(time.time())
        classes = {material.class_id for material in items.values() if material.class_id}
        for class_id in classes - items.keys():
            items[class_id] = Material(class_id, "course", class_id)
        report.items = self._insert(
            "items", self._tables.class_activity, [rows.material(m, now) for m in items.values()]
        )
        report.classes = self._insert(
            "classes",
            self._tables.class_activity,
            [rows.school_class(class_id, items[class_id].title, now) for class_id in sorted(classes)],
        )
        report.students = self._insert(
            "students", self._tables.students, [rows.student(user, now) for user in sorted(survey.users)]
        )

    def _insert(self, what: str, table: str, wires: Sequence[bulk.Wire]) -> int:
        return sum(created for _, created in self._inserted(what, table, wires))

    def _inserted(self, what: str, table: str, wires: Sequence[bulk.Wire]) -> Iterator[tuple[bulk.Wire, bool]]:
        """Each row, and whether it was created."""
        done = 0
        for some, created in bulk.in_threads(
            lambda some: (some, bulk.insert(self._client, table, some)), bulk.chunks(wires)
        ):
            yield from zip(some, created, strict=True)
            done += len(some)
            self._watch(what, done, len(wires))

    def _write_interactions(
        self, file: InteractionsFile, total: int, items: dict[str, Material], report: Report
    ) -> tuple[Counter[str], dict[tuple[str, str], Engagement]]:
        """Write what is new.

        Returns:
            Item → new uses; (class, student) → engagement by this file.
        """
        table = self._tables.interactions
        fresh = not self._client.scan(TableName=table, Limit=1, ProjectionExpression="userId")["Items"]
        uses: Counter[str] = Counter()
        engagement: dict[tuple[str, str], Engagement] = {}

        def write(some: list[tuple[Interaction, str]]) -> list[Interaction]:
            return self._write_some(some, items, fresh=fresh)

        done = 0
        for written in bulk.in_threads(write, bulk.chunks(self._once(file, items, engagement))):
            report.interactions += len(written)
            uses.update(row.item_id for row in written)
            done = min(done + bulk.BATCH, total)
            self._watch("interactions", done, total)
        report.known = total - report.interactions
        return uses, engagement

    def _once(
        self, file: InteractionsFile, items: Mapping[str, Material], engagement: dict[tuple[str, str], Engagement]
    ) -> Iterator[tuple[Interaction, str]]:
        """Each row of the file once, however often it stands there, counted into `engagement`."""
        seen: set[int] = set()  # half an id is enough to tell a hundred million rows apart
        for row in file:
            interaction_id = row.interaction_id
            digest = int(interaction_id[:16], 16)
            if digest in seen:
                continue
            seen.add(digest)
            if class_id := items[row.item_id].class_id:
                own = engagement.setdefault((class_id, row.user_id), Engagement())
                own.add(row.event_type, row.occurred_at, interaction_id, self._half_life)
            yield row, interaction_id

    def _write_some(
        self, some: Sequence[tuple[Interaction, str]], items: Mapping[str, Material], *, fresh: bool
    ) -> list[Interaction]:
        """Write those of the rows that are new, which all are where the table was empty; they are returned."""
        table = self._tables.interactions
        if not fresh:
            keys = [rows.interaction_key(row, interaction_id) for row, interaction_id in some]
            known = {row["interactionId"]["S"] for row in bulk.existing(self._client, table, keys, ["interactionId"])}
            some = [(row, interaction_id) for row, interaction_id in some if interaction_id not in known]
        wires = [rows.interaction(row, interaction_id, items[row.item_id].class_id) for row, interaction_id in some]
        bulk.put(self._client, table, wires, lambda wire: rows.recorded(wire, time.time_ns() // 1_000_000))
        return [row for row, _ in some]

    def _write_memberships(self, engagement: Mapping[tuple[str, str], Engagement], report: Report) -> None:
        pairs = sorted(engagement)
        wires = [rows.member(*pair, engagement[pair]) for pair in pairs]
        again = []
        for (_, created), pair in zip(
            self._inserted("memberships", self._tables.class_activity, wires), pairs, strict=True
        ):
            report.memberships += created and engagement[pair].enrolled is not None
            if not created:
                again.append(pair)
        for done, _ in enumerate(bulk.in_threads(self._recount, again), 1):
            self._watch("memberships counted again", done, len(again))

    def _recount(self, pair: tuple[str, str]) -> bool:
        tables = self._tables
        return memberships.recount(self._client, tables.class_activity, tables.interactions, pair, self._half_life)

    def _count_uses(self, uses: Counter[str], items: Mapping[str, Material]) -> None:
        """Popularity is a ranking, not a ledger: as in the stack itself, a crash just here may miss some."""
        for item_id, count in uses.items():
            self._client.update_item(
                TableName=self._tables.class_activity,
                Key=rows.material_key(items[item_id]),
                UpdateExpression="ADD score :count",
                ExpressionAttributeValues={":count": {"N": str(count)}},
            )

    def _known_item(self, item_id: str) -> Material | None:
        found = self._client.query(
            TableName=self._tables.class_activity,
            IndexName="byMember",
            KeyConditionExpression="#member = :member",
            ExpressionAttributeNames={"#member": "member"},
            ExpressionAttributeValues={":member": {"S": f"ITEM#{item_id}"}},
            Limit=1,
        )["Items"]
        if not found:
            return None
        kind, home = found[0]["type"]["S"], found[0]["classId"]["S"]
        return Material(item_id, kind, home if kind == "course" or home != item_id else None)

    def _class_exists(self, class_id: str) -> bool:
        key = {"classId": {"S": class_id}, "activity": {"S": "CLASS"}}
        return "Item" in self._client.get_item(TableName=self._tables.class_activity, Key=key)
