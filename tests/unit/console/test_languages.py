"""Pages and refusals speak the reader's language."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from local.commands.options import CommandError
from local.console.sources.queues import Queues
from tests.unit.console.asgi import Browser
from tests.unit.console.conftest import HOSTILE
from tests.unit.console.test_pages import Read


@pytest.mark.parametrize(
    ("address", "fields", "vietnamese"),
    [
        ("/retraining", {"action": "x y"}, "Không có thao tác này."),
        ("/retraining", {"action": "scheduled"}, "không có lịch nào khởi động máy trạng thái này"),
        ("/events/redrive", {"queue": "x y"}, "Không có hàng đợi thông điệp lỗi này."),
        ("/events/enroll", {}, "POST /classes/c/enrollments trả lời 404: lớp c không tồn tại"),
    ],
)
def test_a_refusal_is_in_vietnamese(
    browser: Browser, sources: SimpleNamespace, address: str, fields: dict[str, str], vietnamese: str
) -> None:
    def refuse(*_: str) -> str:
        raise CommandError("POST /classes/c/enrollments answered 404: class c does not exist")

    sources.events.enroll = refuse
    sources.runs.schedule = lambda: None
    sources.queues.redrive = Queues(Mock(kept=lambda *_: [])).redrive
    answer = browser.post(address, {**fields, "token": browser.token("/retraining")}, accept_language="vi")
    assert answer.status == 400
    assert vietnamese in Read(answer.text).text


def test_a_refused_ranking_is_in_vietnamese(browser: Browser, sources: SimpleNamespace) -> None:
    error = {"error": "GET /classes/c/ranking answered 404: class c does not exist"}
    sources.rankings.class_ranking = lambda _id: error
    sources.rankings.recommendations = lambda _id, _kind=None: error
    for address in ("/rankings?class=c", "/rankings?student=s"):
        assert "trả lời 404: lớp c không tồn tại" in Read(browser.get(address, accept_language="vi").text).text


def test_a_state_is_read_out_in_vietnamese(browser: Browser) -> None:
    labels = [one.get("aria-label") or "" for tag, one in Read(browser.get("/retraining?lang=vi").text).tags]
    assert f"{HOSTILE}, Choice, đã xong" in labels


@pytest.mark.parametrize(
    ("address", "accepted", "language"),
    [
        ("/model", "vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("/model", "en-GB", "en"),
        ("/model", "fr", "en"),
        ("/model?lang=vi", "en", "vi"),
        ("/model?lang=xx", "vi", "vi"),
    ],
)
def test_language(browser: Browser, address: str, accepted: str, language: str) -> None:
    answer = browser.get(address, accept_language=accepted)
    assert f'<html lang="{language}">' in answer.text
    assert ("Mô hình" in answer.text) == (language == "vi")


def test_a_chosen_language_stays(browser: Browser) -> None:
    cookie = browser.get("/model?lang=vi").headers["set-cookie"]
    assert "SameSite=strict" in cookie
    assert '<html lang="vi">' in browser.get("/model", cookie=cookie.partition(";")[0], accept_language="en").text
