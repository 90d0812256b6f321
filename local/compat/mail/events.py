"""What becomes of a mail, and the events that say so on EventBridge's default bus.

Shapes: Developer Guide, "Examples of event data that Amazon SES publishes"; detail types: EventBridge reference,
"Amazon Simple Email Service events". The subtypes and texts of suppressed mails are those of captured events.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local.compat.mail.account import ACCOUNT
from local.compat.mail.faults import FAULTS
from local.compat.mail.refusals import bare
from local.compat.mail.suppression import REASONS

# Event type of a destination -> (eventType, detail-type, name of its object).
NAMES = {
    "SEND": ("Send", "Email Sent", "send"),
    "DELIVERY": ("Delivery", "Email Delivered", "delivery"),
    "BOUNCE": ("Bounce", "Email Bounced", "bounce"),
    "COMPLAINT": ("Complaint", "Email Complaint Received", "complaint"),
    "REJECT": ("Reject", "Email Rejected", "reject"),
    "RENDERING_FAILURE": ("Rendering Failure", "Email Rendering Failed", "failure"),
    "DELIVERY_DELAY": ("DeliveryDelay", "Email Delivery Delayed", "deliveryDelay"),
}
SIMULATOR = "simulator.amazonses.com"
_ON_LIST = "OnAccountSuppressionList"
_LISTED = (
    "Amazon SES did not send the message to this address because it is on the suppression list for your account. For "
    "more information about removing addresses from the suppression list, see the Amazon SES Developer Guide at "
    "https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html"
)


@dataclass(frozen=True)
class Outcome:
    """One event about one recipient; `detail` changes members of the event's object."""

    kind: str
    recipient: str
    detail: dict[str, Any] = field(default_factory=dict)


def is_simulated(address: str) -> bool:
    """Whether the address is one of SES's mailbox simulator."""
    return bare(address).lower().endswith(f"@{SIMULATOR}")


def suppression(address: str, configuration_set: str | None) -> Outcome | None:
    """The event instead of a delivery where the address is suppressed; None where the mail goes on its way.

    A configuration set's own choice of reasons takes the place of the account's.
    """
    from ministack.services import ses_v2

    if is_simulated(address):
        blocked = bare(address).lower().partition("@")[0].partition("+")[0] == "suppressionlist"
        code = f"smtp; 550 5.1.1 As requested: user unknown (suppressed address: {bare(address)})"
        return Outcome("BOUNCE", address, {"diagnosticCode": code}) if blocked else None
    options = ses_v2._config_sets.get(configuration_set or "", {}).get("SuppressionOptions", {})
    reasons = options.get("SuppressedReasons", ACCOUNT.suppression.reasons)
    match ACCOUNT.suppression.why(bare(address), reasons):
        case "BOUNCE":
            return Outcome("BOUNCE", address, {"bounceSubType": _ON_LIST, "diagnosticCode": _LISTED})
        case "COMPLAINT":
            return Outcome("COMPLAINT", address, {"complaintSubType": _ON_LIST, "complaintFeedbackType": None})
    return None


def arrival(address: str) -> list[Outcome]:
    """What becomes of a mail that goes out; the mailbox simulator's addresses do what their names say."""
    delivered = Outcome("DELIVERY", address)
    name = bare(address).lower().partition("@")[0].partition("+")[0] if is_simulated(address) else ""
    match name:
        case "bounce":
            return [Outcome("BOUNCE", address)]
        case "complaint":
            return [delivered, Outcome("COMPLAINT", address)]
        case "ooto":
            return [delivered, Outcome("BOUNCE", address, {"bounceType": "Transient"})]
    return [delivered]


