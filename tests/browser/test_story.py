"""What a newcomer does in the console: follow an enrolment to its mail, and a retraining to a changed ranking."""

from collections.abc import Callable
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.browser.conftest import HOSTILE, School


def css(page: Chrome, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def text(page: Chrome, selector: str) -> str:
    """The text of an element, whatever moment it is being replaced in."""
    return str(page.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def wait(page: Chrome, until: Callable[[Chrome], Any], seconds: float = 30) -> None:
    WebDriverWait(page, seconds, poll_frequency=0.1).until(until)


def press(page: Chrome, label: str) -> None:
    page.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()


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

    page.find_element(By.LINK_TEXT, "student.enrolled").click()
    assert text(page, "h1") == "student.enrolled"


def test_a_retraining_from_start_to_a_changed_ranking(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/rankings?student={school.student}")
    assert text(page, "h1") == HOSTILE
    assert css(page, "#source").get_attribute("data-source") == "popular"
    before = text(page, "[aria-labelledby=recommended-title] tbody")

    page.find_element(By.LINK_TEXT, "Retraining").click()
    press(page, "Start a night")
    page.execute_script("window.sameDocument = true")
    wait(page, lambda _: page.find_elements(By.CSS_SELECTOR, "#graph .state.running"))
    wait(page, lambda _: "PROMOTED" in text(page, "#summary"), 100)
    assert page.execute_script("return window.sameDocument"), "the states lit up without the page being loaded again"
    for name in ("Generate-training-data", "Train-models", "Record-run"):
        assert "done" in str(css(page, f"#state-{name}").get_attribute("class"))
    assert "untouched" in str(css(page, "#state-Run-failed").get_attribute("class"))
    assert page.find_elements(By.CSS_SELECTOR, "#graph .wire.taken")
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
