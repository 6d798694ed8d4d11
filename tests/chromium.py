"""Headless Chromium and small servers, for the tests of the documentation."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.deadlines import at_most
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PHONE, DESKTOP = (390, 844), (1280, 900)
PATIENCE = 20  # seconds until a page that has not come is a failure
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",
)


def give_up(reason: str) -> NoReturn:
    """Skip, or fail where a missing browser must not go unnoticed."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Start a browser, with a profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="drives a browser")
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        give_up("Chromium or its driver is missing: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in (*SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: Chrome, size: tuple[int, int]) -> None:
    """Show pages at this width and height."""
    width, height = size
    view = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)


def wait_until(browser: Chrome, what: Callable[[Chrome], Any]) -> Any:
    """Wait until `what` gives something true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, at_most(PATIENCE), poll_frequency=0.05).until(what)


def press(browser: Chrome, by: str, where: str) -> None:
    """Press an element as soon as it is there, shown, enabled and covered by nothing."""
    from selenium.common.exceptions import (
        ElementClickInterceptedException,
        StaleElementReferenceException,
    )
    from selenium.webdriver.support.expected_conditions import element_to_be_clickable

    there = element_to_be_clickable((by, where))

    def pressed(browser: Chrome) -> bool:
        element = there(browser)
        if not element:
            return False
        try:
            element.click()
        except (ElementClickInterceptedException, StaleElementReferenceException):
            return False  # nothing was pressed: it moved, or was replaced
        return True

    wait_until(browser, pressed)


@contextmanager
def serve(app: Any, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a WSGI application for as long as the context lasts; gives its address."""
    server = make_server(host, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
