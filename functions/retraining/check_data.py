"""State "Check data": `{lease, export, force}`; decides whether and how the export is imported."""

from typing import Any

from retraining import lease, runs
from retraining.data_check import check


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{verdict, why, importMode, imports}`."""
    held = lease.prove(event)
    return check(held.run_id, event["export"], runs.watermark(), force=event["force"])
