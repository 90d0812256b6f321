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
from tests.browser.steps import css, press, text, wait
from tests.stack import eventually

_RUNNING_IN_SIGHT = """
const box = document.querySelector("#graph .state.running")?.getBoundingClientRect();
return box && box.top > 0 && box.bottom <= innerHeight && box.left > 0 && box.right <= innerWidth
"""
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
    body = css(page, "body")
    body.send_keys(Keys.TAB)
    skip = page.switch_to.active_element
    assert skip.text == "Skip to the content"
    skip.send_keys(Keys.ENTER)
    assert page.switch_to.active_element.get_attribute("id") == "main"
    seen = set()
    for _ in range(12):
        page.switch_to.active_element.send_keys(Keys.TAB)
        focused = page.switch_to.active_element
        seen.add(str(focused.get_attribute("class")).partition(" ")[0])
        if "state" in seen:
            break
    assert "state" in seen, "Tab reaches the states of the picture"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    wait(page, lambda _: "Acquire lease" in text(page, "#detail"))


def test_both_languages(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/model")
    page.find_element(By.LINK_TEXT, "Tiếng Việt").click()
    assert text(page, "h1") == "Mô hình"
    page.find_element(By.LINK_TEXT, "Hộp thư").click()
    assert text(page, "h1") == "Hộp thư"


def test_dead_letters_go_back_at_a_press(page: Chrome, school: School) -> None:
    sqs = school.stack.client("sqs")
    dead = next(url for url in sqs.list_queues()["QueueUrls"] if "-MailDeadLetters-" in url)
    event = {
        "id": "again",
        "source": "api.student",
        "detail-type": "student.enrolled",
        "time": "2026-01-01T00:00:00Z",
        "detail": {"studentId": "nobody", "classId": school.class_id},
    }
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(event))
    page.get(f"{school.console}/events")
    css(page, "#read-MailDeadLetters").click()
    wait(page, lambda _: '"studentId": "nobody"' in text(page, "main"))
    page.back()
    wait(page, lambda _: page.find_elements(By.CSS_SELECTOR, "#press-MailDeadLetters"))
    page.execute_script("document.querySelector('#press-MailDeadLetters').focus()")
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({**event, "id": "another"}))
    row = "//tr[th='MailDeadLetters']/td[1]"
    wait(page, lambda _: page.find_element(By.XPATH, row).text == "2")
    assert page.switch_to.active_element.text == "Send back", "what changed on the page has taken the focus away"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    wait(page, lambda _: "2 dead letters went back" in text(page, "#moved"))

    def left() -> int:
        answer = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    assert left() == 0


