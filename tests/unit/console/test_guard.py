"""Other web sites can neither read the pages nor press the buttons."""

from types import SimpleNamespace

import pytest

from tests.unit.console.asgi import ORIGIN, Browser

_START = {"action": "start"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8001", "localhost.evil.example:8000", ""])
@pytest.mark.parametrize("address", ["/", "/static/console.js", "/mailbox/m-1/body"])
def test_a_foreign_host_gets_nothing(browser: Browser, host: str, address: str) -> None:
    answer = browser.get(address, host=host)
    assert answer.status == 421
    assert len(answer.text) < 40


def test_localhost_is_this_machine(browser: Browser) -> None:
    assert browser.get("/model", host="localhost:8000").status == 200


@pytest.mark.parametrize("address", ["/", "/nothing", "/static/console.css"])
def test_every_answer_carries_the_rules(browser: Browser, address: str) -> None:
    headers = browser.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_a_button_of_ours_works(browser: Browser, sources: SimpleNamespace) -> None:
    answer = browser.post("/retraining", {**_START, "token": browser.token("/retraining")})
    assert answer.status == 303
    assert answer.headers["location"] == "/retraining?run=started"
    assert sources.runs.started == [{"trigger": "manual", "force": False}]


@pytest.mark.parametrize(
    ("fields", "request_sent"),
    [
        ({"action": "force"}, {"trigger": "manual", "force": True}),
        ({"action": "rollback"}, {"trigger": "rollback"}),
        ({"action": "park"}, {"trigger": "park"}),
        ({"action": "unpark"}, {"trigger": "unpark"}),
        ({"action": "resume", "run_id": "r-1"}, {"trigger": "manual", "force": False, "runId": "r-1"}),
    ],
)
def test_each_button_starts_its_kind_of_run(
    browser: Browser, sources: SimpleNamespace, fields: dict[str, str], request_sent: dict[str, object]
) -> None:
    browser.post("/retraining", {**fields, "token": browser.token("/retraining")})
    assert sources.runs.started == [request_sent]


def test_a_run_as_the_schedule_would_start_it(browser: Browser, sources: SimpleNamespace) -> None:
    fields = {"action": "scheduled", "token": browser.token("/retraining")}
    assert browser.post("/retraining", fields).headers["location"] == "/retraining?run=started"
    assert sources.runs.started == ["as scheduled"]
    sources.runs.schedule = lambda: None
    assert browser.post("/retraining", fields).status == 400


@pytest.mark.parametrize("fields", [{"action": "nonsense"}, {"action": "resume"}, {}])
def test_no_other_button_is_there(browser: Browser, sources: SimpleNamespace, fields: dict[str, str]) -> None:
    assert browser.post("/retraining", {**fields, "token": browser.token("/retraining")}).status == 400
    assert sources.runs.started == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1:8001", "https://127.0.0.1:8000"]
)
def test_a_form_of_another_origin_is_refused(browser: Browser, sources: SimpleNamespace, origin: str) -> None:
    answer = browser.post("/retraining", {**_START, "token": browser.token("/retraining")}, origin=origin)
    assert answer.status == 403
    assert sources.runs.started == []


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "x" * 32}, {"token": "ü"}])
@pytest.mark.parametrize("address", ["/retraining", "/events/enroll", "/events/redrive"])
def test_a_form_without_the_token_is_refused(
    browser: Browser, sources: SimpleNamespace, address: str, token: dict[str, str]
) -> None:
    assert browser.post(address, {**_START, **token}).status == 403
    assert sources.runs.started == []


@pytest.mark.parametrize(
    ("body", "origin", "english", "vietnamese"),
    [
        (b"x" * 70_000, ORIGIN, "this is no form, or one of more than 64 kB\n", "đây không phải là biểu mẫu"),
        (b"\xff\xfe", ORIGIN, "this is no form, or one of more than 64 kB\n", "đây không phải là biểu mẫu"),
        (b"{}", ORIGIN, "this page is out of date: load it again\n", "trang này đã cũ"),
        (b"a=b", "null", "this form is not ours\n", "biểu mẫu này không phải"),
    ],
)
def test_a_refused_form_hears_why_in_its_readers_language(
    browser: Browser, body: bytes, origin: str, english: str, vietnamese: str
) -> None:
    answer = browser.ask("POST", "/retraining", body, {"origin": origin})
    assert (answer.status, answer.text) == (403, english)
    told = browser.ask("POST", "/retraining", body, {"origin": origin, "accept-language": "vi"})
    assert told.status == 403
    assert told.text.startswith(vietnamese)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(browser: Browser, method: str) -> None:
    assert browser.ask(method, "/retraining", b"", {"origin": ORIGIN}).status == 405


def test_enrolling_and_sending_back(browser: Browser) -> None:
    token = browser.token("/events")
    enrolled = browser.post("/events/enroll", {"token": token, "student_id": "s", "class_id": "c"})
    assert enrolled.headers["location"] == "/events?event=e%2F1"
    sent_back = browser.post("/events/redrive", {"token": token, "queue": "MailDeadLetters"})
    assert sent_back.headers["location"] == "/events?moved=3"
