"""What a student sees of an outage: an answer all the same, or in time a word that there is none."""

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from campus.breaker import FAILURES
from tests.stack import Answer, Stack, eventually

REQUESTS = 40
Behave = Callable[[socket.socket], None]


def mute(connection: socket.socket) -> None:
    """Take the request and say nothing until whoever asked gives up."""
    while connection.recv(65536):
        pass


def trickle(connection: socket.socket) -> None:
    """Answer a byte at a time, so that no read ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n")
    ended = threading.Event()
    while not ended.wait(0.3):
        connection.sendall(b" ")


def nonsense(connection: socket.socket) -> None:
    """Answer what is no answer."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")


class Broken:
    """A server in the place of a service; counts who came."""

    def __init__(self, behave: Behave) -> None:
        self.asked = 0
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._behave(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def instead_of(service: str, stack: Stack, behave: Behave) -> Iterator[Broken]:
    """GET /ranking meets something broken where a service should be (AWS_ENDPOINT_URL_<SERVICE>)."""
    functions = stack.client("lambda")
    pages = functions.get_paginator("list_functions").paginate()
    [function] = [one for page in pages for one in page["Functions"] if "GetRecommendation" in one["FunctionName"]]
    name, variables = function["FunctionName"], function["Environment"]["Variables"]
    broken = Broken(behave)
    disturbed = variables | {f"AWS_ENDPOINT_URL_{service}": broken.url}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": disturbed})
    try:
        yield broken
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        broken.close()


@pytest.fixture(scope="module")
def student(stack: Stack) -> str:
    admin = stack.token("quan-tri", "admin")
    assert stack.call("PUT", "/students/sv-mat-dien", {"email": "md@truong.example"}, token=admin).status == 200
    materials = [{"itemId": "mat-dien-doc", "type": "document"}]
    body = {"title": "Mất điện", "materials": materials}
    assert stack.call("PUT", "/classes/lop-mat-dien", body, token=admin).status == 200
    own = stack.token("sv-mat-dien")
    enrolled = stack.call("POST", "/classes/lop-mat-dien/enrollments", {"studentId": "sv-mat-dien"}, token=own)
    assert enrolled.status == 202
    eventually(lambda: ask(stack), lambda answer: answer.body["recommendations"])
    return "sv-mat-dien"


def ask(stack: Stack) -> Answer:
    return stack.call("GET", "/ranking/sv-mat-dien", token=stack.token("sv-mat-dien"))


@pytest.mark.parametrize("behave", [mute, trickle, nonsense], ids=lambda behave: str(behave.__name__))
def test_without_personalize_there_is_an_answer_and_soon_nobody_waits(
    stack: Stack, student: str, behave: Behave, record_property: Callable[[str, object], None]
) -> None:
    took: list[float] = []
    with instead_of("PERSONALIZE_RUNTIME", stack, behave) as personalize:
        for _ in range(REQUESTS):
            begin = time.perf_counter()
            answer = ask(stack)
            took.append(time.perf_counter() - begin)
            assert answer.status == 200
            assert answer.body["source"] in {"cache", "popular"}
            assert answer.body["recommendations"]
    took.sort()
    record_property(
        "outages",
        f"Personalize {behave.__name__}: {REQUESTS} requests answered 200, {personalize.asked} of them asked it; "
        f"p50 {statistics.median(took):.2f} s, p99 {took[REQUESTS * 99 // 100]:.2f} s (allowed: 1.5)",
    )
    assert personalize.asked > 0
    if behave is not nonsense:  # which costs no time, so nobody is kept from asking
        assert personalize.asked <= FAILURES * 8, "each process finds out once"


def test_without_the_key_there_is_an_answer(
    stack: Stack, student: str, record_property: Callable[[str, object], None]
) -> None:
    with instead_of("SECRETS_MANAGER", stack, mute):
        begin = time.perf_counter()
        answers = [ask(stack) for _ in range(6)]
        took = time.perf_counter() - begin
    assert {(answer.status, answer.body["source"]) for answer in answers} <= {(200, "popular"), (200, "cache")}
    record_property("outages", f"Secrets Manager mute: 6 requests answered 200 in {took:.1f} s")


def test_without_the_tables_nobody_is_let_in_and_is_told_so_in_time(
    stack: Stack, student: str, record_property: Callable[[str, object], None]
) -> None:
    """Who may read whom is in the tables: without them there is no answer, but a word in time."""
    with instead_of("DYNAMODB", stack, lambda connection: connection.close()):
        begin = time.perf_counter()
        answer = ask(stack)
        took = time.perf_counter() - begin
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    record_property("outages", f"DynamoDB away: 503 with Retry-After in {took:.1f} s")
    assert eventually(lambda: ask(stack), lambda later: later.status == 200)
