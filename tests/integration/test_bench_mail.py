"""The mail's bench: both paths bring every mail to its student, once."""

import json

import pytest
from click.testing import CliRunner

from local.commands.benchmarks import bench
from local.compat.mail.side_door import VARIABLE


def test_both_paths_bring_every_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")  # the bench opens the door; it is closed again for whoever comes next
    arguments = ["mail", "--events", "15", "--rate", "500", "--json"]
    measured = json.loads(CliRunner().invoke(bench, arguments, catch_exceptions=False).stdout)["measured"]
    assert [one["path"] for one in measured] == ["nightclass", "queue and loop"]
    assert all((one["events"], one["lost"], one["doubled"]) == (15, 0, 0) for one in measured)
    assert all(one["seconds"] > 0 for one in measured)
