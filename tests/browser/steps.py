"""What a person does with a page."""

from collections.abc import Callable
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait


def css(page: Chrome, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def text(page: Chrome, selector: str) -> str:
    """The text of an element, whatever moment it is being replaced in."""
    return str(page.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def wait(page: Chrome, until: Callable[[Chrome], Any], seconds: float = 30) -> None:
    WebDriverWait(page, seconds, poll_frequency=0.1).until(until)


def press(page: Chrome, label: str) -> None:
    """Press a button, and wait for the page it leads to."""
    before = css(page, "html")
    page.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()
    wait(page, staleness_of(before))
