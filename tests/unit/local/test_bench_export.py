"""The export's bench: both ways read the same rows, and one that loses some is not measured."""

import json

import pytest
from click.testing import CliRunner

from local.bench import export, memory_cloud
from local.commands.benchmarks import bench


def test_both_ways_write_every_row() -> None:
    said = CliRunner().invoke(bench, ["export", "--rows", "7001", "--json"], catch_exceptions=False).output
    ours, theirs = json.loads(said)["measured"]
    assert (ours["exporter"], theirs["exporter"]) == ("nightclass", "paginator")
    assert ours["rows"] == theirs["rows"] == 7001
    assert 0 < ours["idle_mb"] <= ours["peak_mb"]


def test_an_exporter_that_loses_rows_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_cloud, "TABLE", "elsewhere")
    with pytest.raises(RuntimeError, match="wrote 0 of 5 rows"):
        export.run("nightclass", 5)


@pytest.mark.parametrize("segments", [1, 4])
def test_a_scan_shows_each_interaction_once(segments: int) -> None:
    seen = []
    for segment in range(segments):
        request = {"TableName": memory_cloud.TABLE, "Segment": segment, "TotalSegments": segments}
        while True:
            answer = json.loads(memory_cloud.page(10_001, request))
            seen += [item["interactionId"]["S"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    assert len(seen) == len(set(seen)) == 10_001
