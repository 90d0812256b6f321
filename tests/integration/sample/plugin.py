"""A pytest plugin: the sample stack on a local cloud of its own, deployed once a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.deploy import deploy
from tests.integration.sample.stack import PARAMETERS, TEMPLATE, Sample


@pytest.fixture(scope="session")
def sample_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample stack's cloud keeps what it knows."""
    return tmp_path_factory.mktemp("sample") / "state"


@pytest.fixture(scope="session")
def sample(sample_state: Path) -> Iterator[Sample]:
    """The sample stack."""
    with Cloud(sample_state) as cloud:
        yield Sample(cloud, deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS, stack_name="sample"))
