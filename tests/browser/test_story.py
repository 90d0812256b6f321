"""What a newcomer follows: one enrolment from the API to the mail, one retraining from the schedule to a ranking."""

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser.chromium import look
from tests.browser.conftest import HOSTILE, School
from tests.browser.steps import attribute, click, css, follow, press, text, wait

_RUNNING_IN_SIGHT = """
const box = document.querySelector("#graph .state.running")?.getBoundingClientRect();
return box && box.top > 0 && box.bottom <= innerHeight && box.left > 0 && box.right <= innerWidth
"""
_WIDTHS = """
const drawing = document.querySelector("#graph svg");
return [parseFloat(drawing.getAttribute("width")), drawing.getBoundingClientRect().width]
"""
_OPACITY = "return getComputedStyle(document.querySelector('#graph .wire:not(.taken)')).opacity"
_BARS = "return [...document.querySelectorAll('.chart rect')].map((bar) => bar.getBoundingClientRect().height)"


def test_an_enrolment_from_the_api_to_the_mail(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/")
    follow(page, "Events")
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

    click(page, "#journey a[href^='/mailbox']")
    assert text(page, "#mail h2") == "Xác nhận đăng ký lớp"
    assert "SENT" in text(page, "#ledger")
    page.switch_to.frame(css(page, "iframe"))
    letter = text(page, "body")
    page.switch_to.default_content()
    assert HOSTILE in letter
    assert "đăng ký lớp" in letter
    assert not page.find_elements(By.CSS_SELECTOR, "#unsubscribe"), "a receipt has nothing to unsubscribe from"

    follow(page, "student.enrolled")
    assert text(page, "h1") == "student.enrolled"


def test_a_retraining_from_the_schedule_to_a_changed_ranking(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings?student={school.student}")
    assert text(page, "h1") == HOSTILE
    assert attribute(page, "#source", "data-source") == "popular"
    before = text(page, "[aria-labelledby=recommended-title] tbody")

    look(page, 1280, 860)
    follow(page, "Retraining")
    assert "Every night at 02:00 Asia/Ho_Chi_Minh · ENABLED" in text(page, "#schedule")
    press(page, "Run as the schedule would")
    page.execute_script("window.sameDocument = true")
    wait(page, lambda _: page.execute_script(_RUNNING_IN_SIGHT))
    wait(page, lambda _: "PROMOTED" in text(page, "#summary"), 100)
    assert "asked for by the schedule" in text(page, "#summary")
    assert page.execute_script("return window.sameDocument"), "the states lit up without the page being loaded again"
    for name in ("Generate-training-data", "Train-models", "Record-run"):
        assert "done" in attribute(page, f"#state-{name}", "class")
    assert "untouched" in attribute(page, "#state-Run-failed", "class")
    assert page.find_elements(By.CSS_SELECTOR, "#graph .wire.taken")
    meant, drawn = page.execute_script(_WIDTHS)
    assert int(drawn) == int(meant), "texts as large as they are meant"
    assert float(page.execute_script(_OPACITY)) < 0.6
    assert "PROMOTED" in text(page, "#history")

    page.execute_script("document.querySelector('#state-Plan-training').scrollIntoView({block: 'center'})")
    click(page, "#state-Plan-training")
    detail = text(page, "#detail")
    assert detail.startswith("Plan training")
    assert "TRAIN" in detail
    assert text(page, "#detail pre").startswith("{")

    follow(page, "Model")
    model, popularity = page.execute_script(_BARS)
    assert model > popularity, "the model is better than popularity"
    assert "FULL" in text(page, "#volumes")

    follow(page, "Rankings")
    css(page, "input[name=student]").send_keys(school.student)
    press(page, "Show")
    assert attribute(page, "#source", "data-source") == "campaign"
    assert text(page, "[aria-labelledby=recommended-title] tbody") != before
