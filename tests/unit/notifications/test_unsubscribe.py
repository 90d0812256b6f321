"""The link that ends announcements: who can make one, what opens it, what follows."""

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campus import clients, keys, tables
from notifications import subscription, unsubscribe
from tests.unit.notifications.school import School, announced, enrolled, submitted, to_one

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:@+=-]{0,127}", fullmatch=True)
NOT_RESET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def key(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "key", lambda _: b"a key for tests")


def ask(method: str, token: str | None, body: str = "", *, encoded: bool = False) -> dict[str, Any]:
    """One request as the HTTP API hands it on."""
    event: dict[str, Any] = {"requestContext": {"http": {"method": method}}, "isBase64Encoded": encoded}
    if token is not None:
        event["queryStringParameters"] = {"token": token}
    if body:
        event["body"] = base64.b64encode(body.encode()).decode() if encoded else body
    return unsubscribe.handler(event, None)


def topics(student_id: str = "sv-1") -> object:
    return tables.students().get_item(Key={"studentId": student_id}).get("Item", {}).get("unsubscribed", set())


@NOT_RESET
@given(student_id=IDS)
@example(student_id="x" * 128)
def test_a_token_names_its_student_and_fits_into_an_address_and_a_header_of_ses(key: None, student_id: str) -> None:
    token = subscription.token(student_id, "announcement")

    assert subscription.verified(token) == (student_id, "announcement")
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    assert len(token) < 400


@settings(NOT_RESET, max_examples=20)
@given(student_id=IDS, sign=st.sampled_from("Aa0_-.=~ é\x00\ud800"))
def test_a_token_with_any_sign_changed_added_or_missing_is_none(key: None, student_id: str, sign: str) -> None:
    token = subscription.token(student_id, "announcement")
    for at in range(len(token) + 1):
        changed, added, missing = token[:at] + sign + token[at + 1 :], token[:at] + sign + token[at:], token[:at]
        for forged in {changed, added, missing, token[:at] + token[at + 1 :]} - {token}:
            assert subscription.verified(forged) is None


@NOT_RESET
@given(garbage=st.text(st.characters(exclude_categories=())))
@example(garbage="")
@example(garbage=".")
@example(garbage=base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".x")
@example(garbage=base64.urlsafe_b64encode(b'{"a": 1, "b": 2}').decode() + ".x")
@example(garbage=base64.urlsafe_b64encode(b'[["x"], {"y": 1}]').decode() + ".x")
def test_garbage_is_no_token_and_no_crash(key: None, garbage: str) -> None:
    assert subscription.verified(garbage) is None


def test_a_token_of_another_topic_ends_nothing(key: None) -> None:
    genuine = subscription.token("sv-1", "announcement")
    receipts = subscription.token("sv-1", "enrollment")

    assert subscription.verified(receipts) is None
    assert subscription.verified(f"{receipts.partition('.')[0]}.{genuine.partition('.')[2]}") is None


def test_a_token_of_another_key_is_none(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "key", lambda _: b"one")
    token = subscription.token("sv-1", "announcement")
    monkeypatch.setattr(subscription, "key", lambda _: b"other")

    assert subscription.verified(token) is None


def test_while_its_key_is_away_an_announcement_waits_and_receipts_do_not(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> bytes:
        raise keys.KeyAwayError

    school.student()
    with monkeypatch.context() as patch:
        patch.setattr(subscription, "key", away)
        school.deliver(to_one(announced()))
        school.deliver(enrolled())
    assert [row["kind"] for row in school.ledger()] == ["enrollment"]
    assert school.hidden == [60]

    school.deliver(to_one(announced()))
    assert len(school.accepted) == 2


def test_an_announcement_carries_the_link_in_headers_text_and_html_and_a_receipt_nowhere(school: School) -> None:
    school.student()
    link = subscription.link("sv-1", "announcement")
    assert link.startswith("https://api.example/unsubscribe?token=")

    for event in (enrolled(), submitted(), to_one(announced())):
        school.deliver(event)

    *receipts, announcement = (mail["Content"]["Simple"] for mail in school.accepted)
    assert {header["Name"]: header["Value"] for header in announcement["Headers"]} == {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": ONE_CLICK,
    }
    assert link in announcement["Body"]["Text"]["Data"]
    assert link in announcement["Body"]["Html"]["Data"]
    assert len(receipts) == 2
    assert not [mail for mail in receipts if mail.get("Headers") or "nsubscribe" in json.dumps(mail)]


def test_the_longest_link_is_a_header_that_ses_takes(environment: None, key: None) -> None:
    shape: Any = clients.client("sesv2").meta.service_model.shape_for("MessageHeader")
    link = subscription.link("x" * 128, "announcement").replace(
        "https://api.example", "https://" + "a" * 10 + ".execute-api.ap-southeast-1.amazonaws.com"
    )

    value = shape.members["Value"].metadata
    assert len(f"<{link}>") <= value["max"]
    assert re.fullmatch(value["pattern"], f"<{link}>")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "post"])
