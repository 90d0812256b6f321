"""What a person asks to serve: the version before, a named one, or, after parking, the one on record."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus.clients import client
from retraining import names, runs, serving
from retraining.progress import Progress, code, failed, patient

if TYPE_CHECKING:
    from mypy_boto3_personalize.type_defs import SolutionVersionTypeDef

Wanted = tuple[str, str]


class RefusedError(Exception):
    """What was asked cannot be done; its text says why."""


@patient
def plan(run: Mapping[str, Any]) -> Progress:
    """Which campaign is to serve which version.

    Args:
        run: `{runId, trigger: rollback | unpark, parked, to?: a solution version's ARN}`.

    Returns:
        `{outcome: ACTIVE, why, versions: [{kind, name, solutionVersionArn, trainedAt}], takenBack: [{name,
        solutionVersionArn}]}`; FAILED with the reason where nothing of the kind can be done.
    """
    try:
        versions, refused = _allowed(run)
    except RefusedError as error:
        return failed(str(error))
    rows = serving.on_record()
    back = [
        {"name": one["name"], "solutionVersionArn": served}
        for one in versions
        if (served := rows.get(one["kind"], {}).get("solutionVersionArn")) not in {None, one["solutionVersionArn"]}
    ]
    changes = ", ".join(f"{one['name']} to {_short(one['solutionVersionArn'])}" for one in versions)
    left = ", ".join(_short(one["solutionVersionArn"]) for one in back)
    returned = [f"taken back: {left}"] if left else []
    return {
        "outcome": "ACTIVE",
        "why": "; ".join([f"asked for: {changes or 'nothing is left to deploy'}", *returned, *refused]),
        "versions": versions,
        "takenBack": back,
    }


def _allowed(run: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The versions that are to serve, and why some are not unparked: one that may not serve keeps no other one away."""
    versions, refused = [], []
    for kind, arn in _wanted(run):
        try:
            versions.append(_version(kind, arn))
        except RefusedError as error:
            if run["trigger"] != runs.UNPARK:
                raise
            refused.append(f"{names.model_name(kind)} stays parked: {error}")
    if refused and not versions:
        raise RefusedError("; ".join(refused))
    return versions, refused


def _wanted(run: Mapping[str, Any]) -> list[Wanted]:
    if run["trigger"] == runs.UNPARK:
        return [(kind, served["solutionVersionArn"]) for kind, served in serving.on_record().items()]
    if run["parked"]:
        raise RefusedError("the campaigns are parked, nothing serves: unpark them first")
    return [_named(run["to"])] if "to" in run else list(_versions_before(run["runId"]))


def version_before(kind: str, served: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `served` names as the version before, ready to be deployed; None where there is none."""
    before = served.get("previousSolutionVersionArn")
    return _version(kind, before) if before else None


def _versions_before(run_id: str) -> Iterator[Wanted]:
    """What the latest promotion replaced; it may have been of two campaigns.

    Raises:
        RefusedError: nothing has been promoted, or it replaced nothing.
    """
    rows = serving.on_record()
    # A resumed rollback finds some of its own work done.
    ahead = {kind: served for kind, served in rows.items() if served["runId"] != run_id}
    latest = max((served["promotedAt"] for served in ahead.values()), default=0)
    found = [
        (kind, served["previousSolutionVersionArn"])
        for kind, served in ahead.items()
        if served["promotedAt"] == latest and "previousSolutionVersionArn" in served
    ]
    if not found and len(ahead) == len(rows):
        raise RefusedError("no version before the one that serves is on record: name one")
    yield from found


def _named(version: str) -> Wanted:
    for kind in serving.KINDS:
        if version.startswith(names.arn(f"solution/{names.model_name(kind)}/")):
            return kind, version
    raise RefusedError(f"{version} is no version of {' or '.join(names.model_name(kind) for kind in serving.KINDS)}")


def _version(kind: str, arn: str) -> dict[str, Any]:
    found = _describe(arn)
    if found["status"] != "ACTIVE":
        raise RefusedError(f"version {_short(arn)} is {found['status']}: only an ACTIVE one can serve")
    trained_at = found["creationDateTime"].timestamp()
    if trained_at * 1000 <= runs.erased_at():
        raise RefusedError(f"version {_short(arn)} was trained before a student was erased: start a new run instead")
    return {"kind": kind, "name": names.model_name(kind), "solutionVersionArn": arn, "trainedAt": int(trained_at)}


def _describe(arn: str) -> "SolutionVersionTypeDef":
    try:
        return client("personalize").describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    except ClientError as error:
        if code(error) in {"ResourceNotFoundException", "InvalidInputException"}:
            raise RefusedError(f"Personalize knows no version {arn}") from error
        raise


def _short(version: str) -> str:
    return version.rpartition("/")[2]
