"""The portal in a real browser: headless Chromium against gunicorn with two workers."""

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
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from portal import create_app
from portal_testing import ADMIN, MEMBER, PASSWORD, REMEMBER, SESSION, add_user, close_database

pytestmark = pytest.mark.browser

PORTAL = Path(__file__).parents[1]
SCREENSHOTS = Path(__file__).parent / "screenshots"
PHONE, DESKTOP = (390, 844), (1280, 900)
PATIENCE = 20  # seconds until a page that has not come is a failure
NEW_PASSWORD = "another long password"

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

StartBrowser = Callable[[str], "Browser"]


class Browser:
    """Chromium with one profile, on one portal."""

    def __init__(self, binary: str, driver: str, profile: Path, url: str) -> None:
        options = ChromeOptions()
        options.binary_location = binary
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.url = url
        self.driver = Chrome(options=options, service=ChromeService(driver))
        self.wait = WebDriverWait(self.driver, PATIENCE)
        self.resize(DESKTOP)

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
            element = self.driver.find_element(By.NAME, name)
            if value is True:
                element.click()
            else:
                element.clear()
                element.send_keys(str(value))

    def press(self, text: str) -> None:
        """Press the button, or follow the link, with this text; wait for the next page.

        What the page itself offers comes before the site's navigation.
        """
        named = f"[self::a or self::button][normalize-space()='{text}']"
        found = self.driver.find_elements(By.XPATH, f"//main//*{named}")
        found += self.driver.find_elements(By.XPATH, f"//nav//*{named}")
        page = self.driver.find_element(By.TAG_NAME, "html")
        found[0].click()
        self.wait.until(expected_conditions.staleness_of(page))

    def log_in(self, email: str, password: str = PASSWORD, *, remember: bool = False) -> None:
        self.open("/login")
        self.fill(email=email, password=password, **({"remember": True} if remember else {}))
        self.press("Log in")
        self.arrive("/account/")

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
        """Set the system's light or dark preference."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, name: str) -> None:
        """Write the whole page at phone and at desktop width."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for label, size in (("phone", PHONE), ("desktop", DESKTOP)):
            self.resize(size)
            width = self.driver.execute_script("return document.documentElement.scrollWidth")
            assert width <= size[0], f"{name} is {width} pixels wide on a {label}"
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1}
            answer = self.driver.execute_cdp_cmd(
                "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
            )
            (SCREENSHOTS / f"{name}-{label}.png").write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """What Chromium complained about, refusals of pages themselves aside."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # Selenium
            if "/static/" in entry["message"] or "the server responded" not in entry["message"]
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
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait(PATIENCE)


@pytest.fixture
def portal_url(tmp_path: Path, chromium: tuple[str, str]) -> Iterator[str]:
    """A portal with an administrator and a member, and ``/fails/<code>``."""
    instance = tmp_path / "instance"
    app = create_app(instance_path=str(instance))
    add_user(app, ADMIN, role="admin")
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

    def start(name: str) -> Browser:
        browser = Browser(*chromium, tmp_path / f"profile-{name}", portal_url)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()


def test_the_whole_story_of_a_member_in_two_browsers(start_browser: StartBrowser) -> None:
    browser = start_browser("first")

    # Register, then log in and be remembered.
    browser.open("/")
    browser.press("Create an account")
    browser.fill(name="Eve", email="eve@example.com", password=PASSWORD, repeat=PASSWORD)
    browser.press("Create account")
    browser.arrive("/login")
    assert "Your account is ready" in browser.text
    browser.log_in("eve@example.com", remember=True)
    assert "Hello, Eve" in browser.text
    assert "Fresh login" in browser.text
    assert browser.cookies() == {SESSION, REMEMBER}
    assert browser.driver.execute_script("return document.cookie") == ""

    # Close the browser and come back: known, but not fresh.
    browser.close()
    browser = start_browser("first")
    browser.open("/account/")
    assert "Hello, Eve" in browser.text
    assert "Remembered" in browser.text

    # What is sensitive asks for the password, then goes where it was asked to.
    browser.open("/account/password")
    browser.arrive("/reauthenticate?next=%2Faccount%2Fpassword")
    browser.fill(password="not my password")
    browser.press("Continue")
    assert "This is not your password." in browser.text
    browser.fill(password=PASSWORD)
    browser.press("Continue")
    browser.arrive("/account/password")

    # A second browser is logged in too, and remembered.
    second = start_browser("second")
    second.log_in("eve@example.com", remember=True)

    # A new password keeps this browser and ends the other one.
    browser.fill(current=PASSWORD, password=NEW_PASSWORD, repeat=NEW_PASSWORD)
    browser.press("Change password")
    browser.arrive("/account/profile")
    assert "Every other browser is logged out." in browser.text
    second.open("/account/")
    second.arrive("/login?next=%2Faccount%2F")
    assert second.complaints() == []

    # Log out; the Back button shows nothing private.
    browser.open("/account/")
    assert "eve@example.com" in browser.text
    browser.press("Log out")
    browser.arrive("/")
    assert "You are logged out." in browser.text
    assert REMEMBER not in browser.cookies()
    browser.driver.back()
    browser.arrive("/login?next=%2Faccount%2F")
    assert "eve@example.com" not in browser.text
    assert browser.complaints() == []


def test_a_device_signed_out_in_one_browser_is_out_in_the_other(
    start_browser: StartBrowser,
) -> None:
    desk, sofa = start_browser("desk"), start_browser("sofa")
    desk.log_in(MEMBER)
    sofa.log_in(MEMBER, remember=True)

    # One sees both, and signs the other out.
    desk.press("Your devices")
    desk.arrive("/account/devices/")
    assert desk.text.count("127.0.0.1") == 2
    assert desk.text.count("This device") == 1
    assert desk.text.count("Remembered") == 1
    assert "Chrome" in desk.text
    desk.screenshot("devices")
    desk.prefer("dark")
    desk.screenshot("dark-devices")
    desk.prefer("light")
    desk.resize(DESKTOP)
    desk.press("Sign out")
    desk.arrive("/account/devices/")
    assert "is signed out." in desk.text

    # The other is out at its next click, and is told why; nor does its cookie bring it back.
    sofa.press("Profile")
    sofa.arrive("/login?next=%2Faccount%2Fprofile")
    assert "This device was signed out" in sofa.text
    assert REMEMBER not in sofa.cookies()
    sofa.screenshot("login-signed-out")
    sofa.resize(DESKTOP)

    # Back again, a third one too; one button ends all others.
    sofa.log_in(MEMBER, remember=True)
    shelf = start_browser("shelf")
    shelf.log_in(MEMBER)
    desk.open("/account/devices/")
    assert desk.text.count("127.0.0.1") == 3
    desk.press("Sign out all others")
    desk.arrive("/account/devices/")
    assert "2 logins ended" in desk.text
    assert desk.text.count("127.0.0.1") == 1
    for other in (sofa, shelf):
        other.press("API keys")
        other.arrive("/login?next=%2Faccount%2Fkeys")
        assert "This device was signed out" in other.text

    # A remembered browser that comes back proves it before it ends anything.
    sofa.log_in(MEMBER, remember=True)
    sofa.driver.delete_cookie(SESSION)
    sofa.open("/account/devices/")
    sofa.screenshot("devices-remembered")
    sofa.resize(DESKTOP)
    sofa.press("Enter your password")
    sofa.fill(password=PASSWORD)
    sofa.press("Continue")
    sofa.arrive("/account/devices/")
    sofa.press("Sign out")
    sofa.arrive("/account/devices/")
    desk.press("Dashboard")
    desk.arrive("/login?next=%2Faccount%2F")
    for browser in (desk, sofa, shelf):
        assert browser.complaints() == []


def test_a_remembered_administrator_proves_it_and_opens_the_admin_page(
    start_browser: StartBrowser,
) -> None:
    browser = start_browser("admin")
    browser.log_in(ADMIN, remember=True)
    browser.close()
    browser = start_browser("admin")
    browser.open("/admin/")
    browser.arrive("/reauthenticate?next=%2Fadmin%2F")
    browser.fill(password=PASSWORD)
    browser.press("Continue")
    browser.arrive("/admin/")
    assert MEMBER in browser.text

    # A member is logged in elsewhere; the administrator sees it and ends it.
    member = start_browser("member")
    member.log_in(MEMBER, remember=True)
    browser.open("/admin/")
    browser.screenshot("admin-logins")
    browser.resize(DESKTOP)
    browser.press("End logins")
    assert "Mia: 1 login ended." in browser.text
    member.press("Profile")
    member.arrive("/login?next=%2Faccount%2Fprofile")
    assert "by an administrator" in member.text

    browser.press("Close account")
    assert "The account of Mia is closed" in browser.text
    assert browser.complaints() == []


def test_a_script_put_into_a_page_does_not_run(start_browser: StartBrowser) -> None:
    browser = start_browser("scripts")
    browser.open("/login")
    browser.driver.execute_script(
        "const script = document.createElement('script');"
        "script.textContent = 'window.injected = true';"
        "document.body.append(script);"
    )
    assert browser.driver.execute_script("return window.injected") is None
    assert any("Content Security Policy" in text for text in browser.complaints())


def test_the_keyboard_reaches_the_content_first(start_browser: StartBrowser) -> None:
    browser = start_browser("keyboard")
    browser.open("/register")
    browser.open("/")
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to the content"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.arrive("/#content")


def test_the_menu_of_a_phone_opens(start_browser: StartBrowser) -> None:
    browser = start_browser("phone")
    browser.resize(PHONE)
    browser.log_in(MEMBER)
    log_out = browser.driver.find_element(By.XPATH, "//nav//button[normalize-space()='Log out']")
    assert not log_out.is_displayed()
    browser.driver.find_element(By.CLASS_NAME, "navbar-toggler").click()
    browser.wait.until(expected_conditions.element_to_be_clickable(log_out))
    SCREENSHOTS.mkdir(exist_ok=True)
    browser.wait.until_not(
        expected_conditions.presence_of_element_located((By.CLASS_NAME, "collapsing"))
    )
    browser.driver.save_screenshot(str(SCREENSHOTS / "menu-phone.png"))
    assert browser.complaints() == []


def test_every_page_fits_a_phone_and_a_desk(start_browser: StartBrowser) -> None:
    browser = start_browser("tour")
    for name, path in (("home", "/"), ("login", "/login"), ("register", "/register")):
        browser.open(path)
        browser.screenshot(name)
    browser.press("Create account")
    browser.screenshot("register-refused")
    browser.open("/account/")
    browser.screenshot("login-needed")

    browser.log_in(ADMIN, remember=True)
    for name, path in (
        ("home-member", "/"),
        ("dashboard", "/account/"),
        ("profile", "/account/profile"),
        ("change-password", "/account/password"),
        ("api-keys-none", "/account/keys"),
        ("admin", "/admin/"),
    ):
        browser.open(path)
        browser.screenshot(name)
    browser.open("/account/keys")
    browser.fill(name="Backup script")
    browser.press("Create key")
    browser.screenshot("api-keys-new")
    browser.press("Delete")
    browser.fill(name="Calendar")
    browser.press("Create key")
    browser.open("/account/keys")
    browser.screenshot("api-keys")

    browser.prefer("dark")
    for name, path in (
        ("dark-dashboard", "/account/"),
        ("dark-admin", "/admin/"),
        ("dark-change-password", "/account/password"),
        ("dark-api-keys", "/account/keys"),
    ):
        browser.open(path)
        browser.screenshot(name)
    browser.prefer("light")

    browser.driver.delete_cookie(SESSION)
    browser.open("/account/")
    browser.screenshot("dashboard-remembered")
    browser.open("/admin/")
    browser.screenshot("reauthenticate")
    for code in (400, 401, 403, 404, 500):
        browser.open(f"/fails/{code}")
        browser.screenshot(f"error-{code}")
    assert browser.complaints() == []
