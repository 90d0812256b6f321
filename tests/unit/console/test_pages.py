"""The pages: hostile names stay text, both languages are whole, nothing but our own files is loaded."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

import local.console
from local.console.pages.model import METRICS, chart_of
from local.console.rendering import PAGES
from local.console.sources.runs import StateRun, Visit
from local.console.texts import VIETNAMESE
from ranking.popularity import ITEM_TYPES
from tests.unit.console.asgi import Browser
from tests.unit.console.conftest import HOSTILE, MAIL, RECORD

_TEMPLATES = sorted((Path(local.console.__file__).parent / "templates").glob("*.html"))
_ADDRESSES = [
    *(address for address, _ in PAGES),
    "/retraining?state=" + quote(HOSTILE),
    "/retraining?machine=erasure&run=x",
    "/mailbox?mail=m-1&to=" + quote(HOSTILE),
    "/events?moved=3&correlation=" + quote(HOSTILE),
    "/events?event=" + quote(HOSTILE),
    "/events?letters=" + quote(HOSTILE),
    "/rankings?student=" + quote(HOSTILE),
    "/rankings?class=" + quote(HOSTILE),
    "/model?metric=coverage",
]


class Read(HTMLParser):
    """What a page contains."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("address", _ADDRESSES)
def test_hostile_names_stay_text(browser: Browser, address: str, language: str) -> None:
    answer = browser.get(address, accept_language=language)
    assert answer.status == 200, answer.text
    page = Read(answer.text)
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"src": "/static/console.js", "defer": None}]
    assert HOSTILE in page.text
    assert "49" not in re.findall(r"&\{?(\d+)", page.text), "a template ran what somebody wrote"
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        for name in ("href", "src", "action"):
            address_there = attributes.get(name) or "/"
            assert address_there.startswith(("/", "#")), (tag, attributes)
            assert not address_there.startswith("//")


@pytest.mark.parametrize("address", _ADDRESSES)
def test_pages_can_be_used_by_everybody(browser: Browser, address: str) -> None:
    """A heading, a skip link, no control without a name, no id twice."""
    page = Read(browser.get(address).text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert ("a", {"class": "skip", "href": "#main"}) in page.tags
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert sorted(set(ids), key=str) == sorted(ids, key=str)
    assert all("title" in attributes for tag, attributes in page.tags if tag == "iframe")
    assert tags.count("label") == len(
        [1 for tag, one in page.tags if tag == "select" or (tag == "input" and one.get("type") != "hidden")]
    )


def test_every_text_is_there_in_vietnamese() -> None:
    used = {name for _, name in PAGES}
    for template in _TEMPLATES:
        for match in re.finditer(r"""_\(("(?:[^"]*)"|'(?:[^']*)')""", template.read_text()):
            used.add(ast.literal_eval(match[1]))
    badges = (_TEMPLATES[0].parent / "parts.html").read_text().partition("{% endmacro %}")[0]
    words = set(re.findall(r"'([a-z]+)': '", badges))
    assert words >= {"done", "running", "failed", "serving", "campaign", "cache"}
    # What badges show besides, without a colour of its own.
    used |= words | {"parked", "none", "popular"}
    assert used - VIETNAMESE.keys() == set()
    assert len(used) > 100


def test_vietnamese_pages_say_nothing_in_english(browser: Browser, sources: SimpleNamespace) -> None:
    why = "recommendation: NDCG@25 0.8868 against popularity's 0.1604; 5 students with a history got an answer"
    record = {**RECORD, "why": why, "status": "PROMOTED"}
    sources.runs.records = lambda _limit=20: [record]
    recent = {"name": "x", "status": "SUCCEEDED", "startedAt": 1.0, "stoppedAt": 2.0, "record": record}
    sources.runs.recent = lambda _machine: [recent]
    serving = {"campaigns": "parked", "rankings": "popular items, and the last good answers of a day"}
    sources.overview.serving = lambda: serving
    page = Read(browser.get("/?lang=vi").text).text
    assert "đang tạm dừng" in page
    assert "học liệu phổ biến, và các gợi ý tốt gần nhất trong ngày" in page
    shown = "NDCG@25 0.8868 so với 0.1604 của độ phổ biến; 5 học viên có lịch sử đã nhận được gợi ý"
    assert shown in page
    retraining = Read(browser.get("/retraining?lang=vi&state=" + quote(HOSTILE)).text).text
    assert shown in retraining
    assert "đã xong" in retraining
    assert "Kết quả của tác vụ" in retraining
    assert "popular items" in Read(browser.get("/?lang=en").text).text


def test_parking_asks_first(browser: Browser) -> None:
    page = browser.get("/retraining").text
    question = page.partition('<details class="ask">')[2].partition("</details>")[0]
    assert 'value="park"' in question
    assert page.count('value="park"') == 1
    assert "deletes the campaigns" in question


def test_a_mail_can_load_and_run_nothing(browser: Browser) -> None:
    answer = browser.get("/mailbox/m-1/body")
    rules = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert rules["sandbox"] == ""
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert rules["img-src"] == "data:"
    frame = next(attributes for tag, attributes in Read(browser.get("/mailbox").text).tags if tag == "iframe")
    assert frame["sandbox"] in (None, "")
    assert browser.get("/mailbox/other/body").status == 404


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/events?event=none",
        "/mailbox?mail=none",
        "/mailbox?event=none",
        "/events?letters=none",
        "/retraining?run=none",
    ],
)
def test_what_is_not_there(browser: Browser, address: str) -> None:
    answer = browser.get(address)
    assert answer.status == 404
    assert "<h1>" in answer.text


