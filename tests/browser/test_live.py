"""Pages that keep themselves up to date, under the hands of somebody who uses them."""

import json

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from tests.browser.conftest import School
from tests.browser.steps import attribute, click, css, focused, keys, text, wait


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
    click(page, "#read-MailDeadLetters")
    wait(page, lambda _: '"studentId": "nobody"' in text(page, "main"))
    page.back()
    wait(page, lambda _: page.find_elements(By.CSS_SELECTOR, "#press-MailDeadLetters"))
    page.execute_script("document.querySelector('#press-MailDeadLetters').focus()")
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({**event, "id": "another"}))
    row = "//tr[th='MailDeadLetters']/td[1]"
    wait(page, lambda _: page.find_element(By.XPATH, row).text == "2")
    assert focused(page, "innerText") == "Send back", "what changed on the page has taken the focus away"
    keys(page, Keys.ENTER)
    wait(page, lambda _: "2 dead letters went back" in text(page, "#moved"))

    def left() -> int:
        answer = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    assert left() == 0


def test_a_press_counts_though_the_page_changes_meanwhile(page: Chrome, school: School) -> None:
    sqs, bus = school.stack.client("sqs"), school.stack.ready["eventBus"]
    dead = next(url for url in sqs.list_queues()["QueueUrls"] if "-InteractionDeadLetters-" in url)
    sqs.send_message(QueueUrl=dead, MessageBody="{}")
    page.get(f"{school.console}/events")
    wait(page, lambda _: page.find_elements(By.CSS_SELECTOR, "#press-InteractionDeadLetters"))
    newest = attribute(page, "#event-1", "href")
    button = css(page, "#press-InteractionDeadLetters")
    ActionChains(page).scroll_to_element(button).click_and_hold(button).perform()
    sqs.send_message(QueueUrl=dead, MessageBody="{}")
    bare = {"EventBusName": bus, "Source": "api.ranking", "DetailType": "ranking.nothing", "Detail": "{}"}
    school.stack.client("events").put_events(Entries=[bare])
    wait(page, lambda _: attribute(page, "#event-1", "href") != newest)
    ActionChains(page).release().perform()
    wait(page, lambda _: "2 dead letters went back" in text(page, "#moved"))


def test_a_dead_cloud_does_not_look_alive(page: Chrome, school: School) -> None:
    page.get(f"{school.console}/events")
    page.execute_script("window.real = window.fetch; window.fetch = async () => new Response('', { status: 502 })")
    wait(page, lambda _: "Not up to date" in text(page, "#stale"))
    page.execute_script("window.fetch = window.real")
    wait(page, lambda _: not text(page, "#stale"))
