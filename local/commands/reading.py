"""`mailbox` and `recommend`: what the stack has sent, and what it answers."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from local.cloud import loopback
from local.commands.instance import Instance
from local.commands.options import CommandError, common, emit, identifier
from local.commands.provenance import traced
from local.deploy import local_links
from local.load.rows import iso

_TIMEOUT = 40


@click.command()
@click.option("--to", "address", help="Only mails to this address.")
@common
def mailbox(address: str | None, state_dir: Path, as_json: bool) -> None:
    """Print the mails accepted so far, one JSON object a line, oldest first.

    Each with its ledger id, the status of its ledger row, and the event behind it.
    """
    del as_json  # JSON lines in any case
    instance = Instance.of(state_dir)
    for mail in traced(instance, mails(instance, address)):
        emit(mail)


@click.command()
@click.argument("user_id", callback=identifier)
@click.option("--num", type=click.IntRange(1, 100), default=10, show_default=True, help="How many items.")
@common
def recommend(user_id: str, num: int, state_dir: Path, as_json: bool) -> None:
    """Print what GET /ranking/USER_ID answers about that user, asked by the school's office."""
    instance = Instance.of(state_dir)
    answer = call(instance, "GET", f"/ranking/{quote(user_id, safe='')}?numResults={num}", instance.office_token())
    if as_json or not sys.stdout.isatty():
        emit(answer)
    else:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def mails(instance: Instance, address: str | None = None) -> list[dict[str, Any]]:
    """The mails that the local SES accepted, oldest first: to, subject, text, html, headers, tags, ledgerId, sentAt.

    Links to the API lead to where it is reached here.
    """
    with loopback.open(f"{instance.endpoint}/_ministack/ses/messages", timeout=_TIMEOUT) as answer:
        accounts: Mapping[str, list[Mapping[str, Any]]] = json.load(answer)["messages"]
    sent = sorted((one for account in accounts.values() for one in account), key=lambda one: one["Timestamp"])
    return [mail_of(one, instance.endpoint) for one in sent if address is None or address in one["To"]]


def call(instance: Instance, method: str, path: str, token: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Send one request to the HTTP API and return its answer.

    Raises:
        CommandError: the API answered with an error status, or not at all.
    """
    request = urllib.request.Request(instance.outputs["ApiUrl"].rstrip("/") + path, method=method)  # noqa: S310
    request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with loopback.open(request, timeout=_TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CommandError(f"{method} {path} answered {error.code}: {_message(error)}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise CommandError(f"{method} {path} was not answered: {getattr(error, 'reason', error)}") from None


def _message(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:200]


def mail_of(record: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    """A record of the local SES as a mail; links to the API lead to where it is reached here."""
    tags = record["Tags"] or {}
    return {
        "to": ", ".join(record["To"]),
        "subject": record["Subject"],
        "text": local_links(endpoint, record["BodyText"]),
        "html": record["BodyHtml"] and local_links(endpoint, record["BodyHtml"]),
        "headers": {name: local_links(endpoint, value) for name, value in (record["Headers"] or {}).items()},
        "tags": tags,
        "ledgerId": tags.get("ledger-id"),
        "sentAt": iso(record["Timestamp"]),
    }
