"""How to break the way back from SES, and the link that ends announcements."""

from tests.contract.mutations import GONE, Breakages, fixture, prop, whole

DESTINATION = "MailEvents.EventDestination"
TRANSFORMER = "MailFeedbackRule.Targets.0.InputTransformer"
TAGS = "MailFeedbackRule.EventPattern.detail.mail.tags"
ROUTE = "UnsubscribeFunction.Events.OneClick.Properties"

FEEDBACK: Breakages = {
    "feedback_is_published_for_our_mails": [
        ("nothing published", whole("MailEvents", GONE)),
        ("switched off", prop(f"{DESTINATION}.Enabled", False)),
        ("a type fewer", prop(f"{DESTINATION}.MatchingEventTypes", ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT"])),
        ("our own bus", prop(f"{DESTINATION}.EventBridgeDestination.EventBusArn", "arn:aws:events:::event-bus/ours")),
    ],
    "feedback_is_forwarded_for_our_mails": [
        ("a type fewer", prop("MailFeedbackRule.EventPattern.detail-type", ["Email Sent", "Email Bounced"])),
        ("any configuration set", prop(f"{TAGS}.ses:configuration-set", GONE)),
        ("mails without our tag", prop(f"{TAGS}.ledger-id", GONE)),
        ("any service", prop("MailFeedbackRule.EventPattern.source", GONE)),
        ("our own bus", prop("MailFeedbackRule.EventBusName", {"Ref": "StudentEventBus"})),
    ],
    "feedback_names_the_mail_and_nobody": [
        ("the whole event", prop(TRANSFORMER, GONE)),
        ("the address", prop(f"{TRANSFORMER}.InputPathsMap.messageId", "$.detail.mail.destination")),
        ("the subject", prop(f"{TRANSFORMER}.InputPathsMap.time", "$.detail.mail.commonHeaders.subject")),
        ("no JSON", prop(f"{TRANSFORMER}.InputTemplate", '{"type": <type>}')),
        ("a field fewer", prop(f"{TRANSFORMER}.InputTemplate", '{"type": "<type>", "ledgerId": <ledgerId>}')),
    ],
    "the_unsubscribe_link_needs_no_token": [
        ("a token needed", prop(f"{ROUTE}.Auth", GONE)),
        ("no one-click", prop("UnsubscribeFunction.Events.OneClick", GONE)),
        ("a link elsewhere", prop("SendEmailFunction.Environment.Variables.UNSUBSCRIBE_URL", "https://example.com/")),
    ],
    "route_fixtures_are_of_their_route": [
        ("a route without fixture", fixture("unsubscribe.post", "routeKey", "GET /unsubscribe")),
    ],
}
