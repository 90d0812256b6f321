"""The account's suppression list: addresses that bounced or complained, to which SES takes mail but delivers none."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from local.compat.mail.wire import Answer, answered, refused

REASONS = ["BOUNCE", "COMPLAINT"]
_PATH = "/suppression/addresses"
_PAGE = 1000


class SuppressionList:
    """Put-, Get-, Delete- and ListSuppressedDestination(s), PutAccountSuppressionAttributes.

    Emulator: knows no entry and answers success, an empty list or 404.
    """

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.reasons = REASONS
        """For which of them addresses are listed and kept from mail; accounts since 2019 start with both."""

    def why(self, address: str, reasons: list[str]) -> str | None:
        """Why SES does not deliver to the address: BOUNCE or COMPLAINT, where that is among the reasons that count."""
        reason = self.entries.get(as_listed(address), {}).get("Reason")
        return reason if reason in reasons else None

    def add(self, address: str, reason: str) -> None:
        """List the address, or list it anew."""
        key = as_listed(address)
        self.entries[key] = {"EmailAddress": key, "Reason": reason, "LastUpdateTime": time.time()}

    def answer(self, method: str, path: str, data: dict[str, Any], query: dict[str, Any]) -> Answer | None:
        """The answer to a call about the list; None for any other call."""
        match method, path:
            case "PUT", "/account/suppression":
                return self._configure(data.get("SuppressedReasons") or [])
            case "PUT", "/suppression/addresses":
                return self._put(data["EmailAddress"], str(data.get("Reason")))
            case "GET", "/suppression/addresses":
                return self._page(query)
            case (("GET" | "DELETE"), _) if path.startswith(f"{_PATH}/"):
                return self._one(method, as_listed(unquote(path.removeprefix(f"{_PATH}/"))))
        return None

    def _configure(self, reasons: list[str]) -> Answer:
        for reason in reasons:
            if reason not in REASONS:
                return _not_in_enum("suppressedReasons", reason)
        self.reasons = reasons
        return answered({})

    def _put(self, address: str, reason: str) -> Answer:
        if reason not in REASONS:
            return _not_in_enum("reason", reason)
        self.add(address, reason)
        return answered({})

    def _one(self, method: str, address: str) -> Answer:
        if address not in self.entries:
            return refused(
                "NotFoundException", f"Email address {address} does not exist on your suppression list.", 404
            )
        if method == "GET":
            return answered({"SuppressedDestination": self.entries[address]})
        del self.entries[address]
        return answered({})

    def _page(self, query: dict[str, Any]) -> Answer:
        from ministack.services import ses_v2

        def bound(name: str, default: float) -> float:
            given = ses_v2._first_query_value(query, name)
            return datetime.fromisoformat(given).timestamp() if given else default

        reasons = ses_v2._query_values(query, "Reason") or REASONS
        start, end = bound("StartDate", 0), bound("EndDate", float("inf"))
        entries = sorted(self.entries.values(), key=lambda entry: (entry["LastUpdateTime"], entry["EmailAddress"]))
        wanted = [one for one in entries if one["Reason"] in reasons and start <= one["LastUpdateTime"] <= end]
        page, token, problem = ses_v2._paginate(wanted, query, _PAGE, _PAGE)
        if problem:
            broken: Answer = problem
            return broken
        return answered({"SuppressedDestinationSummaries": page, **({"NextToken": token} if token else {})})


def as_listed(address: str) -> str:
    """The address as the list keeps it: SES folds the case of the domain, not of the local part."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _not_in_enum(field: str, value: str) -> Answer:
    return refused(
        "BadRequestException",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(REASONS)}]",
    )
