"""The run record: one JSON document that says what a run did, with its reasons and numbers."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from campus.observability import logger, metrics
from retraining import gate, lake, runs, serving

# The marks that the states leave, in order, and the stage that ends there; it lasts from the mark before.
_STAGES = {
    "leased": "acquireLease",
    "waited": "waitForWriters",
    "exported": "export",
    "checked": "check",
    "decided": "plan",
    "prepared": "prepare",
    "imported": "import",
    "planned": "plan",
    "trained": "train",
    "judged": "evaluate",
    "promoted": "promote",
    "proved": "checkCanaries",
    "withdrawn": "withdraw",
    "parked": "park",
}

# Metrics that count what became of a trained model.
_VERDICTS = {"ModelPromoted": "PROMOTED", "ModelApproved": runs.APPROVED, "ModelRejected": "REJECTED"}


def summarise(run: Mapping[str, Any], failure: Mapping[str, Any] | None, now_ms: int) -> runs.Record:
    """The record of a run.

    Args:
        run: `{runId, trigger, force, cutOff, startedAt, marks, export?, data?, imports?, plan?, models?, evaluation?,
            campaigns?}`, as far as the run came.
        failure: `{Error, Cause}` where it failed.
        now_ms: epoch milliseconds of its end.
    """
    copied = ("runId", "trigger", "requestedBy", "force", "full", "resumed", "cutOff", "startedAt", "catalogue")
    record: runs.Record = {name: run[name] for name in (*copied, "fingerprints") if name in run}
    status, why = _ending(run, failure)
    record |= {"status": status, "why": why, "finishedAt": now_ms, "durations": _durations(run, now_ms)}
    if failure:
        record["error"] = failure.get("Error", "Unknown")
    for part in (_data, _training, _evaluation, _serving):
        record |= part(run)
    return record | {"costUnits": _costs(run, status)}


def measure(record: runs.Record) -> None:
    """The record's numbers as metrics; the alarms watch them."""
    numbers = {
        "RunFailed": int(record["status"] == runs.FAILED),
        "RunSeconds": record["durations"]["total"],
    }
    if record["trigger"] not in runs.BY_HAND:
        numbers["RunSucceeded"] = int(record["status"] != runs.FAILED)
    try:
        age = serving.age_hours()
    except (ClientError, BotoCoreError) as error:  # the run is recorded by now, and stays what it is
        age = None
        logger().error("the age of the model could not be read", error=type(error).__name__)
    if age is not None:
        numbers["ModelAgeHours"] = age
    if "rows" in record:
        numbers |= {"Rows": record["rows"]["interactions"], "RejectedRows": record["rejectedRows"]}
    if "metrics" in record:
        numbers["Ndcg"] = record["metrics"].get("recommendation", {}).get(gate.METRIC, 0.0)
        numbers["BaselineNdcg"] = record["baselineMetrics"].get(gate.METRIC, 0.0)
        numbers |= {name: int(record["status"] == status) for name, status in _VERDICTS.items()}
    for name, value in numbers.items():
        unit = "Seconds" if name == "RunSeconds" else "Count" if isinstance(value, int) else "None"
        metrics().add_metric(name, unit, value)
    metrics().flush_metrics()


def _ending(run: Mapping[str, Any], failure: Mapping[str, Any] | None) -> tuple[str, str]:
    if failure:
        return runs.FAILED, _cause(failure)
    if run["trigger"] == runs.PARK:
        return "PARKED", "asked for: no campaign bills; rankings answer from popularity until it is unparked"
    if run["trigger"] in runs.BY_HAND:
        return runs.BY_HAND[run["trigger"]], run["deployment"]["why"]
    data, plan, evaluation = run["data"], run.get("plan", {}), run.get("evaluation", {})
    if data["verdict"] != "OK":
        return data["verdict"], data["why"]
    if plan["decision"] == "KEEP":
        return "IMPORTED", f"no training: {plan['why']}"
    if evaluation["verdict"] == "PROMOTE" and run["parked"]:
        return runs.APPROVED, f"{evaluation['why']}; the campaigns are parked: unpark deploys it"
    if evaluation["verdict"] != "PROMOTE":
        return "REJECTED", evaluation["why"]
    canaries = run["canaries"]
    why = f"{evaluation['why']}; {canaries['why']}"
    return ("PROMOTED" if canaries["verdict"] == "PASSED" else "REJECTED"), why


