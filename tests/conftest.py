"""Fixtures every kind of test may use."""

import os
from collections.abc import Iterator

import pytest

from tests.stack import Stack, running

pytest_plugins = ["tests.figures"]

# Tests never see the developer's AWS account.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="ap-southeast-1",
    AWS_EC2_METADATA_DISABLED="true",
)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, deployed once a session from the very template on a local cloud of its own."""
    with running(tmp_path_factory.mktemp("stack") / "state") as deployed:
        yield deployed
