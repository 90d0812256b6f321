"""States "Export share" and "Generate training data": `{lease, cutOff, full, workers, worker?}`; writes to the lake."""

from typing import Any

from campus import clock
from retraining import lake, lease, runs, scope, shares
from retraining.export import brief, export


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The manifest without its parts: `{cutOff, since, mode, why, base, warnings, datasets}`; of a share, its rows."""
    held = lease.prove(event)
    cut_off, workers = int(event["cutOff"]), int(event["workers"])
    chosen = scope.choose(runs.watermark(), clock.now_ms(), full=event["full"], workers=workers)
    with lake.proving(lambda: lease.renew(held)):
        if "worker" not in event:
            return brief(export(held.run_id, cut_off, chosen, workers))
        if chosen.mode != "FULL":
            return {"rows": 0}
        return {"rows": shares.write(held.run_id, cut_off, chosen, int(event["worker"]), workers).rows}
