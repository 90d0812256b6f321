"""The mailbox: what SES accepted, each mail with its row of the ledger and the event behind it."""

from collections.abc import Sequence
from typing import Any

from local.commands.provenance import traced
from local.commands.reading import mail_of
from local.console.sources.account import Account, Page, Row, place


class Mails:
    """Mails, newest first."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def latest(self, limit: int, to: str | None = None, more: str | None = None) -> Page:
        """A page of mails with the status of their ledger rows."""
        asked: Row = {"limit": limit, "to": to, "before": place(more)}
        answer = self._account.door("mails", asked)
        return Page(self._mails(answer["mails"]), answer["more"] and str(answer["more"]))

    def one(self, message_id: str) -> Row | None:
        """A mail with `ledger`, its whole row, and `event`, what caused it; None where there is none."""
        found = self._mails(self._account.door("mails", {"messageId": message_id})["mails"])
        if not found:
            return None
        mail = found[0]
        key = f"MAIL#{mail['ledgerId']}"
        return {**mail, "ledger": self._account.get("OperationsTable", {"pk": key, "sk": "MAIL"})}

    def caused_by(self, event_id: str, since: float, limit: int = 8, read: int = 200) -> Sequence[Row]:
        """The first mails of an event, among the latest `read` ones."""
        records = [
            record
            for record in self._account.door("mails", {"limit": read})["mails"]
            if record["Timestamp"] >= since - 1
        ]
        return [mail for mail in reversed(self._mails(records)) if mail["eventId"] == event_id][:limit]

    def _mails(self, records: Sequence[Row]) -> list[dict[str, Any]]:
        mails = [
            {
                **mail_of(record, self._account.instance.endpoint),
                "messageId": record["MessageId"],
                "from": record["Source"],
            }
            for record in records
        ]
        return list(traced(self._account.instance, mails))
