"""`bench` without a subcommand measures every part, each with its defaults."""

import click
import pytest
from click.testing import CliRunner

from local.commands.benchmarks import bench

# The rest of `load` is in `nightly`.
_PARTS = set(bench.commands) - {"load"}


def test_without_a_subcommand_every_part_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    for name in bench.commands:
        monkeypatch.setattr(bench.commands[name], "callback", lambda name=name, **_: measured.append(name))
    assert CliRunner().invoke(bench, [], catch_exceptions=False).exit_code == 0
    assert set(measured) == _PARTS
    assert len(measured) == len(_PARTS)


def test_one_directory_is_no_place_for_several_stacks(tmp_path: object) -> None:
    arguments = ["nightly", "--rows", "1000", "--rows", "2000", "--state-dir", str(tmp_path)]
    refused = CliRunner().invoke(bench, arguments)
    assert refused.exit_code == click.UsageError.exit_code
    assert "--state-dir" in refused.output
