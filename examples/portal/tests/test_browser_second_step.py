"""Two-step login, throttling, acting as a member and htmx, in a real browser."""

from __future__ import annotations

import pyotp
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support import expected_conditions

from portal import create_app
from portal.login import login_sessions
from portal_browser import IPHONE, Browser, StartBrowser
from portal_testing import ADMIN, DEVICE, MEMBER, PASSWORD, SESSION, close_database

pytestmark = pytest.mark.browser

TWO_STEP = "/account/two-step/"


def text_of(browser: Browser, selector: str) -> str:
    return browser.driver.find_element(By.CSS_SELECTOR, selector).text


def test_a_member_sets_two_step_login_up_and_logs_in_with_it(start_browser: StartBrowser) -> None:
    browser = start_browser("first")
    browser.log_in(MEMBER)
    browser.press("Profile")
    browser.screenshot("profile-two-step")
    browser.press("Set up")
    browser.arrive(TWO_STEP)
    browser.screenshot("two-step-set-up")
    picture = browser.driver.find_element(By.CSS_SELECTOR, "svg.qr")
    assert picture.size["width"] == picture.size["height"] > 150
    browser.fill(code="000000")
    browser.press("Turn on")
    assert "This is not the code" in browser.text
    key = text_of(browser, "#totp-key").replace(" ", "")
    browser.fill(code=pyotp.TOTP(key).now())
    browser.press("Turn on")
    assert "Every other login has ended." in browser.text
    recovery_code = text_of(browser, ".recovery-codes li")
    browser.screenshot("recovery-codes")
    browser.press("I have saved them")
    browser.arrive("/account/")
    assert "10 recovery codes left." in browser.text
    browser.screenshot("dashboard-two-step")

    # A second browser: the page asked for, the password, a wrong code, a right one.
    second = start_browser("second")
    second.open("/account/profile")
    second.fill(email=MEMBER, password=PASSWORD)
    second.press("Log in")
    second.arrive("/login/code?next=/account/profile")
    assert "Mia" not in second.text
    second.screenshot("login-code")
    second.open("/account/profile")
    second.arrive("/login?next=%2Faccount%2Fprofile")
    second.open("/login/code?next=/account/profile")
    second.fill(code="000000")
    second.press("Log in")
    assert "This code is wrong" in second.text
    second.screenshot("login-code-refused")
    second.fill(code=second.next_code(MEMBER))
    second.press("Log in")
    second.arrive("/account/profile")

    # Without the phone a recovery code does, once.
    third = start_browser("third")
    for expected in ("Hello, Mia", "This code is wrong"):
        third.open("/login")
        third.fill(email=MEMBER, password=PASSWORD)
        third.press("Log in")
        third.fill(code=recovery_code)
        third.press("Log in")
        assert expected in third.text
        third.driver.delete_cookie(SESSION)

    second.press("Manage")
    assert "9 left" in second.text
    second.screenshot("two-step-on")
    second.press("Turn off")
    second.arrive("/account/profile")
    assert "Two-step login is off." in second.text
    for one in (browser, second, third):
        assert one.complaints() == []


def test_an_administrator_looks_at_the_site_as_a_member(start_browser: StartBrowser) -> None:
    browser = start_browser("admin")
    browser.log_in(ADMIN)
    browser.press("Admin")
    browser.arrive("/admin/")
    browser.press("Act as")
    browser.arrive("/account/")
    assert "You are looking at the site as Mia." in browser.text
    assert "Hello, Mia" in browser.text
    browser.screenshot("acting")
    browser.press("Their devices")
    assert text_of(browser, "h1") == "Mia\u2019s devices"
    assert "Mia is not logged in anywhere" in browser.text
    browser.screenshot("acting-devices-none")
    member = start_browser("member", IPHONE)
    member.log_in(MEMBER)
    browser.open("/account/devices/")
    assert "Mobile Safari 18 on iOS" in browser.text
    assert "This device" not in browser.text
    browser.screenshot("acting-devices")
    browser.open("/account/profile")
    browser.screenshot("acting-profile")
    browser.open("/account/password")
    assert "You are looking at the site as somebody else." in browser.text
    browser.screenshot("acting-refused")
    browser.open("/")
    browser.click(By.CSS_SELECTOR, ".acting button")
    browser.arrive("/admin/")
    assert "You are looking at the site" not in browser.text
    assert browser.complaints() == []


