"""One stack with a school in it, and a browser that must never leave this machine."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome

from local.term import Term, simulate
from tests.browser.chromium import BINARY, DRIVER, chromium, complaints, hosts
from tests.stack import Stack, running

HOSTILE = "<script>alert(1)</script> \"Đỗ\" & 'Ngân'"


@dataclass(frozen=True)
class School:
    """A running stack whose term is loaded; nothing is trained yet."""

    stack: Stack
    term: Term
    student: str
    class_id: str

    @property
    def console(self) -> str:
        """Where the pages are."""
        return str(self.stack.ready["consoleUrl"]).rstrip("/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not (BINARY and DRIVER):
                item.add_marker(pytest.mark.skip("no chromium and chromedriver: apt-get install chromium-driver"))


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    directory = tmp_path_factory.mktemp("console")
    term = simulate(end=int(time.time()) // 86_400 * 86_400, students=120)
    with running(directory / "state") as stack:
        term.write_interactions(directory / "interactions.csv")
        items = term.write_items(directory / "items.csv")
        stack.nightclass("load", str(directory / "interactions.csv"), "--items", str(items))
        taken = {(one.student_id, one.class_id) for one in term.happenings}
        student = term.students[0].student_id
        class_id = next(course.class_id for course in term.courses if (student, course.class_id) not in taken)
        person = {"email": f"{student}@truong.example", "displayName": HOSTILE, "locale": "vi"}
        admin = stack.token("office", "admin")
        assert stack.call("PUT", f"/students/{student}", person, token=admin).status < 300
        yield School(stack, term, student, class_id)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser: Chrome, school: School) -> Iterator[Chrome]:
    """The browser; afterwards it must have asked nobody but the console, and complained about nothing."""
    browser.get(school.console)  # The page of another school would go on to ask that one.
    browser.delete_all_cookies()
    hosts(browser)
    complaints(browser)
    yield browser
    assert hosts(browser) <= {urlsplit(school.console).netloc}
    assert complaints(browser) == []


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask: its address, and who did."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
