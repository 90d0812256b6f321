"""Debian's Chromium without a screen, and what it says about the pages it loads."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

BINARY = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
# Chromium's own services look for the internet at every start; as root there is no sandbox to be had.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
)


@contextmanager
def chromium(language: str = "en") -> Iterator[Chrome]:
    """A fresh browser with an empty profile."""
    options = ChromeOptions()
    options.binary_location = BINARY or ""
    for flag in (*_FLAGS, f"--lang={language}", f"--accept-lang={language}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        driver.set_page_load_timeout(30)
        yield driver
    finally:
        driver.quit()


def look(driver: Chrome, width: int, height: int, *, dark: bool = False) -> None:
    """Have the window this large, and this light."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def hosts(driver: Chrome) -> set[str]:
    """Hosts that pages have asked since the last call."""
    found = set()
    for entry in driver.get_log("performance"):  # type: ignore[no-untyped-call]
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}:
            parameters = message["params"]
            address = urlsplit(parameters["request"]["url"] if "request" in parameters else parameters["url"])
            if address.scheme not in {"data", "about", "blob"}:
                found.add(address.netloc)
    return found


def complaints(driver: Chrome) -> list[str]:
    """What the console of the browser says since the last call."""
    return [str(entry["message"]) for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