def test_an_administrator_is_asked_for_a_code_and_comes_back(start_browser: StartBrowser) -> None:
    browser = start_browser("admin")
    browser.log_in(ADMIN, remember=True)
    browser.driver.delete_cookie(SESSION)
    browser.open("/admin/")
    browser.arrive("/reauthenticate?next=%2Fadmin%2F")
    browser.screenshot("reauthenticate-code")
    browser.fill(password=PASSWORD, code="000000")
    browser.press("Continue")
    assert "This code is wrong" in browser.text
    browser.fill(password=PASSWORD, code=browser.next_code(ADMIN))
    browser.press("Continue")
    browser.arrive("/admin/")
    assert browser.complaints() == []


def test_after_many_guesses_only_the_browser_that_is_known_gets_in(
    start_browser: StartBrowser,
) -> None:
    owner, attacker = start_browser("owner"), start_browser("attacker")
    owner.log_in(MEMBER)
    assert DEVICE in owner.cookies()
    owner.press("Log out")
    # Each of the two workers counts for itself, as long as there is no common storage.
    attacker.open("/login")
    for _ in range(21):
        if "Too many attempts" in attacker.text:
            break
        attacker.fill(email=MEMBER, password="a guess")
        attacker.press("Log in")
    assert "Too many attempts" in attacker.text
    assert "Try again in" in attacker.text
    attacker.screenshot("too-many-attempts")
    owner.log_in(MEMBER)
    for browser in (owner, attacker):
        assert browser.complaints() == []


def test_a_part_of_a_page_takes_the_whole_page_to_the_login_when_it_is_over(
    start_browser: StartBrowser,
) -> None:
    browser = start_browser("desk")
    browser.log_in(MEMBER)
    live = (By.ID, "live")
    browser.wait.until(expected_conditions.text_to_be_present_in_element(live, "1 login is live"))
    browser.screenshot("dashboard-live")

    other = start_browser("sofa")
    other.log_in(MEMBER)
    look_again = "#live button"
    browser.click(By.CSS_SELECTOR, look_again)
    browser.wait.until(expected_conditions.text_to_be_present_in_element(live, "2 logins are live"))
    assert browser.complaints() == []

    app = create_app(instance_path=str(browser.instance))
    with app.app_context():
        login_sessions().revoke_all("2")
    close_database(app)
    browser.click(By.CSS_SELECTOR, look_again)
    browser.arrive("/login?next=%2Faccount%2F")
    assert "This login was ended" in browser.text
    browser.log_in(MEMBER)


def test_a_member_makes_a_passkey_and_logs_in_with_it(start_browser: StartBrowser) -> None:
    browser = start_browser("passkey")
    device = VirtualAuthenticatorOptions()
    device.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    device.has_resident_key = device.has_user_verification = device.is_user_verified = True
    browser.driver.add_virtual_authenticator(device)

    browser.log_in(MEMBER)
    browser.click(By.CSS_SELECTOR, "a[href='/account/passkeys/']")
    browser.arrive("/account/passkeys/")
    browser.screenshot("passkeys-none")
    browser.press("Add a passkey")
    browser.arrive("/account/passkeys/")
    assert "The passkey is ready" in browser.text
    browser.screenshot("passkeys")

    browser.press("Log out")
    browser.open("/account/profile")
    browser.screenshot("login-passkey")
    browser.press("Log in with a passkey")
    browser.arrive("/account/profile")

    # Deleted here it is still on the device, and opens nothing.
    browser.press("Your passkeys")
    browser.press("Delete")
    assert "No passkeys yet" in browser.text
    browser.press("Log out")
    browser.open("/login")
    browser.click(By.CSS_SELECTOR, "[data-passkey]")
    message = (By.ID, "passkey-message")
    browser.wait.until(expected_conditions.text_to_be_present_in_element(message, "did not work"))
    browser.screenshot("login-passkey-refused")
    assert browser.complaints() == []
