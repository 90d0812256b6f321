"""One stack behind proxies for the whole suite, and its figures at the end of the session."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields

import pytest

from tests.integration.faults.proxy import Proxy
from tests.integration.faults.rig import Rig
from tests.integration.faults.scenario import Figures
from tests.stack import running

# A claim without an outcome is settled by SES's Send event long before, or else given up after this.
GRACE_SECONDS = 5
# The default, 14, would be most of the suite's time.
MAILS_A_SECOND = 100
# As the functions' SDK names them in AWS_ENDPOINT_URL_<SERVICE>.
_SERVICES = ("SESV2", "DYNAMODB", "EVENTBRIDGE", "SQS")
_FIGURES = pytest.StashKey[list[Figures]]()
_SEARCHED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Rig]:
    """The stack, its functions' calls going through proxies."""
    proxies = {service: Proxy() for service in _SERVICES}
    endpoints = {f"AWS_ENDPOINT_URL_{service}": proxy.url for service, proxy in proxies.items()}
    state_dir = tmp_path_factory.mktemp("faults") / "state"
    parameter = f"MailGraceSeconds={GRACE_SECONDS}"
    with running(state_dir, "--parameter", parameter, SES_ALLOW_FAULTS="1", **endpoints) as stack:
        _allow(stack.endpoint, MAILS_A_SECOND)
        for proxy in proxies.values():
            proxy.upstream, proxy.ancestor = stack.endpoint, stack.process.pid
        rig = Rig(stack, proxies)
        pytestconfig.stash[_FIGURES] = rig.figures
        yield rig
    for proxy in proxies.values():
        proxy.close()


@pytest.fixture
def report(pytestconfig: pytest.Config) -> list[str]:
    """Lines to print at the end of the session: what the search for personal data went through."""
    return pytestconfig.stash.setdefault(_SEARCHED, [])


def _allow(endpoint: str, mails_a_second: int) -> None:
    """Raise the local SES's rate by its side door."""
    body = json.dumps({"MaxSendRate": mails_a_second}).encode()
    request = urllib.request.Request(f"{endpoint}/_ses/account", body, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["SendQuota"]["MaxSendRate"] == mails_a_second


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of all scenarios, whatever became of them, and what was searched for personal data."""
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section("faults")
        for line in _table(figures):
            terminalreporter.write_line(line)
    if searched := config.stash.get(_SEARCHED, []):
        terminalreporter.section("personal data")
        for line in searched:
            terminalreporter.write_line(line)


def _table(figures: Sequence[Figures]) -> Iterator[str]:
    head = [field.name for field in fields(Figures)]
    rows = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in astuple(one)] for one in figures]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for first, *others in [head, *rows]:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join([f"{first:<{widths[0]}}", *cells])
