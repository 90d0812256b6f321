"""The repairs were written for one version of the emulator."""

from importlib.metadata import version

from local.compat import EMULATOR_VERSION


def test_the_installed_emulator_is_the_one_the_repairs_were_written_for() -> None:
    assert version("ministack") == EMULATOR_VERSION, "read every repair in local/compat again before changing the pin"
