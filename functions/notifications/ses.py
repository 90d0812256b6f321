"""One mail to SES, and what its answer means: taken, refused for now, refused for good, or nobody knows."""

from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from campus.clients import client
from campus.settings import settings
from notifications.message import Message

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

# Errors of SendEmail that speak of this one mail. All other 4xx speak of the account, its rate or its set-up.
_THIS_MAIL = {"MessageRejected", "BadRequestException"}
# An identity that SES has not verified arrives as MessageRejected, too, but verifying it lets the same mail through.
_UNVERIFIED = "not verified"
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError, ParamValidationError)


class SendError(Exception):
    """SES did not say that it took the mail; `code` is an error code without personal data."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HeldUpError(SendError):
    """Nothing was taken, for a reason that may pass: rate, quota, pause, set-up, no connection."""


class RejectedError(SendError):
    """Nothing was taken and never will be."""


class NoAnswerError(SendError):
    """The mail may have been taken or not: the answer was lost, or SES failed inside."""


def send(message: Message, to: str, *, ledger_id: str, kind: str) -> str:
    """Send one mail to one address, once: the client does not retry.

    Returns:
        SES's message id.

    Raises:
        HeldUpError: nothing was taken, try later.
        RejectedError: nothing was taken, do not try again.
        NoAnswerError: unknown; SES's Send event for the tag `ledger-id` will tell.
    """
    try:
        return client("sesv2").send_email(**request(message, to, ledger_id=ledger_id, kind=kind))["MessageId"]
    except ClientError as error:
        raise _meaning(error) from error
    except _NEVER_SENT as error:
        raise HeldUpError(type(error).__name__) from error
    except BotoCoreError as error:
        raise NoAnswerError(type(error).__name__) from error


def request(message: Message, to: str, *, ledger_id: str, kind: str) -> "SendEmailRequestTypeDef":
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
            }
        },
        "ConfigurationSetName": settings.configuration_set,
        "EmailTags": [{"Name": "ledger-id", "Value": ledger_id}, {"Name": "kind", "Value": kind}],
    }


def _meaning(error: ClientError) -> SendError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
        return NoAnswerError(code)
    if code in _THIS_MAIL and _UNVERIFIED not in str(error.response["Error"].get("Message", "")):
        return RejectedError(code)
    return HeldUpError(code)
