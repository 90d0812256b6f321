"""Whether tonight's data is worth a training: imports are cheap and nightly, trainings cost hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campus.settings import settings
from retraining import names

BASELINE = {"kind": "popularity", "recipe": "aws-popularity-count"}
DAY_MS, HOUR_MS = 86_400_000, 3_600_000


@dataclass(frozen=True)
class Policy:
    """When to train although nobody forces it."""

    max_age_days: float
    min_new_share: float

    def reasons(self, trained: Mapping[str, Any], rows: int, kinds: set[str], now_ms: int) -> list[str]:
        """Why to train now; [] is a reason not to.

        Args:
            trained: `{at (epoch ms), rows, kinds}` of the last training; {} where there was none.
            rows: interactions imported now.
            kinds: the models that are wanted.
            now_ms: epoch milliseconds.
        """
        if not trained:
            return ["no model has been trained yet"]
        reasons = []
        if never := sorted(kinds - set(trained["kinds"])):
            reasons.append(f"no {' and no '.join(never)} model has been trained yet")
        age = (now_ms - trained["at"]) / DAY_MS
        if age >= self.max_age_days:
            reasons.append(f"the last training is {age:.1f} days old (limit {self.max_age_days:g})")
        share = (rows - trained["rows"]) / max(trained["rows"], 1)
        if share >= self.min_new_share:
            reasons.append(f"{share:.1%} new interactions since the last training (limit {self.min_new_share:.0%})")
        return reasons

    def why_not(self, trained: Mapping[str, Any], rows: int, now_ms: int) -> str:
        """The sentence for a night without training."""
        age = (now_ms - trained["at"]) / DAY_MS
        share = (rows - trained["rows"]) / max(trained["rows"], 1)
        return (
            f"the last training is {age:.1f} days old (limit {self.max_age_days:g}) and there are {share:.1%} new "
            f"interactions since (limit {self.min_new_share:.0%})"
        )


def plan(rows: int, mark: Mapping[str, Any], now_ms: int, *, trigger: str, force: bool) -> dict[str, Any]:
    """What to train.

    Args:
        rows: interactions of this run's export.
        mark: the watermark; its `trained` tells of the last training.
        now_ms: epoch milliseconds.
        trigger: a request does not train soon after another training, whatever has come in; the next night may.
        force: train whatever the policy says.

    Returns:
        `{decision: TRAIN | KEEP, why, models: [{kind, name, recipe}]}`; the popularity baseline is trained together
        with the models, because metrics compare only on the same data.
    """
    wanted = [{"kind": "recommendation", "recipe": settings.recommendation_recipe}]
    if settings.enable_reranking == "true":
        wanted.append({"kind": "ranking", "recipe": settings.ranking_recipe})
    trained = mark.get("trained", {})
    policy = Policy(settings.retrain_after_days, settings.retrain_share)
    reasons = ["forced"] if force else policy.reasons(trained, rows, {model["kind"] for model in wanted}, now_ms)
    if not reasons:
        return {"decision": "KEEP", "why": policy.why_not(trained, rows, now_ms), "models": []}
    if trigger == "request" and trained and not force:
        hours = (now_ms - trained["at"]) / HOUR_MS
        if hours < settings.request_spacing_hours:
            limit = f"a request trains {settings.request_spacing_hours:g} h after it at the earliest"
            why = f"the last training is {hours:.1f} h old, and {limit}; the next night may: {'; '.join(reasons)}"
            return {"decision": "KEEP", "why": why, "models": []}
    models = [{**model, "name": names.model_name(model["kind"])} for model in (*wanted, BASELINE)]
    return {"decision": "TRAIN", "why": "; ".join(reasons), "models": models}
