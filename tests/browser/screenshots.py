"""`python -m tests.browser.screenshots DIRECTORY`: play the demo on a fresh stack and take the pages' pictures."""

import sys
import tempfile
import time
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

from local.commands.demo.stage import Stage
from local.commands.demo.story import tell
from local.commands.instance import Instance
from tests.browser.chromium import chromium, look
from tests.browser.steps import press, text
from tests.stack import running

_WIDTH, _HEIGHT = 1280, 860


def main(target: Path) -> None:
    """Write one PNG a page."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory) / "state") as stack, chromium() as driver:
        tell(Stage(as_json=False), Instance.of(stack.state_dir), Path(directory))
        console = str(stack.ready["consoleUrl"])
        take = Camera(driver, console, target)
        take("overview", "")
        take("mailbox", "mailbox")
        take("events", "events")
        driver.find_element("css selector", "#timeline li:last-child a").click()
        take("event")
        take("ranking", "rankings?student=sv017")
        take("mailbox-phone", "mailbox", width=390)
        look(driver, _WIDTH, _HEIGHT, dark=True)
        driver.get(f"{console}retraining")
        press(driver, "Start and train in any case")
        WebDriverWait(driver, 60, 0.2).until(
            lambda _: driver.find_elements("css selector", "#state-Train-models.running")
        )
        time.sleep(1)  # The picture scrolls to where something happens.
        take("retraining-running", dark=True)
        WebDriverWait(driver, 120, 0.2).until(lambda _: "RUNNING" not in text(driver, "#summary"))
        take("retraining", "retraining?state=Plan+training")
        take("retraining-vi", "retraining?lang=vi")
        take("model", "model?lang=en")


class Camera:
    """Takes a page's picture."""

    def __init__(self, driver: Chrome, console: str, target: Path) -> None:
        self._driver, self._console, self._target = driver, console, target

    def __call__(self, name: str, address: str | None = None, *, width: int = _WIDTH, dark: bool = False) -> None:
        """Show an address, or keep what is shown, and write `<name>.png`."""
        look(self._driver, width, _HEIGHT, dark=dark)
        if address is not None:
            self._driver.get(self._console + address)
            self._driver.execute_script("scrollTo(0, 0)")
        path = self._target / f"{name}.png"
        self._driver.save_screenshot(str(path))
        sys.stdout.write(f"{path}  {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
