"""The gate: a model serves only if it beats plain popularity on the very same data.

Metrics of versions trained on different data do not compare ("Evaluating a solution version with metrics"), so neither
yesterday's model nor a threshold of ours is the measure.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from campus.clients import client
from retraining import serving
from retraining.progress import Progress, failed, patient

METRIC = "normalized_discounted_cumulative_gain_at_25"
BASELINE = "popularity"


@patient
def evaluate(models: Sequence[Mapping[str, Any]]) -> Progress:
    """Judge what was trained in this run.

    Args:
        models: `{kind, name, arn}` each, the popularity baseline among them.

    Returns:
        `{outcome: ACTIVE, verdict: PROMOTE | REJECTED, why, metrics: {kind: {…}}, baselineMetrics, promote: [{kind,
        name, solutionVersionArn, trainedAt}], trainingHours}`. BUSY while metrics are not ready. The verdict is that
        on the recommendation model; a ranking model is promoted or left on its own merits.
    """
    personalize = client("personalize")
    metrics: dict[str, dict[str, float]] = {}
    trained_at: dict[str, int] = {}
    hours = 0.0
    for model in models:
        arn = model["arn"]
        version = personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
        hours += version.get("trainingHours", 0.0)
        trained_at[arn] = int(version["creationDateTime"].timestamp())
        metrics[model["kind"]] = dict(personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"])
    baseline = metrics.pop(BASELINE, None)
    if baseline is None:
        return failed("no popularity baseline was trained in this run: there is nothing to compare with")
    judged = {
        model["kind"]: _not_again(model) or judge(metrics[model["kind"]], baseline)
        for model in models
        if model["kind"] != BASELINE
    }
    promote = [
        {
            "kind": model["kind"],
            "name": model["name"],
            "solutionVersionArn": model["arn"],
            "trainedAt": trained_at[model["arn"]],
        }
        for model in models
        if model["kind"] in judged and judged[model["kind"]][0]
    ]
    return {
        "outcome": "ACTIVE",
        "verdict": "PROMOTE" if judged["recommendation"][0] else "REJECTED",
        "why": "; ".join(f"{kind}: {why}" for kind, (_, why) in judged.items()),
        "metrics": metrics,
        "baselineMetrics": baseline,
        "promote": promote if judged["recommendation"][0] else [],
        "trainingHours": round(hours, 3),
    }


def _not_again(model: Mapping[str, Any]) -> tuple[bool, str] | None:
    """The verdict on a version that served and was taken back: a resumed or repeated run finds it trained already.

    None where the way back failed, so that it still serves: it is proved again, and goes back again.
    """
    run_id = serving.taken_back(model["name"]).get(model["arn"])
    if run_id is None:
        return None
    served = serving.row(model["name"])
    if served["solutionVersionArn"] == model["arn"] and "previousSolutionVersionArn" in served:
        return None
    return False, f"run {run_id} took this version back; only a person brings it back"


def judge(measured: Mapping[str, float], baseline: Mapping[str, float]) -> tuple[bool, str]:
    """Whether a model may serve, and the sentence with the numbers."""
    value, floor = measured.get(METRIC, math.nan), baseline.get(METRIC, math.nan)
    if not math.isfinite(value):
        return False, "Personalize gave no NDCG@25 for the model"
    if not math.isfinite(floor):
        return False, "Personalize gave no NDCG@25 for popularity"
    if value <= 0:
        return False, "NDCG@25 is 0: the model knows nothing"
    if value < floor:
        return False, f"NDCG@25 {value:.4f} is below popularity's {floor:.4f}"
    return True, f"NDCG@25 {value:.4f} against popularity's {floor:.4f}"