def _cause(failure: Mapping[str, Any]) -> str:
    """The sentence in a failure's cause; a failed function's cause is JSON around it."""
    cause = str(failure.get("Cause", ""))
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


def _data(run: Mapping[str, Any]) -> dict[str, Any]:
    if "export" not in run:
        return {}
    datasets = run["export"]["datasets"]
    part = {
        "manifest": lake.manifest_key(run["runId"]),
        "exportMode": run["export"]["mode"],
        "exportWhy": run["export"]["why"],
        "warnings": run["export"]["warnings"],
        "rows": {name: found["total"]["rows"] for name, found in datasets.items()},
        # Of the first export: what this run's jobs at Personalize have read.
        "fingerprints": run.get("fingerprints")
        or {name: found["total"]["fingerprint"] for name, found in datasets.items()},
        "newRows": datasets["interactions"]["newRows"],
        "rejected": {name: found["rejected"] for name, found in datasets.items() if found["rejected"]},
        "rejectedRows": sum(sum(found["rejected"].values()) for found in datasets.values()),
    }
    if "data" in run:
        data = run["data"]
        part |= {"importMode": data["importMode"], "importWhy": data["why"], "imports": _imports(run)}
    return part


def _imports(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    done = {(job["dataset"], job["mode"]): job for job in run.get("imports", [])}
    return [{**planned, **done.get((planned["dataset"], planned["mode"]), {})} for planned in run["data"]["imports"]]


def _training(run: Mapping[str, Any]) -> dict[str, Any]:
    if "plan" not in run:
        return {}
    plan = run["plan"]
    return {"training": {"decision": plan["decision"], "why": plan["why"], "models": run.get("models", [])}}


def _evaluation(run: Mapping[str, Any]) -> dict[str, Any]:
    found = run.get("evaluation", {})
    if "metrics" not in found:
        return {}
    return {
        "metrics": found["metrics"],
        "baselineMetrics": found["baselineMetrics"],
        "verdict": found["verdict"],
        "verdictWhy": found["why"],
    }


def _serving(run: Mapping[str, Any]) -> dict[str, Any]:
    campaigns = run.get("campaigns", [])
    part: dict[str, Any] = {"campaigns": campaigns} if campaigns else {}
    if "canaries" in run:
        part["canaries"] = {name: run["canaries"][name] for name in ("verdict", "why") if name in run["canaries"]}
    for campaign in campaigns:
        if campaign["kind"] == "recommendation":
            named = ("solutionVersionArn", "previousSolutionVersionArn")
            part |= {name: campaign[name] for name in named if name in campaign}
    return part


def _costs(run: Mapping[str, Any], status: str) -> dict[str, float]:
    """Training hours of this run, as far as they are known, and TPS-hours that campaigns cost every day from now on."""
    campaigns = {served["sk"] for served in serving.on_record().values()}
    campaigns |= {one["name"] for one in run.get("campaigns", []) if one["outcome"] == "ACTIVE"}
    by_hand = {runs.BY_HAND[runs.PARK]: True, runs.BY_HAND[runs.UNPARK]: False}
    parked = by_hand[status] if status in by_hand else serving.parked()
    hours = run.get("evaluation", {}).get("trainingHours", 0)
    return {"trainingHours": hours, "tpsHoursPerDay": 0 if parked else 24 * len(campaigns)}


def _durations(run: Mapping[str, Any], now_ms: int) -> dict[str, float]:
    """Seconds of every stage the run went through, and in total."""
    marks = run.get("marks", {})
    seconds: dict[str, float] = {}
    since = run["startedAt"]
    for mark, stage in _STAGES.items():
        if mark in marks:
            seconds[stage] = round((marks[mark] - since) / 1000, 3)
            since = marks[mark]
    return {**seconds, "total": round((now_ms - run["startedAt"]) / 1000, 3)}
