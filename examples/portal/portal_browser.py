"""What the browser tests share: headless Chromium, and gunicorn with two workers."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from portal import create_app
from portal_axe import NoNpm, script, violations
from portal_testing import (
    ADMIN,
    MEMBER,
    PASSWORD,
    add_authenticator,
    add_user,
    close_database,
    next_code,
)

PORTAL = Path(__file__).parent
SCREENSHOTS = PORTAL / "tests" / "screenshots"
PHONE, DESKTOP = (390, 844), (1280, 900)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
# Seconds until a page that has not come is a failure; a slow machine may ask for more.
PATIENCE = 20 * float(os.environ.get("FLASK_LOGIN_TEST_PATIENCE", "1"))

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

StartBrowser = Callable[..., "Browser"]


class Browser:
    """Chromium with one profile, on one portal."""

    def __init__(
        self, binary: str, driver: str, profile: Path, url: str, user_agent: str | None
    ) -> None:
        self.instance = profile.parent / "instance"
        options = ChromeOptions()
        options.binary_location = binary
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.url = url
        self.driver = Chrome(options=options, service=ChromeService(driver))
        self.driver.set_page_load_timeout(3 * PATIENCE)
        # Asked in the middle of a change of pages, the driver may fail: ask again.
        self.wait = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[WebDriverException])
        self.resize(DESKTOP)
        shown = self.driver.execute_script("return navigator.userAgent").replace("Headless", "")
        self.driver.execute_cdp_cmd(
            "Network.setUserAgentOverride", {"userAgent": user_agent or shown}
        )

    @property
    def path(self) -> str:
        """The address shown, without the host."""
        return self.driver.current_url.removeprefix(self.url)

    @property
    def text(self) -> str:
        """What a person can read."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def arrive(self, path: str) -> None:
        """Wait until the address is ``path`` and the page is there."""
        self.wait.until(expected_conditions.url_to_be(self.url + path))
        self.wait.until(
            lambda driver: driver.execute_script("return document.readyState") == "complete"
        )

    def fill(self, **fields: str | bool) -> None:
        """Type into the fields of the page; ``True`` ticks a box."""
        for name, value in fields.items():
            if value is True:
                self.click(By.NAME, name)
            else:
                element = self.wait.until(
                    expected_conditions.element_to_be_clickable((By.NAME, name))
                )
                element.clear()
                element.send_keys(str(value))

    def click(self, by: str, where: str) -> None:
        """Press an element as soon as it is there, shown, enabled and covered by nothing."""
        there = expected_conditions.element_to_be_clickable((by, where))

        def pressed(driver: Chrome) -> bool:
            element = there(driver)
            if not element:
                return False
            try:
                element.click()
            except (ElementClickInterceptedException, StaleElementReferenceException):
                return False  # nothing was pressed: it moved, or was replaced
            return True

        self.wait.until(pressed)

    def press(self, text: str) -> None:
        """Press the button, or follow the link, with this text; wait for the next page.

        What the page itself offers comes before the site's navigation.
        """
        named = f"[self::a or self::button][normalize-space()='{text}']"
        within_main, within_nav = f"//main//*{named}", f"//nav//*{named}"
        either = (By.XPATH, f"{within_main} | {within_nav}")
        self.wait.until(expected_conditions.presence_of_element_located(either))
        page = self.driver.find_element(By.TAG_NAME, "html")
        first = within_main if self.driver.find_elements(By.XPATH, within_main) else within_nav
        self.click(By.XPATH, first)
        self.wait.until(expected_conditions.staleness_of(page))

    def log_in(self, email: str, password: str = PASSWORD, *, remember: bool = False) -> None:
        self.open("/login")
        self.fill(email=email, password=password, **({"remember": True} if remember else {}))
        self.press("Log in")
        if self.path.startswith("/login/code"):
            self.fill(code=self.next_code(email))
            self.press("Log in")
        self.arrive("/account/")

    def next_code(self, email: str) -> str:
        """A code that the account's authenticator app shows, and that has not been used."""
        app = create_app(instance_path=str(self.instance))
        code = next_code(app, email)
        close_database(app)
        return code

    def cookies(self) -> set[str]:
        return {cookie["name"] for cookie in self.driver.get_cookies()}

    def resize(self, size: tuple[int, int]) -> None:
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": size == PHONE,
            },
        )

    def prefer(self, scheme: str) -> None:
        """Set the system's light or dark preference; without motion, a page is as it will be."""
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, name: str) -> None:
        """Write the whole page, dark and light, at phone and at desktop width.

        Each time the page has to fit the window, and axe-core to find nothing wrong with it.
        """
        SCREENSHOTS.mkdir(exist_ok=True)
        for scheme in ("dark", "light"):
            self.prefer(scheme)
            for width in (PHONE, DESKTOP):
                self.resize(width)
                label = "phone" if width == PHONE else "desktop"
                title = f"{'dark-' if scheme == 'dark' else ''}{name}-{label}"
                self.check(title, width[0])
                self.take(SCREENSHOTS / f"{title}.png", width[0])

    def check(self, title: str, room: int) -> None:
        """Look for what is too wide for the window, or wrong in the eyes of axe-core."""
        width = self.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= room, f"{title} is {width} pixels wide"
        hidden = self.driver.execute_script(
            "return [...document.querySelectorAll('main .card')]"
            ".filter(card => card.scrollWidth > card.clientWidth).length"
        )
        assert hidden == 0, f"{title} hides a part of a card"
        found = violations(self.driver)
        assert not found, f"{title}:\n" + "\n".join(found)

    def take(self, file: Path, width: int) -> None:
        """Write a picture of the whole page."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
        )
        file.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """What Chromium complained about, refusals of pages themselves aside.

        Nor does it matter that a test types before Chromium has put the cursor somewhere.
        """
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # Selenium
        messages = [entry["message"] for entry in log]
        return [
            message
            for message in messages
            if "/static/" in message
            or not ("the server responded" in message or "Autofocus processing" in message)
        ]

    def close(self) -> None:
        self.driver.quit()


def give_up(reason: str) -> NoReturn:
    """Skip on somebody's own machine; in CI a missing browser is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> tuple[str, str]:
    """Where Chromium and its driver are."""
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        give_up("Chromium or its driver is missing: apt-get install chromium chromium-driver")
    try:
        script()
    except NoNpm:
        give_up("npm is missing, which fetches axe-core: apt-get install npm")
    return binary, driver


