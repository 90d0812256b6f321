"""A door for tests: other limits, events on demand, faults. Closed unless SES_ALLOW_FAULTS=1 is in the environment.

- `PUT /_ses/account {"Max24HourSend": 5, "MaxSendRate": 1000, "ProductionAccessEnabled": false}`; null is the default
- `POST /_ses/events {"type": "BOUNCE", "messageId": "…", "detail": {"bounceType": "Transient"}}`; or, for each mail
  with these tags, `{"type": "COMPLAINT", "tags": {"ledger-id": "…"}}`
- `POST /_ses/faults` with one rule of `faults` or a list, `DELETE /_ses/faults`
"""

import json
import os
from dataclasses import replace
from typing import Any

from local.compat.mail import events
from local.compat.mail.account import ACCOUNT
from local.compat.mail.events import NAMES, Outcome
from local.compat.mail.faults import FAULTS
from local.compat.mail.wire import Answer, answered, refused

VARIABLE = "SES_ALLOW_FAULTS"
_LIMITS = {"Max24HourSend": "per_day", "MaxSendRate": "per_second"}


def open_side_door() -> None:
    """Answer under `/_ses/`, where tests asked for it.

    AWS: has quotas to wait for, receivers that bounce, and bad days.
    Emulator: has none of them.
    """
    import ministack.app

    if os.environ.get(VARIABLE) != "1":
        return
    handle = ministack.app._handle_ses_v2_request

    async def handle_request(
        method: str,
        path: str,
        headers: Any,  # noqa: ANN401
        body: bytes,
        query: Any,  # noqa: ANN401
        request_id: str,
    ) -> Any:  # noqa: ANN401
        if not path.startswith("/_ses/"):
            return await handle(method, path, headers, body, query, request_id)
        try:
            return _answer(method, path, json.loads(body or b"{}"))
        except (ValueError, TypeError, KeyError) as error:
            return refused("BadRequestException", f"{type(error).__name__}: {error}")

    ministack.app._handle_ses_v2_request = handle_request


def _answer(method: str, path: str, data: Any) -> Answer:  # noqa: ANN401 - JSON
    match method, path:
        case "PUT", "/_ses/account":
            _configure(data)
            return answered(ACCOUNT.described({}))
        case "POST", "/_ses/events":
            return answered({"mails": _report(data)})
        case "POST", "/_ses/faults":
            for fields in data if isinstance(data, list) else [data]:
                FAULTS.add(fields)
            return answered({})
        case "DELETE", "/_ses/faults":
            FAULTS.clear()
            return answered({})
    return refused("NotFoundException", f"{method} {path} is not at this door.", 404)


def _configure(data: dict[str, Any]) -> None:
    from ministack.services import ses

    if unknown := data.keys() - _LIMITS.keys() - {"ProductionAccessEnabled"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if "ProductionAccessEnabled" in data:
        details = dict(ses._account_details.get("account") or {})
        details["ProductionAccessEnabled"] = data["ProductionAccessEnabled"]
        if data["ProductionAccessEnabled"] is None:
            # The emulator has its default only where nothing is on record.
            del details["ProductionAccessEnabled"]
        ses._account_details["account"] = details
    if data.keys() & _LIMITS.keys():
        ACCOUNT.granted = None
        given = {_LIMITS[name]: float(data[name]) for name in data.keys() & _LIMITS.keys() if data[name] is not None}
        ACCOUNT.granted = replace(ACCOUNT.limits(), **given) if given else None


def _report(data: dict[str, Any]) -> int:
    """Send the event for each mail it is about; how many there were."""
    from ministack.services import ses_v2

    kind, detail = data["type"], data.get("detail", {})
    if kind not in NAMES:
        raise ValueError(f"type is one of {', '.join(NAMES)}")
    wanted: dict[str, str] = data.get("tags", {})
    found = [
        record
        for record in ses_v2._sent_emails_list()
        if data.get("messageId") in (None, record["MessageId"]) and wanted.items() <= record.get("Tags", {}).items()
    ]
    if not wanted and "messageId" not in data:
        raise ValueError("messageId or tags say which mail")
    for record in found:
        events.publish(record, Outcome(kind, record["Destination"][0], detail))
    return len(found)
