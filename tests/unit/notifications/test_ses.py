"""Against moto's SES: the request is one that botocore and SES take."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from moto.ses.models import ses_backends

from campus import clients
from notifications import ses
from notifications.message import Message

ACCOUNT = "123456789012"  # moto's
MAIL = Message("Xác nhận đăng ký lớp", "Bạn vừa đăng ký lớp toan-10.", "<p>Bạn vừa đăng ký lớp toan-10.</p>")


@pytest.fixture(autouse=True)
def its_own_client() -> Iterator[None]:
    """A client keeps the endpoint that it was made for."""
    clients.forget()
    yield
    clients.forget()


def test_a_verified_sender_gets_a_message_id_and_the_words_arrive(environment: None) -> None:
    with mock_aws():
        boto3.client("sesv2").create_email_identity(EmailIdentity="student-system.example")

        message_id = ses.send(MAIL, "sv-1@example.edu", ledger_id="0" * 32, kind="enrollment", headers={})

        (sent,) = ses_backends[ACCOUNT]["ap-southeast-1"].sent_messages
        assert sent.id == message_id
        assert sent.subject == MAIL.subject
        assert sent.destinations["ToAddresses"] == ["sv-1@example.edu"]


def test_a_sender_that_is_not_verified_yet_holds_the_mail_up_and_does_not_lose_it(environment: None) -> None:
    with mock_aws(), pytest.raises(ses.HeldUpError) as caught:
        ses.send(MAIL, "sv-1@example.edu", ledger_id="0" * 32, kind="enrollment", headers={})
    assert caught.value.code == "MessageRejected"


def test_ses_out_of_reach_holds_the_mail_up(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 1 of this machine: nobody listens there.
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:1")

    with pytest.raises(ses.HeldUpError) as caught:
        ses.send(MAIL, "sv-1@example.edu", ledger_id="0" * 32, kind="enrollment", headers={})
    assert caught.value.code == "EndpointConnectionError"
