"""The last proof of a model, after it serves: students with a history must get an answer from it.

Offline metrics do not show a campaign that answers nobody. Where that happens, the version before serves again.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from campus.clients import client
from retraining import deployment, lake
from retraining.progress import Progress, code, is_busy, patient
from retraining.rows import COLUMNS

CANARIES = 5
# A service that is busy for so many polls answers students no better.
PATIENCE = 10
_USER, _ITEM = (COLUMNS["interactions"].index(name) for name in ("USER_ID", "ITEM_ID"))


class SilentError(Exception):
    """A campaign that serves nobody; its text says how."""


@patient
def check(run: Mapping[str, Any], polls: int) -> Progress:
    """Ask the campaigns that this run promoted.

    Args:
        run: `{runId, campaigns}`.
        polls: how often it was asked before.

    Returns:
        `{outcome: ACTIVE, verdict: PASSED | REJECTED, why, versions, takenBack}`: what is to serve instead, and what
        is not to be promoted again. The verdict is that on the recommendations. BUSY where there was no answer yet.
    """
    students = choose(run["runId"])
    verdict, sentences = "PASSED", []
    versions, taken_back = [], []
    for campaign in run["campaigns"]:
        try:
            _ask(campaign, students, final=polls >= PATIENCE)
        except SilentError as error:
            if campaign["kind"] == "recommendation":
                verdict = "REJECTED"
            before = _version_before(campaign)
            versions += [before] if before else []
            taken_back.append({"name": campaign["name"], "solutionVersionArn": campaign["solutionVersionArn"]})
            then = "the version before serves again" if before else "there is no version before it, so it stays"
            sentences.append(f"{campaign['name']} {error}: {then}")
    why = "; ".join(sentences) or f"{len(students)} students with a history got an answer"
    return {"outcome": "ACTIVE", "verdict": verdict, "why": why, "versions": versions, "takenBack": taken_back}


def _version_before(campaign: Mapping[str, Any]) -> dict[str, Any] | None:
    """What can serve again; None where there is nothing, or nothing any more."""
    try:
        return deployment.version_before(campaign["kind"], campaign)
    except deployment.RefusedError:
        return None


def choose(run_id: str) -> dict[str, str]:
    """Up to five students, as Personalize knows them, each with an item of theirs: the first of the latest export.

    A night without new rows says nothing about anybody, so the nights it builds on are looked at, too.
    """
    found: dict[str, str] = {}
    latest: str | None = run_id
    while latest and not found:
        manifest = lake.read_manifest(latest) or {}
        for row in lake.read_rows("interactions", manifest) if manifest else ():
            found.setdefault(row[_USER], row[_ITEM])
            if len(found) == CANARIES:
                break
        latest = manifest.get("base")
    return found


def _ask(campaign: Mapping[str, Any], students: Mapping[str, str], *, final: bool) -> None:
    """Raises SilentError, or, unless this is the final try, whatever passes by itself."""
    for number, student in enumerate(students, start=1):
        try:
            answered = _answer(campaign, student, list(students.values()))
        except (ClientError, HTTPClientError) as error:
            if is_busy(error) and not final:
                raise
            reason = code(error) if isinstance(error, ClientError) else type(error).__name__
            raise SilentError(f"does not answer canary {number} of {len(students)} ({reason})") from error
        if not answered:
            raise SilentError(f"has nothing for canary {number} of {len(students)}")


def _answer(campaign: Mapping[str, Any], student: str, items: list[str]) -> int:
    """How many items come back; without a filter, because only the model is in question."""
    runtime = client("personalize-runtime")
    if campaign["kind"] == "ranking":
        ranked = runtime.get_personalized_ranking(campaignArn=campaign["arn"], userId=student, inputList=items)
        return len(ranked["personalizedRanking"])
    return len(
        runtime.get_recommendations(campaignArn=campaign["arn"], userId=student, numResults=CANARIES)["itemList"]
    )