def publish(record: dict[str, Any], outcome: Outcome) -> None:
    """Send one event where the mail's configuration set wants it; hard bounces and complaints list the address.

    AWS: best effort, in no order.
    Emulator: stores event destinations and sends nothing.
    """
    from ministack.services import eventbridge, ses_v2
    from ministack.services.ses_v2 import get_account_id, get_region

    event_type, detail_type, name = NAMES[outcome.kind]
    body = _object(outcome)
    _list_address(outcome, body)
    configuration_set = record["ConfigurationSet"] or ""
    destinations = ses_v2._config_sets.get(configuration_set, {}).get("EventDestinations", {}).values()
    wanted = any(
        one.get("Enabled") and one.get("EventBridgeDestination") and outcome.kind in one["MatchingEventTypes"]
        for one in destinations
    )
    if not wanted or FAULTS.drops(outcome.kind):
        return
    arn = f"arn:aws:ses:{get_region()}:{get_account_id()}:configuration-set/{configuration_set}"
    entry = {
        "Source": "aws.ses",
        "DetailType": detail_type,
        "Resources": [arn],
        "Detail": json.dumps({"eventType": event_type, "mail": _mail(record), name: body}),
    }
    eventbridge._put_events({"Entries": [entry]}, True)


def _list_address(outcome: Outcome, body: dict[str, Any]) -> None:
    hard = outcome.kind in REASONS and body.get("bounceType", "Permanent") == "Permanent"
    already = _ON_LIST in (body.get("bounceSubType"), body.get("complaintSubType"))
    if hard and not already and not is_simulated(outcome.recipient) and outcome.kind in ACCOUNT.suppression.reasons:
        ACCOUNT.suppression.add(bare(outcome.recipient), outcome.kind)


def _object(outcome: Outcome) -> dict[str, Any]:
    """The object named after the event: the documented example's members, changed by the outcome's detail."""
    now = _timestamp(datetime.now(UTC))
    to = {"emailAddress": outcome.recipient}
    detail = dict(outcome.detail)
    match outcome.kind:
        case "DELIVERY":
            base = {
                "timestamp": now,
                "processingTimeMillis": 1,
                "recipients": [outcome.recipient],
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": f"mta.{SIMULATOR}",
            }
        case "BOUNCE":
            code = detail.pop("diagnosticCode", "smtp; 550 5.1.1 user unknown")
            base = {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{**to, "action": "failed", "status": "5.1.1", "diagnosticCode": code}],
                "timestamp": now,
                "feedbackId": str(uuid.uuid4()),
                "reportingMTA": "dns; amazonses.com",
            }
        case "COMPLAINT":
            base = {
                "complainedRecipients": [to],
                "timestamp": now,
                "feedbackId": str(uuid.uuid4()),
                "complaintSubType": None,
                "complaintFeedbackType": "abuse",
                "arrivalDate": now,
            }
        case "REJECT":
            base = {"reason": "Bad content"}
        case "RENDERING_FAILURE":
            message = "Attribute 'attributeName' is not present in the rendering data."
            base = {"errorMessage": message, "templateName": "MyTemplate"}
        case "DELIVERY_DELAY":
            code = detail.pop("diagnosticCode", "smtp; 421 4.4.1 Unable to connect to remote host")
            base = {
                "timestamp": now,
                "delayType": "TransientCommunicationFailure",
                "expirationTime": _timestamp(datetime.now(UTC) + timedelta(hours=12)),
                "delayedRecipients": [{**to, "status": "4.4.1", "diagnosticCode": code}],
            }
        case _:
            base = {}
    return base | detail


def _mail(record: dict[str, Any]) -> dict[str, Any]:
    """The mail as events show it: with its addresses and its subject."""
    from ministack.services.ses_v2 import get_account_id, get_region

    domain = bare(record["Source"]).rpartition("@")[2]
    common = {"From": record["Source"], "To": ", ".join(record["To"]), "Subject": record["Subject"]}
    headers = {**common, "MIME-Version": "1.0", **record["Headers"]}
    return {
        "timestamp": _timestamp(datetime.fromtimestamp(record["Timestamp"], UTC)),
        "source": record["Source"],
        "sourceArn": f"arn:aws:ses:{get_region()}:{get_account_id()}:identity/{domain}",
        "sendingAccountId": get_account_id(),
        "messageId": record["MessageId"],
        "destination": record["Destination"],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": {
            "from": [record["Source"]],
            "to": record["To"],
            "messageId": record["MessageId"],
            "subject": record["Subject"],
        },
        "tags": {
            "ses:operation": ["SendEmail"],
            "ses:configuration-set": [record["ConfigurationSet"]],
            "ses:source-ip": ["127.0.0.1"],
            "ses:from-domain": [domain],
            "ses:caller-identity": ["local"],
            **{name: [value] for name, value in record["Tags"].items()},
        },
    }


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
