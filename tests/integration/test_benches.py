"""Benches that need a cloud, as small as they go."""

import json

import pytest
from click.testing import CliRunner

from local.commands.benchmarks import bench
from local.compat.mail.side_door import VARIABLE


def test_every_path_brings_every_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")  # the bench opens the door; it is closed again for whoever comes next
    arguments = ["mail", "--events", "15", "--rate", "500", "--json"]
    measured = json.loads(CliRunner().invoke(bench, arguments, catch_exceptions=False).stdout)["measured"]
    assert [one["path"] for one in measured] == ["enrolments", "announcement", "queue and loop"]
    assert all((one["due"], one["lost"], one["doubled"]) == (15, 0, 0) for one in measured)
    assert all(one["seconds"] > 0 for one in measured)


def test_a_cold_start_is_measured_beside_a_bare_client() -> None:
    arguments = ["coldstart", "ranking.get_recommendation", "--repeats", "1", "--json"]
    bare, ours = json.loads(CliRunner().invoke(bench, arguments, catch_exceptions=False).stdout)["measured"]
    assert (bare["handler"], ours["handler"]) == ("a bare boto3 client", "ranking.get_recommendation")
    assert all(one["first"] > one["next"] > 0 for one in (bare, ours))


def test_only_who_asks_too_often_is_told_to_come_later() -> None:
    said = CliRunner().invoke(bench, ["requests", "--seconds", "4", "--json"], catch_exceptions=False).stdout
    steady, fivefold = json.loads(said)["measured"]
    assert steady["statuses"] == {"200": 20}
    assert set(fivefold["statuses"]) == {"200", "429"}
    assert sum(fivefold["statuses"].values()) == 100
    # One more than the formula has for the request that is due at the very end.
    assert fivefold["most_admitted"] <= fivefold["allowed"] + 1
    assert fivefold["without_hint"] == 0
