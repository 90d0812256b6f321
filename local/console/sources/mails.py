"""The mailbox: what SES accepted, each mail with its row of the ledger and the event behind it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from local.commands.provenance import traced
from local.commands.reading import mail_of
from local.console.sources.account import Account, Page, Row, place

_READ: Final = 1000


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
        """A mail with `ledger`, its whole row, `event`, what caused it, and `unsubscribe`; None where there is none.

        `unsubscribe` is the address that the mail's headers name, where that is one of our API.
        """
        found = self._mails(self._account.door("mails", {"messageId": message_id})["mails"])
        if not found:
            return None
        mail = found[0]
        key = f"MAIL#{mail['ledgerId']}"
        address = mail["headers"].get("List-Unsubscribe", "").strip("<>")
        return {
            **mail,
            "ledger": self._account.get("OperationsTable", {"pk": key, "sk": "MAIL"}),
            "unsubscribe": address if address.startswith(self._account.outputs["ApiUrl"].rstrip("/") + "/") else None,
        }

    def caused_by(self, event: Mapping[str, Any]) -> Sequence[Row]:
        """The mails of an event, first to last, among the `_READ` that were sent from its time on."""
        records = self._account.door("mails", {"since": event["since"] - 1, "limit": _READ})["mails"]
        return [mail for mail in self._mails(records) if mail["eventId"] == event["eventId"]]

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
