"""What a person does with a page."""

from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

# How Chromium puts it where an element went between two of the driver's own steps.
_REPLACED = "does not belong to the document"


def css(page: Chrome, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def text(page: Chrome, selector: str) -> str:
    """The text of an element, whatever moment it is being replaced in."""
    return str(page.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def attribute(page: Chrome, selector: str, name: str) -> str:
    """An attribute of an element, whatever moment it is being replaced in; none is ""."""
    read = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? ''"
    return str(page.execute_script(read, selector, name))


def wait(page: Chrome, until: Callable[[Chrome], Any], seconds: float = 30) -> None:
    """Until something holds; an element replaced while it was looked at is looked at again."""

    def holds(_: Chrome) -> Any:
        try:
            return until(page)
        except StaleElementReferenceException:
            return False
        except WebDriverException as error:
            if _REPLACED not in str(error.msg):
                raise
            return False

    WebDriverWait(page, seconds, poll_frequency=0.1).until(holds)


def click(page: Chrome, selector: str, by: str = By.CSS_SELECTOR) -> None:
    """Click an element, of a part that the page keeps up to date too."""

    def clicked(_: Chrome) -> bool:
        page.find_element(by, selector).click()
        return True

    wait(page, clicked)


def follow(page: Chrome, link: str) -> None:
    """Click the link of this text."""
    click(page, link, By.LINK_TEXT)


def keys(page: Chrome, *pressed: str) -> None:
    """Press keys, wherever the focus is."""
    ActionChains(page).send_keys(*pressed).perform()


def focused(page: Chrome, what: str) -> str:
    """A property of the focused element."""
    return str(page.execute_script("return document.activeElement[arguments[0]]", what))


def press(page: Chrome, label: str) -> None:
    """Press a button, and wait for the page it leads to."""
    before = css(page, "html")
    click(page, f"//button[normalize-space()='{label}']", By.XPATH)
    wait(page, staleness_of(before))
