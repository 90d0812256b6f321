"""The console in a real browser: what a newcomer does there, and what nobody can do to them."""

import json
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from local.console.rendering import PAGES
from tests.browser.chromium import complaints, look
from tests.browser.conftest import HOSTILE, School
from tests.browser.steps import attribute, click, css, focused, follow, keys, press, text, wait
from tests.stack import eventually

_ADDRESSES = [address for address, _ in PAGES]


@pytest.mark.parametrize("address", [*_ADDRESSES, "student", "class"])
def test_pages_fit_a_phone_and_a_desk_light_and_dark(page: Chrome, school: School, address: str) -> None:
    known = {"student": f"/rankings?student={school.student}", "class": f"/rankings?class={school.class_id}"}
    for width, dark in ((360, True), (1400, False)):
        look(page, width, 900, dark=dark)
        page.get(school.console + known.get(address, address))
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        grounds = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (grounds == "rgb(18, 23, 29)") == dark
        assert text(page, "h1")


def test_a_keyboard_is_enough(page: Chrome, school: School) -> None:
    look(page, 1400, 900)
    page.get(f"{school.console}/retraining")
    css(page, "body").send_keys(Keys.TAB)
    assert focused(page, "innerText") == "Skip to the content"
    keys(page, Keys.ENTER)
    assert focused(page, "id") == "main"
    seen = set()
    for _ in range(12):
        keys(page, Keys.TAB)
        seen.add(page.execute_script("return document.activeElement.classList[0]"))
        if "state" in seen:
            break
    assert "state" in seen, "Tab reaches the states of the picture"
    keys(page, Keys.ENTER)
    wait(page, lambda _: "Acquire lease" in text(page, "#detail"))


def test_both_languages(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/model")
    follow(page, "Tiếng Việt")
    assert text(page, "h1") == "Mô hình"
    follow(page, "Hộp thư")
    assert text(page, "h1") == "Hộp thư"


def test_a_hostile_mail_neither_runs_nor_calls_home(
    browser: Chrome, school: School, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    html = (
        f"<p id=here>Xin chào</p><script>document.title='owned'; fetch('{address}/fetched')</script>"
        f"<img src={address}/pixel.png onerror=\"document.title='owned'\"><link rel=stylesheet href={address}/a.css>"
        f"<meta http-equiv=refresh content='0;url={address}/moved'><iframe src={address}/frame></iframe>"
        f"<style>@import '{address}/b.css'; p {{ background: url({address}/c.png) }}</style>"
        f"<a id=out href={address}/followed target=_top>out</a>"
    )
    outputs = json.loads(school.stack.nightclass("outputs", "--json").stdout)
    school.stack.client("sesv2").send_email(
        FromEmailAddress=outputs["Sender"],
        Destination={"ToAddresses": ["curious@truong.example"]},
        Content={"Simple": {"Subject": {"Data": HOSTILE}, "Body": {"Html": {"Data": html}, "Text": {"Data": HOSTILE}}}},
    )
    inbox = f"{school.console}/mailbox?to={quote('curious@truong.example')}"
    browser.get(inbox)
    assert text(browser, "#mail h2") == HOSTILE
    frame = css(browser, "iframe")
    body = str(frame.get_attribute("src"))
    browser.switch_to.frame(frame)
    assert text(browser, "#here") == "Xin chào"
    css(browser, "#out").send_keys(Keys.ENTER)
    browser.switch_to.default_content()
    assert browser.current_url == inbox
    complaints(browser)
    browser.get(body)
    said = eventually(lambda: complaints(browser), lambda lines: len(lines) >= 2)
    assert all("violates the following Content Security Policy" in line or "sandboxed" in line for line in said), said
    assert browser.title != "owned"
    assert browser.current_url == body
    assert asked == []


def test_the_console_answers_to_no_other_name(school: School) -> None:
    request = urllib.request.Request(school.console, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 421


def test_every_other_button_of_the_retraining(page: Chrome, school: School) -> None:
    def ends(verdict: str) -> None:
        eventually(lambda: text(page, "#summary"), lambda shown: verdict in shown, 120)

    look(page, 1280, 860)
    page.get(f"{school.console}/retraining")
    if "PROMOTED" not in text(page, "#history"):
        press(page, "Start a night")
        ends("PROMOTED")

    press(page, "Start and train in any case")
    wait(page, lambda _: page.find_elements(By.CSS_SELECTOR, "#state-Train-models.running"), 60)
    states = school.stack.client("stepfunctions")
    machine = school.stack.ready["stateMachineArn"]
    running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"][0]
    states.stop_execution(executionArn=running["executionArn"], error="Stopped", cause="by hand")
    ends("ABORTED")
    assert "Stopped: by hand" in text(page, "#outcome")
    aborted = page.current_url

    def resumed() -> str:
        # What was stopped can let go of nothing: its lease runs out after half an hour, which is now. A function that
        # was under way may still prolong it.
        school.stack.table("operations").update_item(
            Key={"pk": "LEASE", "sk": "nightly_retraining"},
            UpdateExpression="SET leaseExpiresAt = :past",
            ExpressionAttributeValues={":past": 0},
        )
        page.get(aborted)
        press(page, "Resume this run")
        return eventually(lambda: text(page, "#verdict"), lambda verdict: verdict not in {"", "RUNNING"}, 120)

    assert eventually(resumed, lambda verdict: verdict != "SKIPPED_LOCKED") == "PROMOTED"

    press(page, "Roll back")
    ends("ROLLED_BACK")
    click(page, "#ask-park")
    press(page, "Delete the campaigns")
    ends("PARKED")
    page.get(f"{school.console}/rankings?student={school.student}")
    assert attribute(page, "#source", "data-source") != "campaign"
    page.get(f"{school.console}/retraining")
    press(page, "Unpark")
    ends("UNPARKED")


def test_page_after_page(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings")
    first = text(page, "tbody")
    follow(page, "More students")
    wait(page, lambda _: text(page, "tbody") not in {"", first})
    assert len(page.find_elements(By.CSS_SELECTOR, "tbody tr")) == 25

    bus = school.stack.ready["eventBus"]
    bare = {"EventBusName": bus, "Source": "api.ranking", "DetailType": "ranking.nothing", "Detail": "{}"}
    events = school.stack.client("events")
    for _ in range(4):
        assert not events.put_events(Entries=[bare] * 10)["FailedEntryCount"]
    page.get(f"{school.console}/events")
    assert len(page.find_elements(By.CSS_SELECTOR, "#timeline li")) == 30
    newest = attribute(page, "#event-1", "href")
    follow(page, "Older events")
    wait(page, lambda _: "more=" in page.current_url and attribute(page, "#event-1", "href") != newest)


def test_the_class_ranking_from_its_list(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings")
    Select(css(page, "select[name=class]")).select_by_value(school.class_id)
    click(page, "form:has(select) button")
    wait(page, lambda _: "by engagement" in text(page, "main"))
    student = text(page, "tbody a")
    click(page, "tbody a")
    wait(page, lambda _: text(page, ".head code") == student)
