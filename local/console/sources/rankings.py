"""People, what they did, and what the API answers them."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from local.commands.options import CommandError
from local.console.sources.account import Account, Page, Row

_TITLES_SECONDS: Final = 300
_CLASSES: Final = 60


class Rankings:
    """Students and classes, histories, recommendations, class rankings."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def students(self, limit: int, more: str | None = None) -> Page:
        """The next students, in the table's order."""
        return self._account.scan("StudentsTable", limit, more)

    def student(self, student_id: str) -> Row | None:
        """A student's row."""
        return self._account.get("StudentsTable", {"studentId": student_id})

    def history(self, student_id: str, limit: int, more: str | None = None) -> Page:
        """A student's interactions, newest first."""
        conditions = {"userId": student_id}
        return self._account.query("InteractionsTable", limit, conditions, more=more, ScanIndexForward=False)

    def recommendations(self, student_id: str, kind: str | None = None) -> Mapping[str, Any]:
        """What GET /ranking answers; `{error}` where it refuses."""
        wanted = f"&type={kind}" if kind else ""
        return self._asked(f"/ranking/{quote(student_id, safe='')}?numResults=10{wanted}")

    def classes(self) -> list[Row]:
        """Some classes with the most activity: classId, title."""

        def read() -> list[Row]:
            rows = self._account.query(
                "ClassActivityTable", _CLASSES, {"board": "items#course"}, IndexName="byScore", ScanIndexForward=False
            ).rows
            return [{"classId": row["classId"], "title": row.get("title") or row["classId"]} for row in rows]

        return self._account.kept("classes", 10, read)

    def class_ranking(self, class_id: str) -> Mapping[str, Any]:
        """What GET /classes/{id}/ranking answers; `{error}` where it refuses."""
        return self._asked(f"/classes/{quote(class_id, safe='')}/ranking")

    def titles(self, item_ids: Iterable[object]) -> dict[str, str]:
        """Item → title and class, as far as a class has it; what is no item's id is left out."""
        keep, known = self._account.kept, {item for item in item_ids if isinstance(item, str)}
        return {item: keep(f"title {item}", _TITLES_SECONDS, partial(self._title, item)) for item in known}

    def _title(self, item_id: str) -> str:
        rows = self._account.query("ClassActivityTable", 1, {"member": f"ITEM#{item_id}"}, IndexName="byMember").rows
        if not rows:
            return item_id
        title = rows[0].get("title") or item_id
        return title if rows[0]["classId"] == item_id else f"{title} · {rows[0]['classId']}"

    def _asked(self, path: str) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._account.api("GET", path)
        except CommandError as error:
            return {"error": error.format_message()}
        return answer
