"""SES's account: rate, daily quota, sandbox, suppression list, simulator, and the side door that sets them."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError

from tests.contract.ses_account import SesAccount, account
from tests.integration.sample.stack import eventually


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesAccount]:
    with account(tmp_path_factory.mktemp("ses") / "state") as ses:
        ses.set_up()
        yield ses


@pytest.fixture
def ses(shared: SesAccount) -> Iterator[SesAccount]:
    """The account, with a rate that no test meets by accident."""
    shared.door("PUT", "account", {"MaxSendRate": 10_000})
    yield shared
    shared.door("PUT", "account", {"MaxSendRate": None, "ProductionAccessEnabled": True})
    shared.door("DELETE", "faults")


def somebody() -> str:
    return f"{uuid.uuid4().hex}@students.example"


def error(refused: pytest.ExceptionInfo[ClientError]) -> tuple[int, str, str]:
    return described(refused.value)


def described(refused: ClientError) -> tuple[int, str, str]:
    response: Any = refused.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def refusal(ses: SesAccount) -> tuple[int, str, str] | None:
    """SES's answer to one more mail, if it does not take it."""
    try:
        ses.send(somebody())
    except ClientError as refused:
        return described(refused)
    return None


def quota(ses: SesAccount) -> dict[str, float]:
    return dict(ses.client("sesv2").get_account()["SendQuota"])


def test_a_new_account_is_out_of_the_sandbox_with_14_a_second_and_50000_a_day(shared: SesAccount) -> None:
    answer = shared.client("sesv2").get_account()
    assert answer["ProductionAccessEnabled"] is True
    assert (answer["SendQuota"]["MaxSendRate"], answer["SendQuota"]["Max24HourSend"]) == (14.0, 50_000.0)
    assert answer["SuppressionAttributes"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]


def test_null_brings_the_defaults_back(shared: SesAccount) -> None:
    def described() -> tuple[bool, float]:
        answer = shared.client("sesv2").get_account()
        return answer["ProductionAccessEnabled"], answer["SendQuota"]["MaxSendRate"]

    shared.door("PUT", "account", {"MaxSendRate": 3, "ProductionAccessEnabled": False})
    assert described() == (False, 3.0)
    shared.door("PUT", "account", {"MaxSendRate": None, "ProductionAccessEnabled": None})
    assert described() == (True, 14.0)


def test_a_burst_beyond_the_rate_is_throttled_and_the_rate_comes_back(ses: SesAccount) -> None:
    ses.door("PUT", "account", {"MaxSendRate": 2})
    began = time.monotonic()
    refusals = [error for _ in range(6) if (error := refusal(ses))]
    assert set(refusals) == {(429, "TooManyRequestsException", "Maximum sending rate exceeded.")}
    assert len(refusals) >= 2

    eventually(lambda: refusal(ses), lambda error: error is None)
    accepted = 6 - len(refusals) + 1
    # Two for the burst, the others at two a second.
    assert time.monotonic() - began >= (accepted - 2) / 2 - 0.1


def test_the_daily_quota_counts_recipients_and_ends(ses: SesAccount) -> None:
    before = quota(ses)["SentLast24Hours"]
    ses.send(somebody(), Destination={"ToAddresses": [somebody()], "CcAddresses": [somebody()]})
    assert quota(ses)["SentLast24Hours"] == before + 2

    ses.door("PUT", "account", {"MaxSendRate": 10_000, "Max24HourSend": before + 3})
    ses.send(somebody())
    to = somebody()
    with pytest.raises(ClientError) as refused:
        ses.send(to)
    assert error(refused) == (400, "LimitExceededException", "Daily message quota exceeded.")
    assert ses.inbox(to) == []
    # The simulator's addresses are outside the daily quota.
    ses.send("success@simulator.amazonses.com")
    assert quota(ses)["SentLast24Hours"] == before + 3


def test_the_sandbox_knows_verified_recipients_and_the_simulator(ses: SesAccount) -> None:
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://school.example"}
    ses.client("sesv2").put_account_details(**details, ProductionAccessEnabled=False)
    ses.door("PUT", "account", {"MaxSendRate": None})
    assert (quota(ses)["MaxSendRate"], quota(ses)["Max24HourSend"]) == (1.0, 200.0)

    ses.door("PUT", "account", {"MaxSendRate": 10_000})
    to, sender = somebody(), "noreply@elsewhere.example"
    wording = "Email address is not verified. The following identities failed the check in region AP-SOUTHEAST-1: "
    with pytest.raises(ClientError) as refused:
        ses.send(to)
    assert error(refused) == (400, "MessageRejected", wording + to)
    with pytest.raises(ClientError) as refused:
        ses.send(to, FromEmailAddress=sender)
    assert error(refused) == (400, "MessageRejected", f"{wording}{sender}, {to}")
    ses.send("somebody@school.example")
    ses.send("bounce+label@simulator.amazonses.com")


