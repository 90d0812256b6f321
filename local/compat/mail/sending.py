"""SendEmail: refused, held back by the suppression list, or delivered; and what is reported of it."""

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from local.compat.mail import events
from local.compat.mail.account import ACCOUNT
from local.compat.mail.events import Outcome
from local.compat.mail.faults import FAULTS
from local.compat.mail.refusals import problem, recipients
from local.compat.mail.wire import Answer, answered, refused

_SEND_EMAIL = ("POST", "/outbound-emails")
_GET_ACCOUNT = ("GET", "/account")


def send_as_ses_does() -> None:
    """SendEmail refuses what SES refuses, counts against the account's limits, and is followed by events.

    AWS: BadRequestException for a bad mail, NotFoundException for an unknown configuration set, MessageRejected for
    identities that are not verified, LimitExceededException and TooManyRequestsException beyond quota and rate. Mail
    to a suppressed address is taken and not delivered.
    Emulator: knows the identities only; headers, tags and configuration set are dropped.
    """
    from ministack.services import ses_v2

    handle = ses_v2.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        call = (method, path.rstrip("/").removeprefix("/v2/email"))
        if call == _SEND_EMAIL:
            return await _send(
                json.loads(body), lambda mail: handle(method, path, headers, json.dumps(mail).encode(), query)
            )
        if answer := ACCOUNT.suppression.answer(*call, json.loads(body) if body else {}, query):
            return answer
        answer = await handle(method, path, headers, body, query)
        return answered(ACCOUNT.described(json.loads(answer[2]))) if call == _GET_ACCOUNT else answer

    ses_v2.handle_request = handle_request


async def _send(mail: dict[str, Any], deliver: Callable[[dict[str, Any]], Awaitable[Answer]]) -> Answer:
    to = recipients(mail)
    refusal = _refusal(mail, to) or await FAULTS.before_acceptance()
    refusal = refusal or ACCOUNT.take(len(to), sum(map(events.is_simulated, to)))
    if refusal:
        return refusal
    blocked = {address: events.suppression(address, mail.get("ConfigurationSetName")) for address in to}
    open_to = {kind: [one for one in some if not blocked[one]] for kind, some in mail["Destination"].items()}
    if any(open_to.values()):
        answer = await deliver({**mail, "Destination": open_to})
        if answer[0] != 200:
            return answer
    else:
        answer = answered({"MessageId": f"{uuid.uuid4()}@email.amazonses.com"})
    record = _record(mail, json.loads(answer[2])["MessageId"])
    events.publish(record, Outcome("SEND", to[0]))
    for address, suppressed in blocked.items():
        for outcome in [suppressed] if suppressed else events.arrival(address):
            events.publish(record, outcome)
    return FAULTS.after_acceptance(answer)


def _refusal(mail: dict[str, Any], to: list[str]) -> Answer | None:
    from ministack.services import ses, ses_v2

    configuration_set = mail.get("ConfigurationSetName")
    if configuration_set and configuration_set not in ses_v2._config_sets:
        return refused("NotFoundException", f"Configuration set <{configuration_set}> does not exist.", 404)
    if bad := problem(mail):
        return refused("BadRequestException", bad)
    if unverified := ses._message_rejection(mail.get("FromEmailAddress", ""), to):
        return refused("MessageRejected", unverified)
    return None


def _record(mail: dict[str, Any], message_id: str) -> dict[str, Any]:
    """What events say of a mail; the mailbox, where it is there, learns what the emulator did not keep."""
    from ministack.services import ses_v2

    simple = mail.get("Content", {}).get("Simple", {})
    kept = {
        "Headers": {header["Name"]: header["Value"] for header in simple.get("Headers", [])},
        "Tags": {tag["Name"]: tag["Value"] for tag in mail.get("EmailTags", [])},
        "ConfigurationSet": mail.get("ConfigurationSetName"),
        "Destination": recipients(mail),
    }
    inbox = ses_v2._sent_emails_list()
    if inbox and inbox[-1]["MessageId"] == message_id:
        inbox[-1].update(kept)
    return {
        "MessageId": message_id,
        "Source": mail.get("FromEmailAddress", ""),
        "To": mail["Destination"].get("ToAddresses", []),
        "Subject": simple.get("Subject", {}).get("Data", ""),
        "Timestamp": time.time(),
        **kept,
    }
