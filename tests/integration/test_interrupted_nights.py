"""A laptop that is closed in the middle of a night: the next day somebody goes on at once."""

import json
import time
from pathlib import Path
from typing import Any

from tests.integration.test_three_nights import load, made
from tests.stack import Stack, eventually, running

LEASE = {"pk": "LEASE", "sk": "nightly_retraining"}


def holder(stack: Stack) -> Any:
    """The execution that holds the lease."""
    return stack.table("operations").get_item(Key=LEASE).get("Item", {}).get("owner")


def test_a_night_whose_cloud_went_down_is_resumed_at_once(tmp_path: Path) -> None:
    with running(tmp_path / "state", "--time-scale", "0.05") as first:
        load(first, tmp_path / "term.csv", made())
        machine = {"stateMachineArn": first.ready["stateMachineArn"]}
        arn = first.client("stepfunctions").start_execution(**machine, input='{"trigger": "schedule"}')["executionArn"]
        eventually(lambda: holder(first) == arn)
        unknown = first.nightclass("resume", "261122-020000-3f9a", check=False)
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert "there is no run 261122-020000-3f9a" in unknown.stderr
        going = first.table("operations").get_item(Key=LEASE)["Item"]["runId"]
        eventually(lambda: first.table("operations").get_item(Key={"pk": f"RUN#{going}", "sk": "RECORD"}).get("Item"))
        refused = first.nightclass("resume", going, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "was not resumed: another run holds the lease" in refused.stderr
        eventually(lambda: first.client("personalize").list_dataset_import_jobs()["datasetImportJobs"])
    with running(tmp_path / "state") as second:
        assert holder(second) == arn
        assert second.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "FAILED"
        run_id = second.table("operations").get_item(Key=LEASE)["Item"]["runId"]
        began = time.monotonic()
        record = json.loads(second.nightclass("resume", run_id, "--json", timeout=300).stdout)
        assert (record["status"], record["runId"], record["resumed"]) == ("PROMOTED", run_id, True)
        # Far below the half hour after which the lease would have ended by itself.
        assert time.monotonic() - began < 300
        assert holder(second) is None