@pytest.mark.parametrize("body", ["", ONE_CLICK])
def test_whoever_only_looks_ends_nothing(school: School, method: str, body: str) -> None:
    school.student()

    answer = ask(method, subscription.token("sv-1", "announcement"), body)

    assert answer["statusCode"] == 200
    assert topics() == set()
    assert "UpdateItem" not in school.calls


@pytest.mark.parametrize("body", ["", "x=y", "List-Unsubscribe=", '{"studentId": "sv-1"}'])
def test_a_post_that_does_not_say_what_for_asks_first(school: School, body: str) -> None:
    school.student()

    assert '<form method="post">' in ask("POST", subscription.token("sv-1", "announcement"), body)["body"]

    assert topics() == set()


MULTIPART = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.mark.parametrize("body", [ONE_CLICK, MULTIPART], ids=["url-encoded", "multipart"])
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
def test_one_click_ends_announcements_and_no_receipt(school: School, body: str, encoded: bool) -> None:
    school.student()
    token = subscription.token("sv-1", "announcement")

    answers = [ask("POST", token, body, encoded=encoded) for _ in range(2)]

    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert answers[0] == answers[1]
    assert "Đã ngừng gửi thông báo" in answers[0]["body"]
    assert topics() == {"announcement"}
    for event in (enrolled(), submitted(), to_one(announced())):
        assert school.deliver(event) == 0
    assert {row["kind"]: row["status"] for row in school.ledger()} == {
        "enrollment": "SENT",
        "submission": "SENT",
        "announcement": "SKIPPED_UNSUBSCRIBED",
    }


def test_another_student_goes_on_being_written_to(school: School) -> None:
    school.student("sv-1")
    school.student("sv-2")

    ask("POST", subscription.token("sv-1", "announcement"), ONE_CLICK)

    assert topics("sv-2") == set()


def test_a_student_who_is_gone_is_answered_like_any_other_and_not_brought_back(school: School) -> None:
    school.student("here")

    for method in ("GET", "POST"):
        here, gone = (
            ask(method, subscription.token(student, "announcement"), ONE_CLICK) for student in ("here", "gone")
        )
        assert here == gone
    assert not tables.students().get_item(Key={"studentId": "gone"}).get("Item")


@pytest.mark.parametrize("token", [None, "", "x", "W10.", "%00", "../../etc/passwd"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_token_is_refused_without_details(school: School, method: str, token: str | None) -> None:
    answer = ask(method, token, ONE_CLICK)

    assert answer["statusCode"] == (403 if token else 400)
    assert "Liên kết không hợp lệ" in answer["body"]
    assert "This link is not valid" in answer["body"]
    assert not school.calls


def test_a_body_that_is_no_text_ends_nothing(school: School) -> None:
    school.student()
    token = subscription.token("sv-1", "announcement")
    event = {"requestContext": {"http": {"method": "POST"}}, "queryStringParameters": {"token": token}}

    answer = unsubscribe.handler(
        {**event, "body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}, None
    )

    assert answer["statusCode"] == 200
    assert topics() == set()


class Page(HTMLParser):
    """Tags and all attributes that lead somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.leads += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "action"} or name[:2] == "on"]


@pytest.mark.parametrize(
    ("locale", "question", "done"),
    [
        ("vi", "Ngừng nhận thông báo qua email?", "Đã ngừng gửi thông báo"),
        ("en", "Stop announcements by e-mail?", "Announcements stopped"),
        ("fr", "Ngừng nhận thông báo qua email?", "Đã ngừng gửi thông báo"),
    ],
)
def test_the_pages_speak_the_students_language_and_load_nothing(
    school: School, locale: str, question: str, done: str
) -> None:
    school.student(locale=locale)
    token = subscription.token("sv-1", "announcement")
    answers = [ask("GET", token), ask("POST", token, ONE_CLICK), ask("GET", "bad")]

    assert question in answers[0]["body"]
    assert done in answers[1]["body"]
    for answer in answers:
        page = Page()
        page.feed(answer["body"])
        assert not page.leads
        assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
        assert "sv-1" not in answer["body"]
        assert f'<html lang="{locale if locale == "en" and answer is not answers[2] else "vi"}">' in answer["body"]
        headers = answer["headers"]
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "script-src" not in headers["content-security-policy"]
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        # The token stands in the address, which must not travel to another site.
        assert headers["referrer-policy"] == "no-referrer"
