"""One mail to SES, and what its answer means: taken, refused for now, refused for good, or nobody knows."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from campus.clients import client
from campus.settings import settings
from notifications.message import Message

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

# Errors of SendEmail that speak of this one mail. All other 4xx speak of the account, its rate or its set-up.
_THIS_MAIL = {"MessageRejected", "BadRequestException"}
# "Email address is not verified. The following identities failed the check in region R: a, b": our own set-up where
# the sender is among them; where only the recipient is, the account is still in SES's sandbox.
_UNVERIFIED = "not verified"
_FAILED_THE_CHECK = re.compile(r"failed the check in region \S+: (.+)", re.DOTALL)
# SES has given a pause several codes over the years, MessageRejected among them: "Sending paused for this account. …".
_PAUSED = re.compile(r"sending .{0,40}(paused|suspended)|is paused", re.IGNORECASE)
# Both limits have had several codes, too; where the code leaves it open, these words tell them apart.
_DAY_IS_SPENT = re.compile(r"daily \w+ quota exceeded", re.IGNORECASE)
_NO_MORE_TODAY = "LimitExceededException"
_TOO_FAST = {"TooManyRequestsException", "ThrottlingException", "Throttling"}
# Errors from before anything went out: no connection, nothing to sign with, nothing that could be asked.
_NEVER_SENT = (
    EndpointConnectionError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    NoRegionError,
    ParamValidationError,
)


class SendError(Exception):
    """SES did not say that it took the mail; `code` is an error code without personal data."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HeldUpError(SendError):
    """Nothing was taken, for a reason that may pass: pause, set-up, no connection."""


class TooFastError(HeldUpError):
    """Nothing was taken: more than SES's rate allows the account at this moment."""


class QuotaSpentError(HeldUpError):
    """Nothing was taken: the account has sent all that it may in 24 hours."""


class SandboxError(HeldUpError):
    """Nothing was taken: in its sandbox SES writes to verified addresses only."""


class RejectedError(SendError):
    """Nothing was taken and never will be."""


class NoAnswerError(SendError):
    """The mail may have been taken or not: the answer was lost, or SES failed inside."""


def send(message: Message, to: str, *, ledger_id: str, kind: str, headers: Mapping[str, str]) -> str:
    """Send one mail to one address, once: the client does not retry.

    Returns:
        SES's message id.

    Raises:
        HeldUpError: nothing was taken, try later.
        RejectedError: nothing was taken, do not try again.
        NoAnswerError: unknown; SES's Send event for the tag `ledger-id` will tell.
    """
    try:
        mail = request(message, to, ledger_id=ledger_id, kind=kind, headers=headers)
        return client("sesv2").send_email(**mail)["MessageId"]
    except ClientError as error:
        raise _meaning(error) from error
    except _NEVER_SENT as error:
        raise HeldUpError(type(error).__name__) from error
    except BotoCoreError as error:
        raise NoAnswerError(type(error).__name__) from error


def request(
    message: Message, to: str, *, ledger_id: str, kind: str, headers: Mapping[str, str]
) -> "SendEmailRequestTypeDef":
    """SendEmail's arguments. SES builds the MIME message, so no header is ever put together from text here."""
    return {
        "FromEmailAddress": settings.sender,
        "Destination": {"ToAddresses": [to]},
        "Content": {
            "Simple": {
                "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": message.text, "Charset": "UTF-8"},
                    "Html": {"Data": message.html, "Charset": "UTF-8"},
                },
                "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
            }
        },
        "ConfigurationSetName": settings.configuration_set,
        "EmailTags": [{"Name": "ledger-id", "Value": ledger_id}, {"Name": "kind", "Value": kind}],
    }


def _meaning(error: ClientError) -> SendError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    words = str(error.response.get("Error", {}).get("Message", ""))
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
        return NoAnswerError(code)
    if code == _NO_MORE_TODAY or _DAY_IS_SPENT.search(words):
        return QuotaSpentError(code)
    if code in _TOO_FAST:
        return TooFastError(code)
    if code not in _THIS_MAIL or _PAUSED.search(words):
        return HeldUpError(code)
    if _UNVERIFIED not in words:
        return RejectedError(code)
    return HeldUpError(code) if _concerns_sender(words) else SandboxError(code)


def _concerns_sender(words: str) -> bool:
    """Whether the sender's address or domain is among the unverified identities, or nothing says that it is not."""
    listed = _FAILED_THE_CHECK.search(words)
    if listed is None:
        return True
    sender = settings.sender.lower()
    identities = {identity.strip().lower() for identity in listed[1].split(",")}
    return not identities.isdisjoint({sender, sender.rpartition("@")[2]})
