"""One stack behind proxies for the whole suite, and its figures at the end of the session."""

from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest

from tests.integration.faults.proxy import Proxy
from tests.integration.faults.rig import Rig
from tests.stack import running

# A claim without an outcome is settled by SES's Send event long before, or else given up after this.
GRACE_SECONDS = 5
# The least that the template allows.
PARK_SECONDS = 60
# The default, 14, would be most of the suite's time.
MAILS_A_SECOND = 100
# As the functions' SDK names them in AWS_ENDPOINT_URL_<SERVICE>.
_SERVICES = ("SESV2", "DYNAMODB", "EVENTBRIDGE", "SQS")


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The stack, its functions' calls going through proxies."""
    proxies = {service: Proxy() for service in _SERVICES}
    endpoints = {f"AWS_ENDPOINT_URL_{service}": proxy.url for service, proxy in proxies.items()}
    state_dir = tmp_path_factory.mktemp("faults") / "state"
    parameters = ["--parameter", f"MailGraceSeconds={GRACE_SECONDS}", "--parameter", f"MailParkSeconds={PARK_SECONDS}"]
    with running(state_dir, *parameters, SES_ALLOW_FAULTS="1", **endpoints) as stack:
        for proxy in proxies.values():
            proxy.stand_before(stack.endpoint, stack.process.pid)
        rig = Rig(stack, proxies)
        rig.ses("PUT", "account", {"MaxSendRate": MAILS_A_SECOND})
        yield rig
    for proxy in proxies.values():
        proxy.close()


@pytest.fixture(autouse=True)
def _figures(rig: Rig, record_property: Callable[[str, object], None]) -> Iterator[None]:
    """A scenario's figures go into the table at the end of the session."""
    known = len(rig.figures)
    yield
    for one in rig.figures[known:]:
        record_property("faults", asdict(one))


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Iterator[list[str]]:
    """Lines to print at the end of the session: what the search for personal data went through."""
    lines: list[str] = []
    yield lines
    for line in lines:
        record_property("personal data", line)
