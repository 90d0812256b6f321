"""What SendEmail refuses about a mail itself."""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape

from local.personalize.constraints import violations

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LINE_BREAK = re.compile(r"[\r\n]")
_MAX_RECIPIENTS = 50
_MAX_TAGS = 50
# Developer Guide, "Amazon SES header fields": set by SES, so not by Content.Simple.Headers.
_SET_BY_SES = {
    *("bcc", "cc", "from", "reply-to", "return-path", "subject", "to", "date", "message-id"),
    *("mime-version", "content-type", "content-disposition"),
}


def problem(mail: dict[str, Any]) -> str | None:
    """Why SES answers BadRequestException to these arguments of SendEmail; None for a good mail.

    AWS: number, names, length and characters of headers are in the service model (MessageHeaderList); tags may only
    hold [A-Za-z0-9_-]; a local part must be ASCII and a domain punycode; 50 recipients ("Service quotas").
    Emulator: looks at none of these, and answers 500 to line breaks.
    """
    simple = mail.get("Content", {}).get("Simple", {})
    return (
        _of_addresses(recipients(mail), mail.get("FromEmailAddress", ""))
        or _of_headers(simple.get("Headers", []))
        or _of_tags(mail.get("EmailTags", []))
        or ("Subject contains a line break" if _LINE_BREAK.search(simple.get("Subject", {}).get("Data", "")) else None)
    )


def recipients(mail: dict[str, Any]) -> list[str]:
    """All addresses a mail goes to."""
    return [address for kind in mail.get("Destination", {}).values() for address in kind]


def bare(address: str) -> str:
    """The address without a display name."""
    return address.rpartition("<")[2].rstrip("> ")


def _of_addresses(to: list[str], sender: str) -> str | None:
    if not to:
        return "Destination must have at least one recipient"
    if len(to) > _MAX_RECIPIENTS:
        return f"Recipient count exceeds {_MAX_RECIPIENTS}."
    for address in [*to, sender]:
        local, _, domain = bare(address).partition("@")
        if _LINE_BREAK.search(address):
            return "Illegal address"
        if not domain:
            return "Missing final '@domain'"
        if not local.isascii():
            return "Local address contains non-ASCII characters"
        if not domain.isascii():
            return "Domain contains non-ASCII characters"
    return None


def _of_headers(headers: list[dict[str, str]]) -> str | None:
    if broken := list(violations(_headers_shape(), headers, "content.simple.headers")):
        count = f"{len(broken)} validation error{'s' if len(broken) > 1 else ''} detected: "
        return count + "; ".join(broken)
    names = [header["Name"].lower() for header in headers]
    for position, name in enumerate(names):
        if name in _SET_BY_SES:
            return f"Header {headers[position]['Name']} is not allowed as a custom header"
        if name in names[:position]:
            return f"Header {headers[position]['Name']} appears more than once"
    return None


def _of_tags(tags: list[dict[str, str]]) -> str | None:
    if len(tags) > _MAX_TAGS:
        return f"A message has no more than {_MAX_TAGS} tags"
    if not all(_TAG.fullmatch(text) for tag in tags for text in (tag["Name"], tag["Value"])):
        return "Tag names and values may only contain A-Z, a-z, 0-9, - and _"
    return None


@cache
def _headers_shape() -> Shape:
    return botocore.session.get_session().get_service_model("sesv2").shape_for("MessageHeaderList")
