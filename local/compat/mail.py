"""SES: what SendEmail refuses, what the mailbox remembers, and the events that follow a mail."""

import json
import re
from datetime import UTC, datetime
from typing import Any

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LINE_BREAK = re.compile(r"[\r\n]")
# The mailbox simulator: these addresses of AWS answer as they are named.
_SIMULATOR = "@simulator.amazonses.com"


def send_as_ses_does() -> None:
    """SendEmail refuses what SES refuses, and the mail keeps its headers and tags.

    AWS: BadRequestException for line breaks in addresses or headers, for a local part that is not ASCII and for tags
    outside [A-Za-z0-9_-]; NotFoundException for an unknown configuration set.
    Emulator: answers 500, or sends; headers, tags and configuration set are dropped.
    """
    from ministack.services import ses_v2

    handle = ses_v2.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401
        if method != "POST" or not path.endswith("/outbound-emails"):
            return await handle(method, path, headers, body, query)
        mail = json.loads(body)
        configuration_set = mail.get("ConfigurationSetName")
        if configuration_set and configuration_set not in ses_v2._config_sets:
            return ses_v2._missing_config_set(configuration_set)
        if problem := _problem(mail):
            return ses_v2._json_err("BadRequestException", problem)
        answer = await handle(method, path, headers, body, query)
        if answer[0] == 200:
            record = ses_v2._sent_emails_list()[-1]
            declared = mail.get("Content", {}).get("Simple", {}).get("Headers", [])
            record["Headers"] = {header["Name"]: header["Value"] for header in declared}
            record["Tags"] = {tag["Name"]: tag["Value"] for tag in mail.get("EmailTags", [])}
            record["ConfigurationSet"] = configuration_set
            _publish_events(record)
        return answer

    ses_v2.handle_request = handle_request


def show_headers_and_tags() -> None:
    """The mailbox (`/_ministack/ses/messages`) shows what `send_as_ses_does` kept.

    AWS: has no mailbox.
    Emulator: shows a fixed choice of fields.
    """
    import ministack.app
    from ministack.services import ses

    show = ministack.app._handle_ses_messages_request

    async def handle(method: str, path: str, headers: Any, query: Any) -> Any:  # noqa: ANN401
        answer = await show(method, path, headers, query)
        if answer is None or answer[0] != 200:
            return answer
        status, answer_headers, body = answer
        document = json.loads(body)
        kept = {mail["MessageId"]: mail for mails in ses._sent_emails.all_values() for mail in mails}
        for mail in (mail for mails in document["messages"].values() for mail in mails):
            for name in ("Headers", "Tags", "ConfigurationSet"):
                mail[name] = kept[mail["MessageId"]].get(name)
        return status, answer_headers, json.dumps(document).encode()

    ministack.app._handle_ses_messages_request = handle


def _problem(mail: dict[str, Any]) -> str | None:
    addresses = [one for kind in mail.get("Destination", {}).values() for one in kind]
    for address in [*addresses, mail.get("FromEmailAddress", "")]:
        if _LINE_BREAK.search(address):
            return "Illegal address"
        if not address.rpartition("<")[2].partition("@")[0].isascii():
            return "Local address contains non-ASCII characters"
    simple = mail.get("Content", {}).get("Simple", {})
    values = [simple.get("Subject", {}).get("Data", ""), *(header["Value"] for header in simple.get("Headers", []))]
    if any(map(_LINE_BREAK.search, values)):
        return "Header value contains a line break"
    tags = [text for tag in mail.get("EmailTags", []) for text in (tag["Name"], tag["Value"])]
    if not all(map(_TAG.fullmatch, tags)):
        return "Tag names and values may only contain A-Z, a-z, 0-9, - and _"
    return None


def _publish_events(record: dict[str, Any]) -> None:
    """Send the events of a mail to the default bus where its configuration set has an EventBridge destination.

    AWS: `aws.ses` events `Email Sent`, `Email Delivered`, `Email Bounced`, `Email Complaint Received` (EventBridge
    user guide, "Amazon SES events"; SES guide, "Contents of event data"); best effort.
    Emulator: stores event destinations and sends nothing.
    """
    from ministack.services import eventbridge, ses_v2

    destinations = ses_v2._config_sets.get(record["ConfigurationSet"] or "", {}).get("EventDestinations", {}).values()
    wanted = {
        kind
        for one in destinations
        if one.get("Enabled") and one.get("EventBridgeDestination")
        for kind in one["MatchingEventTypes"]
    }
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tags = {name: [value] for name, value in record["Tags"].items()}
    mail = {
        "timestamp": now,
        "source": record["Source"],
        "messageId": record["MessageId"],
        "destination": record["To"],
        "tags": {"ses:configuration-set": [record["ConfigurationSet"]], **tags},
    }
    entries = [
        {
            "Source": "aws.ses",
            "DetailType": detail_type,
            "Detail": json.dumps({"eventType": event_type, "mail": mail, event_type.lower(): outcome}),
        }
        for kind, event_type, detail_type, outcome in _outcomes(record["To"], now)
        if kind in wanted
    ]
    if entries:
        eventbridge._put_events({"Entries": entries}, True)


def _outcomes(recipients: list[str], now: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(event type of a destination, eventType, detail-type, its object) for a mail to these recipients."""
    outcomes: list[tuple[str, str, str, dict[str, Any]]] = [("SEND", "Send", "Email Sent", {})]
    if f"bounce{_SIMULATOR}" in recipients:
        bounced = [{"emailAddress": one} for one in recipients]
        bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": bounced, "timestamp": now}
        return [*outcomes, ("BOUNCE", "Bounce", "Email Bounced", bounce)]
    outcomes.append(("DELIVERY", "Delivery", "Email Delivered", {"timestamp": now, "recipients": recipients}))
    if f"complaint{_SIMULATOR}" in recipients:
        complained = [{"emailAddress": one} for one in recipients]
        complaint = {"complainedRecipients": complained, "complaintFeedbackType": "abuse", "timestamp": now}
        outcomes.append(("COMPLAINT", "Complaint", "Email Complaint Received", complaint))
    return outcomes