@contextmanager
def serve(application: str, instance: Path) -> Iterator[str]:
    """Run ``application`` under gunicorn with two workers; gives its address.

    The socket listens before gunicorn starts, so a browser that is too early
    waits in its queue: nobody has to ask whether the server is up.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        handle = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--workers=2", "--no-control-socket"]
        server = subprocess.Popen(
            [*command, "--log-level=warning", f"--bind=fd://{handle}", application],
            cwd=PORTAL,
            env={**os.environ, "INSTANCE_PATH": str(instance)},
            pass_fds=[handle],
        )
        try:
            # By its name, because browsers have no passkeys for addresses of numbers.
            yield f"http://localhost:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait(PATIENCE)


@pytest.fixture
def portal_url(tmp_path: Path, chromium: tuple[str, str]) -> Iterator[str]:
    """A portal with an administrator and a member, and ``/fails/<code>``."""
    instance = tmp_path / "instance"
    app = create_app(instance_path=str(instance))
    add_user(app, ADMIN, role="admin")
    add_authenticator(app, ADMIN)
    add_user(app, MEMBER)
    close_database(app)
    with serve("portal_testing:failing_portal()", instance) as url:
        yield url


@pytest.fixture
def start_browser(
    tmp_path: Path, chromium: tuple[str, str], portal_url: str
) -> Iterator[StartBrowser]:
    """Start a browser by the name of its profile; the same name is the same person again."""
    started: list[Browser] = []

    def start(name: str, user_agent: str | None = None) -> Browser:
        browser = Browser(*chromium, tmp_path / f"profile-{name}", portal_url, user_agent)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()