def test_an_announcement_says_how_many_mails_it_caused(browser: Browser, sources: SimpleNamespace) -> None:
    mails = [{**MAIL, "messageId": f"m-{number}"} for number in range(13)]
    sources.mails.caused_by = lambda _event: mails
    page = Read(browser.get("/events?event=e").text)
    assert "8 of 13: show all" in page.text
    address = next(one["href"] for _, one in page.tags if one.get("id") == "all-mails")
    sources.mails.one = lambda _id: MAIL
    inbox = Read(browser.get(str(address)).text)
    assert len([one for _, one in inbox.tags if str(one.get("id")).startswith("mail-") and "href" in one]) == 13
    sources.mails.caused_by = lambda _event: mails[:8]
    assert "show all" not in browser.get("/events?event=e").text


def test_what_happened_inside_of_a_map_is_not_told(browser: Browser, sources: SimpleNamespace) -> None:
    def classes() -> dict[str, str]:
        tags = Read(browser.get("/retraining").text).tags
        return {
            str(one["id"]): str(one["class"]).split()[2] for tag, one in tags if str(one.get("id")).startswith("state-")
        }

    run = sources.runs.execution("", "")
    sources.runs.execution = lambda _machine, _name: run
    assert classes()["state-Inner"] == "untouched"
    run.states["Map"] = StateRun("Map", [Visit(1.0, "{}", 2.0)])
    assert classes() == {"state-" + HOSTILE: "done", "state-Map": "done", "state-Inner": "untold"}
    assert "not told" in browser.get("/retraining?state=Inner").text
    run.states["Inner"] = StateRun("Inner", [Visit(1.0, "{}", 2.0)])
    assert classes()["state-Inner"] == "done"


def test_a_source_that_fails_is_one_line(browser: Browser, sources: SimpleNamespace) -> None:
    def broken(_limit: int = 1) -> Any:
        raise ConnectionError(f"refused {HOSTILE}\n  somewhere")

    sources.runs.records = broken
    answer = browser.get("/model")
    assert answer.status == 502
    assert HOSTILE in Read(answer.text).text


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ({"at": "02:00", "zone": "Asia/Ho_Chi_Minh", "state": "ENABLED"}, "Every night at 02:00 Asia/Ho_Chi_Minh"),
        ({"at": None, "expression": "rate(3 days)", "zone": "UTC", "state": "DISABLED"}, "By schedule rate(3 days)"),
    ],
)
def test_the_schedule_is_told(browser: Browser, sources: SimpleNamespace, schedule: dict[str, Any], shown: str) -> None:
    sources.runs.schedule = lambda: schedule
    text = " ".join(Read(browser.get("/retraining").text).text.split())
    assert shown in text
    assert f"· {schedule['state']}" in text
    assert "Run as the schedule would" in text
    sources.runs.schedule = lambda: None
    assert "Run as the schedule would" not in browser.get("/retraining").text


def test_a_run_stands_out_of_the_picture(browser: Browser, sources: SimpleNamespace) -> None:
    def marks() -> tuple[list[str], list[str]]:
        page = Read(browser.get("/retraining").text)
        classes = [str(one.get("class")) for tag, one in page.tags if tag in {"svg", "g"}]
        return [one for one in classes if "graph" in one], [one for one in classes if one.startswith("label")]

    run = sources.runs.execution("", "")
    run.taken = {(HOSTILE, "Map")}
    sources.runs.execution = lambda _machine, _name: run
    assert marks() == (["graph ran"], ["label taken"] * 2)
    run.taken = set()
    assert marks() == (["graph ran"], ["label"] * 2)
    sources.runs.recent = lambda _machine: []
    assert marks()[0] == ["graph"]


def test_a_run_that_kept_no_record_tells_what_it_answered(browser: Browser, sources: SimpleNamespace) -> None:
    recent, run = sources.runs.recent("retraining")[0], sources.runs.execution("", "")
    run.status, run.failure = "SUCCEEDED", ""
    run.record = {"runId": "r-1", "status": "SKIPPED_LOCKED", "trigger": "manual", "why": "another run holds the lease"}
    sources.runs.execution = lambda _machine, _name: run
    sources.runs.recent = lambda _machine: [{**recent, "record": None}]
    text = Read(browser.get("/retraining").text).text
    assert "SKIPPED_LOCKED" in text
    assert "another run holds the lease" in text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"trigger": "schedule"}, "asked for by the schedule"),
        ({"trigger": "manual"}, "started by hand"),
        ({"trigger": "request", "requestedBy": "demo"}, "asked for by an event (demo)"),
        ({"trigger": "rollback"}, "trigger: rollback"),
    ],
)
def test_who_asked_for_a_run(browser: Browser, sources: SimpleNamespace, asked: dict[str, str], shown: str) -> None:
    recent = sources.runs.recent("retraining")[0]
    sources.runs.recent = lambda _machine: [{**recent, "record": {**RECORD, **asked}}]
    assert shown in " ".join(Read(browser.get("/retraining").text).text.split())


def test_recommendations_can_be_narrowed_to_what_the_api_ranks(browser: Browser) -> None:
    page = browser.get("/rankings?student=s").text
    assert tuple(re.findall(r"[?;&]type=([a-z]+)", page)) == ITEM_TYPES


def test_the_chart_shows_what_both_have_measured() -> None:
    metric = next(iter(METRICS))
    unmeasured = {"runId": "early", "status": "SKIPPED_TOO_SMALL"}
    chart = chart_of([RECORD, unmeasured], metric)
    assert chart is not None
    model, popularity = chart.bars
    assert model.value == 0.5
    assert popularity.height == pytest.approx(model.height / 5)
    assert model.y + model.height == pytest.approx(popularity.y + popularity.height)
    assert chart_of([unmeasured], metric) is None
    assert chart_of([RECORD], "coverage") is None