def test_the_suppression_list_is_kept_and_paged(ses: SesAccount) -> None:
    sesv2, local = ses.client("sesv2"), uuid.uuid4().hex
    started = datetime.now(UTC)
    sesv2.put_suppressed_destination(EmailAddress=f"{local}-A@Students.Example", Reason="BOUNCE")
    sesv2.put_suppressed_destination(EmailAddress=f"{local}+b@students.example", Reason="COMPLAINT")

    entry = sesv2.get_suppressed_destination(EmailAddress=f"{local}-A@students.example")["SuppressedDestination"]
    assert (entry["EmailAddress"], entry["Reason"]) == (f"{local}-A@students.example", "BOUNCE")
    assert (entry["LastUpdateTime"] - started).total_seconds() > -1

    def listed(**only: Any) -> list[str]:
        """The reasons of this test's own entries, one entry a page."""
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = sesv2.list_suppressed_destinations(PageSize=1, **only, **token)
            (entry,) = page["SuppressedDestinationSummaries"]
            found += [entry["Reason"]] if entry["EmailAddress"].startswith(local) else []
            if "NextToken" not in page:
                return sorted(found)
            token = {"NextToken": page["NextToken"]}

    assert listed(Reasons=["COMPLAINT"]) == ["COMPLAINT"]
    assert listed() == ["BOUNCE", "COMPLAINT"]
    assert sesv2.list_suppressed_destinations(EndDate=datetime(2020, 1, 1, tzinfo=UTC)).get("NextToken") is None

    for address in (f"{local}-A@students.example", f"{local}+b@students.example"):
        sesv2.delete_suppressed_destination(EmailAddress=address)
    with pytest.raises(ClientError) as refused:
        # The local part's case counts.
        sesv2.get_suppressed_destination(EmailAddress=f"{local}-a@students.example")
    status, code, _ = error(refused)
    assert (status, code) == (404, "NotFoundException")
    with pytest.raises(ClientError) as refused:
        sesv2.put_suppressed_destination(EmailAddress=somebody(), Reason="BORED")
    assert error(refused)[1] == "BadRequestException"


@pytest.mark.parametrize(
    ("reason", "detail_type", "kind"),
    [("BOUNCE", "Email Bounced", "bounce"), ("COMPLAINT", "Email Complaint Received", "complaint")],
)
def test_mail_to_a_suppressed_address_is_taken_and_not_delivered(
    ses: SesAccount, reason: str, detail_type: str, kind: str
) -> None:
    to = somebody()
    ses.client("sesv2").put_suppressed_destination(EmailAddress=to, Reason=reason)
    before = quota(ses)["SentLast24Hours"]
    message_id = ses.send(to)

    sent, other = ses.events(message_id, 2)
    assert (sent["detail-type"], other["detail-type"]) == ("Email Sent", detail_type)
    assert other["detail"][kind][f"{kind}SubType"] == "OnAccountSuppressionList"
    assert ses.inbox(to) == []
    assert quota(ses)["SentLast24Hours"] == before + 1

    ses.client("sesv2").put_configuration_set_suppression_options(
        ConfigurationSetName="mail", SuppressedReasons=[] if reason == "BOUNCE" else ["BOUNCE"]
    )
    try:
        ses.send(to)
        assert len(ses.inbox(to)) == 1
    finally:
        ses.client("sesv2").put_configuration_set_suppression_options(
            ConfigurationSetName="mail", SuppressedReasons=["BOUNCE", "COMPLAINT"]
        )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("success", ["Email Sent", "Email Delivered"]),
        ("bounce", ["Email Sent", "Email Bounced"]),
        ("complaint", ["Email Sent", "Email Delivered", "Email Complaint Received"]),
        ("ooto", ["Email Sent", "Email Delivered", "Email Bounced"]),
        ("suppressionlist", ["Email Sent", "Email Bounced"]),
    ],
)
def test_the_simulators_addresses_do_what_their_names_say(ses: SesAccount, name: str, kinds: list[str]) -> None:
    to = f"{name}+{uuid.uuid4().hex}@simulator.amazonses.com"
    message_id = ses.send(to)
    events = ses.events(message_id, len(kinds))
    assert [event["detail-type"] for event in events] == kinds
    if "Email Bounced" in kinds:
        expected = "Transient" if name == "ooto" else "Permanent"
        assert events[-1]["detail"]["bounce"]["bounceType"] == expected
    assert len(ses.inbox(to)) == (name != "suppressionlist")
    with pytest.raises(ClientError):
        ses.client("sesv2").get_suppressed_destination(EmailAddress=to)


