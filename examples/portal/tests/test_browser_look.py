"""What a person sees: times of their own zone, addresses in one piece, pages without scripts."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from portal.times import UNITS, in_words
from portal_browser import DESKTOP, PHONE, Browser, StartBrowser
from portal_testing import MEMBER, PASSWORD

pytestmark = pytest.mark.browser

LONG = "rosamunde.pilcher@example.org"


def in_zone(browser: Browser, zone: str) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})


def shown(browser: Browser, form: str, moment: str) -> str:
    """Return what the page makes of a moment of the server's."""
    return str(
        browser.driver.execute_script(
            "const time = document.createElement('time');"
            "time.dataset.time = arguments[0]; time.dateTime = arguments[1];"
            "document.body.append(time);"
            "document.dispatchEvent(new Event('visibilitychange'));"
            "time.remove(); return time.textContent.replaceAll('\\u00a0', ' ');",
            form,
            moment,
        )
    )


def test_times_are_those_of_the_visitors_zone(start_browser: StartBrowser) -> None:
    browser = start_browser("zone")
    for zone, expected in (
        ("Asia/Kolkata", "1 Feb 2026, 05:15"),
        ("America/New_York", "31 Jan 2026, 18:45"),
        ("UTC", "31 Jan 2026, 23:45"),
    ):
        in_zone(browser, zone)
        browser.open("/")
        moment = "2026-01-31T23:45:10+00:00"
        assert shown(browser, "moment", moment) == expected
        assert shown(browser, "day", moment) == expected.partition(",")[0]
        assert shown(browser, "hour", moment) == expected.partition(", ")[2]

    browser.log_in(MEMBER)
    time = browser.driver.find_element(By.CSS_SELECTOR, "main time")
    assert "UTC" not in time.text
    assert "UTC" in (time.get_attribute("title") or "")
    assert browser.complaints() == []


def test_the_script_counts_time_in_the_same_words_as_the_server(
    start_browser: StartBrowser,
) -> None:
    browser = start_browser("words")
    browser.open("/login")
    lengths = [length for _, length in UNITS]
    seconds = [0, 1, 30, *(step * length for length in lengths for step in (1, 2, 1.99))]
    both = [int(sign * size) for size in seconds for sign in (1, -1)]
    # As of the moment at which the script first sees it, so nothing has passed yet.
    said = browser.driver.execute_script(
        "const spans = arguments[0].map(seconds => {"
        "  const span = document.createElement('span');"
        "  span.dataset.in = seconds; document.body.append(span); return span;});"
        "document.dispatchEvent(new Event('visibilitychange'));"
        "return spans.map(span => span.textContent);",
        both,
    )
    assert said == [in_words(number) for number in both]


def test_without_scripts_times_are_in_utc_and_everything_works(start_browser: StartBrowser) -> None:
    browser, other = start_browser("plain"), start_browser("other")
    other.log_in(MEMBER)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.open("/login")
    browser.fill(email=MEMBER, password=PASSWORD)
    browser.click(By.CSS_SELECTOR, "main form button")
    browser.wait.until(lambda driver: driver.current_url.endswith("/account/"))
    browser.open("/account/devices/")
    assert "UTC" in browser.text
    assert "just now" in browser.text or "ago" in browser.text
    browser.click(By.LINK_TEXT, "End all other logins")
    browser.click(By.CSS_SELECTOR, "main form button")
    browser.wait.until(lambda driver: "Ended 1 other login." in browser.text)


def test_an_address_of_29_letters_is_not_broken(start_browser: StartBrowser) -> None:
    assert len(LONG) == 29
    browser = start_browser("long")
    browser.open("/register")
    browser.fill(name="Rosamunde", email=LONG, password=PASSWORD, repeat=PASSWORD)
    browser.press("Create account")
    browser.screenshot("long-address")
    for path in ("/account/", "/account/profile", "/"):
        browser.open(path)
        for size in (PHONE, (600, 900), (768, 900), (1024, 900), DESKTOP):
            browser.resize(size)
            lines = browser.driver.execute_script(
                "const parts = document.querySelector('main .address').getClientRects();"
                "return new Set([...parts].map(part => part.top)).size"
            )
            assert lines == 1, f"{path} at {size}"
