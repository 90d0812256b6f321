"""State "Check data": `{lease, export, force}`; decides whether and how the export is imported."""

from typing import Any

from retraining import doubts, lease, runs
from retraining.data_check import check


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{verdict, why, importMode, imports}`."""
    held, mark = lease.prove(event), runs.watermark()
    found = check(held.run_id, event["export"], mark, force=event["force"])
    doubts.note(held, mark, found["imports"])
    return found