def test_a_dead_cloud_does_not_look_alive(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/events")
    page.execute_script("window.real = window.fetch; window.fetch = async () => new Response('', { status: 502 })")
    wait(page, lambda _: "Not up to date" in text(page, "#stale"))
    page.execute_script("window.fetch = window.real")
    wait(page, lambda _: not text(page, "#stale"))


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


def test_an_enrolment_from_the_api_to_the_mail(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/")
    page.find_element(By.LINK_TEXT, "Events").click()
    css(page, "input[name=student_id]").send_keys(school.student)
    Select(css(page, "select[name=class_id]")).select_by_value(school.class_id)
    press(page, "Enrol through the API")

    assert text(page, "h1") == "student.enrolled"
    page.execute_script("window.sameDocument = true")
    wait(page, lambda _: "Xác nhận đăng ký lớp" in text(page, "#journey"))
    wait(page, lambda _: "ClassActivity" in text(page, "#journey"))
    assert page.execute_script("return window.sameDocument"), "the page showed the mail without being loaded again"
    journey = text(page, "#journey")
    assert "through the API" in journey
    assert "MailQueue → SendEmailFunction" in journey
    assert "InteractionQueue → RecordInteractionFunction" in journey

    css(page, "#journey a[href^='/mailbox']").click()
    assert text(page, "#mail h2") == "Xác nhận đăng ký lớp"
    assert "SENT" in text(page, "#ledger")
    page.switch_to.frame(css(page, "iframe"))
    letter = text(page, "body")
    page.switch_to.default_content()
    assert HOSTILE in letter
    assert "đăng ký lớp" in letter
    assert not page.find_elements(By.CSS_SELECTOR, "#unsubscribe"), "a receipt has nothing to unsubscribe from"

    page.find_element(By.LINK_TEXT, "student.enrolled").click()
    assert text(page, "h1") == "student.enrolled"


def test_a_retraining_from_the_schedule_to_a_changed_ranking(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings?student={school.student}")
    assert text(page, "h1") == HOSTILE
    assert css(page, "#source").get_attribute("data-source") == "popular"
    before = text(page, "[aria-labelledby=recommended-title] tbody")

    look(page, 1280, 860)
    page.find_element(By.LINK_TEXT, "Retraining").click()
    assert "Every night at 02:00 Asia/Ho_Chi_Minh · ENABLED" in text(page, "#schedule")
    press(page, "Run as the schedule would")
    page.execute_script("window.sameDocument = true")
    wait(page, lambda _: page.execute_script(_RUNNING_IN_SIGHT))
    wait(page, lambda _: "PROMOTED" in text(page, "#summary"), 100)
    assert "asked for by the schedule" in text(page, "#summary")
    assert page.execute_script("return window.sameDocument"), "the states lit up without the page being loaded again"
    for name in ("Generate-training-data", "Train-models", "Record-run"):
        assert "done" in str(css(page, f"#state-{name}").get_attribute("class"))
    assert "untouched" in str(css(page, "#state-Run-failed").get_attribute("class"))
    assert page.find_elements(By.CSS_SELECTOR, "#graph .wire.taken")
    drawing = css(page, "#graph svg")
    assert drawing.size["width"] == int(float(drawing.get_attribute("width") or 0)), "texts as large as they are meant"
    assert float(css(page, "#graph .wire:not(.taken)").value_of_css_property("opacity")) < 0.6
    assert "PROMOTED" in text(page, "#history")

    page.execute_script("document.querySelector('#state-Plan-training').scrollIntoView({block: 'center'})")
    css(page, "#state-Plan-training").click()
    detail = text(page, "#detail")
    assert detail.startswith("Plan training")
    assert "TRAIN" in detail
    assert css(page, "#detail pre").text.startswith("{")

    page.find_element(By.LINK_TEXT, "Model").click()
    bars = page.find_elements(By.CSS_SELECTOR, ".chart rect")
    assert len(bars) == 2
    assert bars[0].size["height"] > bars[1].size["height"], "the model is better than popularity"
    assert "FULL" in text(page, "#volumes")

    page.find_element(By.LINK_TEXT, "Rankings").click()
    css(page, "input[name=student]").send_keys(school.student)
    press(page, "Show")
    assert css(page, "#source").get_attribute("data-source") == "campaign"
    assert text(page, "[aria-labelledby=recommended-title] tbody") != before


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
    css(page, "#ask-park").click()
    press(page, "Delete the campaigns")
    ends("PARKED")
    page.get(f"{school.console}/rankings?student={school.student}")
    assert css(page, "#source").get_attribute("data-source") != "campaign"
    page.get(f"{school.console}/retraining")
    press(page, "Unpark")
    ends("UNPARKED")


def test_page_after_page(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings")
    first = text(page, "tbody")
    page.find_element(By.LINK_TEXT, "More students").click()
    wait(page, lambda _: text(page, "tbody") not in {"", first})
    assert len(page.find_elements(By.CSS_SELECTOR, "tbody tr")) == 25

    bus = school.stack.ready["eventBus"]
    bare = {"EventBusName": bus, "Source": "api.ranking", "DetailType": "ranking.nothing", "Detail": "{}"}
    events = school.stack.client("events")
    for _ in range(4):
        assert not events.put_events(Entries=[bare] * 10)["FailedEntryCount"]
    page.get(f"{school.console}/events")
    assert len(page.find_elements(By.CSS_SELECTOR, "#timeline li")) == 30
    newest = css(page, "#event-1").get_attribute("href")
    page.find_element(By.LINK_TEXT, "Older events").click()
    wait(page, lambda _: "more=" in page.current_url and css(page, "#event-1").get_attribute("href") != newest)


def test_the_class_ranking_from_its_list(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings")
    Select(css(page, "select[name=class]")).select_by_value(school.class_id)
    page.find_element(By.CSS_SELECTOR, "form:has(select) button").click()
    wait(page, lambda _: "by engagement" in text(page, "main"))
    student = css(page, "tbody a").text
    css(page, "tbody a").click()
    wait(page, lambda _: text(page, ".head code") == student)