def test_an_event_on_demand_is_about_its_mail_and_a_hard_bounce_lists_the_address(ses: SesAccount) -> None:
    to, ledger = somebody(), uuid.uuid4().hex
    tags = [{"Name": "ledger-id", "Value": ledger}, {"Name": "kind", "Value": "announcement"}]
    message_id = ses.send(to, EmailTags=tags, headers=[{"Name": "List-Unsubscribe", "Value": "<https://x.example>"}])
    ses.events(message_id, 2)

    assert ses.door(
        "POST", "events", {"type": "BOUNCE", "messageId": message_id, "detail": {"bounceType": "Transient"}}
    )
    with pytest.raises(ClientError):
        ses.client("sesv2").get_suppressed_destination(EmailAddress=to)
    assert ses.door("POST", "events", {"type": "BOUNCE", "tags": {"ledger-id": ledger}}) == {"mails": 1}
    soft, hard = ses.events(message_id, 2)
    assert (soft["detail"]["bounce"]["bounceType"], hard["detail"]["bounce"]["bounceType"]) == (
        "Transient",
        "Permanent",
    )
    mail = hard["detail"]["mail"]
    assert (mail["tags"]["ledger-id"], mail["tags"]["ses:configuration-set"]) == ([ledger], ["mail"])
    assert (mail["destination"], mail["commonHeaders"]["subject"]) == ([to], "Xin chào")
    assert {"name": "List-Unsubscribe", "value": "<https://x.example>"} in mail["headers"]
    entry = ses.client("sesv2").get_suppressed_destination(EmailAddress=to)["SuppressedDestination"]
    assert entry["Reason"] == "BOUNCE"


@pytest.mark.parametrize(
    ("kind", "event_type", "detail_type", "name"),
    [
        ("REJECT", "Reject", "Email Rejected", "reject"),
        ("RENDERING_FAILURE", "Rendering Failure", "Email Rendering Failed", "failure"),
        ("DELIVERY_DELAY", "DeliveryDelay", "Email Delivery Delayed", "deliveryDelay"),
    ],
)
def test_rare_events_have_the_shapes_of_the_guide(
    ses: SesAccount, kind: str, event_type: str, detail_type: str, name: str
) -> None:
    message_id = ses.send(somebody())
    ses.events(message_id, 2)
    ses.door("POST", "events", {"type": kind, "messageId": message_id})
    (event,) = ses.events(message_id, 1)
    assert (event["detail"]["eventType"], event["detail-type"]) == (event_type, detail_type)
    assert event["detail"][name]


def test_a_lost_answer_is_of_a_mail_that_was_taken(ses: SesAccount) -> None:
    to = somebody()
    ses.door("POST", "faults", {"effect": "lose", "times": 1})
    with pytest.raises((HTTPClientError, ResponseStreamingError)):
        ses.send(to)
    assert len(ses.inbox(to)) == 1
    ses.send(to)


@pytest.mark.parametrize(("effect", "status"), [("fail", 500), ("throttle", 429)])
def test_a_fault_before_acceptance_takes_nothing(ses: SesAccount, effect: str, status: int) -> None:
    to, before = somebody(), quota(ses)["SentLast24Hours"]
    ses.door("POST", "faults", [{"effect": effect, "times": 1}])
    with pytest.raises(ClientError) as refused:
        ses.send(to)
    assert error(refused)[0] == status
    assert (ses.inbox(to), quota(ses)["SentLast24Hours"]) == ([], before)


def test_a_dropped_event_never_comes(ses: SesAccount) -> None:
    ses.door("POST", "faults", {"effect": "drop", "event": "SEND", "times": 1})
    (event,) = ses.events(ses.send(somebody()), 1)
    assert event["detail-type"] == "Email Delivered"


def test_the_account_and_the_mailbox_outlive_a_restart(tmp_path: Path) -> None:
    kept, listed = somebody(), somebody()
    with account(tmp_path / "state") as ses:
        ses.set_up()
        ses.door("PUT", "account", {"Max24HourSend": 7})
        ses.send(kept, EmailTags=[{"Name": "ledger-id", "Value": "abc"}])
        ses.client("sesv2").put_suppressed_destination(EmailAddress=listed, Reason="BOUNCE")
    with account(tmp_path / "state") as ses:
        assert quota(ses) == {"Max24HourSend": 7.0, "MaxSendRate": 14.0, "SentLast24Hours": 1.0}
        assert ses.client("sesv2").get_suppressed_destination(EmailAddress=listed)
        (mail,) = ses.inbox(kept)
        assert mail["Tags"] == {"ledger-id": "abc"}
