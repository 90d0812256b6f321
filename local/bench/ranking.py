"""GET /ranking beside the bare call to Personalize's runtime that it makes, with the local cloud's own cost apart.

Four ways are asked in turn, so that they share whatever else the machine does: the HTTP API; the function alone, past
API and token; a function that does nothing; and the runtime itself. A function's own time is what it takes beyond the
one that does nothing.
"""

import hashlib
import hmac
import io
import json
import statistics
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from local.cloud import ACCOUNT_ID
from local.commands.instance import Instance
from local.commands.reading import call

WAYS = ("GET /ranking", "the function alone", "a function that does nothing", "GetRecommendations")
_ROOT = Path(__file__).parents[2]
_NOTHING = "def handler(event, context):\n    return {'statusCode': 200}\n"


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one way."""

    way: str
    p50: float
    p99: float


def measure(
    instance: Instance, users: Sequence[str], repeats: int = 200, shown: Callable[[str], None] = click.echo
) -> list[Measured]:
    """Ask for recommendations each way, user by user.

    Args:
        instance: a running local cloud whose campaign serves.
        users: students to ask for, in turn.
        repeats: requests each way, after five that are not counted.
        shown: takes the table, line by line.

    Raises:
        RuntimeError: an answer does not come from the campaign.
    """
    ask = _askers(instance, users)
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(repeats + 5):
        user = users[number % len(users)]
        for way in WAYS:
            begin = time.perf_counter()
            ask[way](user)
            if number >= 5:
                taken[way].append((time.perf_counter() - begin) * 1000)
    found = [Measured(way, statistics.median(times), _p99(times)) for way, times in taken.items()]
    shown(f"{'':<30}     p50 ms     p99 ms")
    for one in found:
        shown(f"{one.way:<30} {one.p50:>10.1f} {one.p99:>10.1f}")
    over_http, alone, nothing, bare = (one.p50 for one in found)
    shown(
        f"The function takes {alone - nothing:.1f} ms of its own, {(alone - nothing) / bare:.1f} times the bare call;"
    )
    shown(f"invoking it {nothing:.1f} ms, and {over_http - alone:+.1f} ms over HTTP, are the local cloud's.")
    ratios = [getattr(found[0], which) / getattr(found[-1], which) for which in ("p50", "p99")]
    shown(f"GET /ranking in all: {ratios[0]:.1f} times the bare call at p50, {ratios[1]:.1f} times at p99.")
    return found


def _askers(instance: Instance, users: Sequence[str]) -> dict[str, Callable[[str], None]]:
    functions = instance.client("lambda", read_timeout=60)
    pages = functions.get_paginator("list_functions").paginate()
    found = [one for page in pages for one in page["Functions"]]
    names = {one["Handler"]: one["FunctionName"] for one in found}
    variables = {one["Handler"]: one["Environment"]["Variables"] for one in found}
    event = json.loads((_ROOT / "events" / "get_recommendation.json").read_text())
    runtime, group = instance.client("personalize-runtime"), instance.outputs["DatasetGroupArn"]
    campaign = group.replace(":dataset-group/", ":campaign/") + "-recommendation"
    chosen = group.replace(":dataset-group/", ":filter/") + "-not-enrolled"
    known_as = _pseudonyms(instance, variables["ranking.get_recommendation.handler"]["PSEUDONYM_KEY_ARN"])
    tokens = {user: instance.token(user) for user in users}

    def over_http(user: str) -> None:
        _from_campaign(call(instance, "GET", f"/ranking/{quote(user, safe='')}?numResults=10", tokens[user]))

    def alone(user: str) -> None:
        claims = {**event["requestContext"]["authorizer"]["jwt"]["claims"], "username": user}
        context = {**event["requestContext"], "authorizer": {"jwt": {"claims": claims, "scopes": None}}}
        asked = {**event, "requestContext": context, "pathParameters": {"userId": user}}
        _from_campaign(json.loads(_invoke(functions, names["ranking.get_recommendation.handler"], asked)["body"]))

    def bare(user: str) -> None:
        runtime.get_recommendations(campaignArn=campaign, filterArn=chosen, userId=known_as(user), numResults=15)

    nothing = _deploy_nothing(functions)
    return dict(zip(WAYS, (over_http, alone, lambda _: _invoke(functions, nothing, {}), bare), strict=True))


def _pseudonyms(instance: Instance, key: str) -> Callable[[str], str]:
    """How Personalize knows a student: by the keyed hash that the functions use."""
    secret = instance.client("secretsmanager").get_secret_value(SecretId=key)["SecretString"].encode()
    return lambda user: hmac.new(secret, f"personalize:{user}".encode(), hashlib.sha256).hexdigest()[:32]


def _invoke(functions: Any, name: str, event: object) -> Any:  # noqa: ANN401 - boto3, JSON
    return json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())


def _from_campaign(answer: dict[str, Any]) -> None:
    if answer.get("source") != "campaign":
        raise RuntimeError(f"the answer does not come from the campaign: {json.dumps(answer)[:200]}")


def _deploy_nothing(functions: Any) -> str:  # noqa: ANN401 - boto3
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("nothing.py", _NOTHING)
    made = functions.create_function(
        FunctionName="bench-nothing",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT_ID}:role/bench",
        Handler="nothing.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return str(made["FunctionName"])


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * 99 // 100)]
