"""SES's events ↔ the rule that forwards them ↔ the function that reads them; none carries a person's data."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.events.models import EventPattern

from notifications import feedback
from tests.contract.project import Project, contract, referent, text

RULE = "MailFeedbackRule"
CONFIGURATION_SET = "MailConfigurationSet"
DEFAULT_BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"
# The type of an event destination for each detail type (SES API v2 EventDestination; EventBridge events reference).
DESTINATION_TYPES = {
    "Email Sent": "SEND",
    "Email Delivery Delayed": "DELIVERY_DELAY",
    "Email Delivered": "DELIVERY",
    "Email Bounced": "BOUNCE",
    "Email Complaint Received": "COMPLAINT",
    "Email Rejected": "REJECT",
    "Email Rendering Failed": "RENDERING_FAILURE",
}
# All that may travel on: what happened to which mail, and when.
FORWARDED = {
    "$.detail-type",
    "$.time",
    "$.detail.mail.messageId",
    "$.detail.mail.tags.ledger-id",
    "$.detail.bounce.bounceType",
    "$.detail.bounce.bounceSubType",
    "$.detail.complaint.complaintFeedbackType",
    "$.detail.complaint.complaintSubType",
}


def rule(project: Project) -> dict[str, Any]:
    """Properties of the rule on SES's events; empty where there is none."""
    return dict(project.resources("AWS::Events::Rule")).get(RULE, {})


def pattern(project: Project) -> dict[str, Any]:
    """The rule's pattern, the configuration set's name filled in as the fixture has it."""
    written = json.dumps(rule(project).get("EventPattern", {}))
    return json.loads(written.replace(json.dumps({"Ref": CONFIGURATION_SET}), '"nightclass-MailConfigurationSet"'))  # type: ignore[no-any-return]


def transformed(project: Project, event: Mapping[str, Any]) -> str:
    """What EventBridge makes of an event for the queue; a path that leads nowhere leaves an empty text."""
    transformer = rule(project).get("Targets", [{}])[0].get("InputTransformer", {})
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}

    def fill(variable: re.Match[str]) -> str:
        value = values[variable[1]]
        return value if isinstance(value, str) else json.dumps(value)

    return re.sub(r"<([\w.-]+)>", fill, str(transformer.get("InputTemplate", "")))


def _at(event: Mapping[str, Any], path: str) -> object:
    value: Any = event
    for part in path.split(".")[1:]:
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return value


def personal(event: Mapping[str, Any]) -> Iterator[str]:
    """Addresses and subject of one of SES's events."""
    mail = event["detail"]["mail"]
    yield from (*mail["destination"], mail["source"], mail["commonHeaders"]["subject"])


@contract
def feedback_is_published_for_our_mails(project: Project) -> list[str]:
    """The configuration set sends exactly the types that are read to the default bus, the only one SES knows."""
    findings = []
    destinations = [
        at["EventDestination"]
        for _, at in project.resources("AWS::SES::ConfigurationSetEventDestination")
        if referent(at["ConfigurationSetName"]) == CONFIGURATION_SET and at["EventDestination"].get("Enabled") is True
    ]
    for destination in destinations or [{}]:
        if text(destination.get("EventBridgeDestination", {}).get("EventBusArn")) != DEFAULT_BUS:
            findings.append(f"{CONFIGURATION_SET}: its events do not go to the default bus")
        published = set(destination.get("MatchingEventTypes", []))
        read = {DESTINATION_TYPES[kind] for kind in feedback.TYPES}
        findings += [f"{CONFIGURATION_SET}: {kind} is not published or not read" for kind in sorted(published ^ read)]
    return findings


@contract
def feedback_is_forwarded_for_our_mails(project: Project) -> list[str]:
    """The rule stands on the default bus and takes every type that is read, of our configuration set and tag only."""
    findings = [f"{RULE}: not on the default bus"] if "EventBusName" in rule(project) else []
    event = project.fixtures["aws.ses.bounce"]
    matches: Any = EventPattern.load(json.dumps(pattern(project))).matches_event
    findings += [
        f"{RULE}: {kind} does not come through"
        for kind in sorted(feedback.TYPES)
        if not matches({**event, "detail-type": kind})
    ]
    tags = event["detail"]["mail"]["tags"]
    for what, other in {
        "another configuration set": {**tags, "ses:configuration-set": ["other"]},
        "a mail without our tag": {name: value for name, value in tags.items() if name != "ledger-id"},
    }.items():
        if matches({**event, "detail": {**event["detail"], "mail": {**event["detail"]["mail"], "tags": other}}}):
            findings.append(f"{RULE}: {what} comes through")
    if matches({**event, "detail-type": "Email Opened"}):
        findings.append(f"{RULE}: what students do with a mail comes through")
    if matches({**event, "source": "aws.other"}):
        findings.append(f"{RULE}: another service's events come through")
    return findings


@contract
def feedback_names_the_mail_and_nobody(project: Project) -> list[str]:
    """Addresses and subjects stay behind; what travels on is JSON that tells the mail, the type and the time."""
    event = project.fixtures["aws.ses.bounce"]
    transformer = rule(project).get("Targets", [{}])[0].get("InputTransformer", {})
    paths = set(transformer.get("InputPathsMap", {}).values())
    findings = [f"{RULE}: forwards {path}" for path in sorted(paths - FORWARDED)]
    findings += [f"{RULE}: does not forward {path}" for path in sorted(FORWARDED - paths)]
    try:
        said = transformed(project, event)
        body = json.loads(said)
    except (ValueError, KeyError) as error:
        return [*findings, f"{RULE}: makes no JSON ({error!r})"]
    findings += [f"{RULE}: {secret} travels on" for secret in personal(event) if secret in said]
    expected = {
        "type": "Email Bounced",
        "time": event["time"],
        "messageId": event["detail"]["mail"]["messageId"],
        "ledgerId": event["detail"]["mail"]["tags"]["ledger-id"],
        "bounceType": "Permanent",
        "bounceSubType": "NoEmail",
        "complaintType": "",
        "complaintSubType": "",
    }
    return findings + [f"{RULE}: {name} is {body.get(name)}" for name in expected if body.get(name) != expected[name]]
