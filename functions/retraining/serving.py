"""What is on record about the campaigns: the version each one serves, the one before, and those taken back.

One Operations row a campaign: pk=`MODEL`, sk=<campaign's name>; and one that says whether they are parked. All of it
is changed only under the lease, so what a run reads here stays true until it is recorded.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from campus import clock, tables
from retraining import names, runs

Row = dict[str, Any]

_CAMPAIGNS = "CAMPAIGNS"

KINDS = ("recommendation", "ranking")
# Of the versions that were taken back, so many are remembered: far more than a resumed run could still promote.
_REMEMBERED = 20


def row(campaign: str) -> Row:
    """The row of a campaign; {} before its first promotion."""
    key = {"pk": "MODEL", "sk": campaign}
    return dict(runs.to_plain(tables.operations().get_item(Key=key, ConsistentRead=True).get("Item", {})))


def on_record() -> dict[str, Row]:
    """Rows by model kind, of those that were ever promoted."""
    found = {kind: row(names.model_name(kind)) for kind in KINDS}
    return {kind: served for kind, served in found.items() if served}


def taken_back(campaign: str) -> dict[str, str]:
    """Versions that served and were taken back, each with the run that did it; only a person brings them back."""
    return {one["solutionVersionArn"]: one["runId"] for one in row(campaign).get("takenBack", [])}


def parked() -> bool:
    """Whether the campaigns are deleted until somebody wants them again."""
    return bool(row(_CAMPAIGNS).get("parked", False))


def age_hours() -> float | None:
    """How old the recommendations' version is, by its creation; None where none serves."""
    served = row(names.model_name("recommendation"))
    return round((clock.now() - served["trainedAt"]) / 3600, 3) if served and not parked() else None


def updated_rows(run: Mapping[str, Any], record: runs.Record) -> Iterator[Row]:
    """A row for every campaign that a run brought to a version, even if the run failed later, and for parking.

    Where they are parked, the row names the version that unparking deploys.
    """
    # A campaign that went back within the run is in it twice.
    served = {campaign["name"]: campaign for campaign in run.get("campaigns", []) if campaign["outcome"] == "ACTIVE"}
    for campaign in served.values():
        yield _updated(campaign, run, record)
    if record["status"] == runs.APPROVED:
        for version in run["evaluation"]["promote"]:
            name = version["name"]
            before = row(name).get("solutionVersionArn")
            approved = {**version, "arn": names.arn(f"campaign/{name}"), "previousSolutionVersionArn": before}
            yield _updated(approved, run, record)
    if record["status"] in {runs.BY_HAND[runs.PARK], runs.BY_HAND[runs.UNPARK]}:
        now_parked = record["status"] == runs.BY_HAND[runs.PARK]
        since = record["finishedAt"] // 1000
        yield {"pk": "MODEL", "sk": _CAMPAIGNS, "parked": now_parked, "changedAt": since, "runId": record["runId"]}


def _updated(campaign: Mapping[str, Any], run: Mapping[str, Any], record: runs.Record) -> Row:
    known, version = row(campaign["name"]), campaign["solutionVersionArn"]
    back = [one["solutionVersionArn"] for one in _taken_back_by(run) if one["name"] == campaign["name"]]
    if known.get("solutionVersionArn") == version:
        before = known.get("previousSolutionVersionArn")
    else:  # after a step back nothing older is known
        before = None if set(back) - {version} else campaign.get("previousSolutionVersionArn")
    remembered = [one for one in known.get("takenBack", []) if one["solutionVersionArn"] not in {version, *back}]
    remembered += [{"solutionVersionArn": one, "runId": record["runId"]} for one in back]
    new = {
        "pk": "MODEL",
        "sk": campaign["name"],
        "campaignArn": campaign["arn"],
        "solutionVersionArn": version,
        "modelVersion": version.rpartition("/")[2],
        "trainedAt": campaign["trainedAt"],
        "promotedAt": record["finishedAt"] // 1000,
        "runId": record["runId"],
        "previousSolutionVersionArn": before,
        "takenBack": remembered[-_REMEMBERED:],
    }
    return {name: value for name, value in new.items() if value}


def _taken_back_by(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for part in ("deployment", "canaries") for one in run.get(part, {}).get("takenBack", [])]
