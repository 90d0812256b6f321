"""A pytest plugin: the sample stack on a local cloud of its own, deployed once a session."""

from collections.abc import Iterator

import pytest

from local.cloud import Cloud
from local.deploy import deploy
from tests.integration.sample.stack import PARAMETERS, TEMPLATE, Sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """The sample stack."""
    with Cloud(tmp_path_factory.mktemp("sample") / "state") as cloud:
        yield Sample(cloud, deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS, stack_name="sample"))
