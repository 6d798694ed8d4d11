"""The portal in a real browser: headless Chromium against gunicorn with two workers."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions

from portal_browser import IPHONE, PHONE, SCREENSHOTS, StartBrowser
from portal_testing import ADMIN, DEVICE, MEMBER, PASSWORD, REMEMBER, SESSION

pytestmark = pytest.mark.browser

NEW_PASSWORD = "another long password"


def test_the_whole_story_of_a_member_in_two_browsers(start_browser: StartBrowser) -> None:
    browser = start_browser("first")

    # Register, which logs in; then log in again and be remembered.
    browser.open("/")
    browser.press("Create an account")
    browser.fill(name="Eve", email="eve@example.com", password=PASSWORD, repeat=PASSWORD)
    browser.press("Create account")
    browser.arrive("/account/")
    assert "Your account is ready, and you are logged in." in browser.text
    browser.screenshot("registered")
    browser.press("Log out")
    browser.log_in("eve@example.com", remember=True)
    assert "Hello, Eve" in browser.text
    assert "Fresh login" in browser.text
    assert browser.cookies() == {SESSION, REMEMBER, DEVICE}
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
    assert "Every other login has ended." in browser.text
    second.open("/account/")
    second.arrive("/login?next=%2Faccount%2F")
    assert "the password of your account was changed" in second.text
    second.open("/")
    assert "was changed" not in second.text
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


def test_a_login_ended_in_one_browser_is_over_in_the_other(
    start_browser: StartBrowser,
) -> None:
    desk, sofa = start_browser("desk"), start_browser("sofa", IPHONE)
    desk.log_in(MEMBER)
    sofa.log_in(MEMBER, remember=True)

    # One sees both, and ends the other's login.
    desk.press("Your devices")
    desk.arrive("/account/devices/")
    assert desk.text.count("127.0.0.1") == 2
    assert desk.text.count("This device") == 1
    assert desk.text.count("Remembered") == 1
    assert "Chrome" in desk.text
    assert "Mobile Safari 18 on iOS" in desk.text
    desk.screenshot("devices")
    desk.press("End login")
    desk.arrive("/account/devices/")
    assert "The login on that device has ended." in desk.text

    # The other is out at its next click, and is told why; nor does its cookie bring it back.
    sofa.press("Profile")
    sofa.arrive("/login?next=%2Faccount%2Fprofile")
    assert "This login was ended" in sofa.text
    assert REMEMBER not in sofa.cookies()
    sofa.screenshot("login-signed-out")

    # It was told once.
    sofa.open("/login")
    assert "was ended" not in sofa.text

    # Back again, a third one too; one button ends all others, after a question.
    sofa.log_in(MEMBER, remember=True)
    shelf = start_browser("shelf")
    shelf.log_in(MEMBER)
    desk.open("/account/devices/")
    assert desk.text.count("127.0.0.1") == 3
    desk.press("End all other logins")
    desk.arrive("/account/devices/end-others")
    assert "End 2 other logins?" in desk.text
    desk.screenshot("question")
    desk.press("Cancel")
    desk.arrive("/account/devices/")
    assert desk.text.count("127.0.0.1") == 3
    desk.press("End all other logins")
    desk.press("End all other logins")
    desk.arrive("/account/devices/")
    assert "Ended 2 other logins." in desk.text
    assert desk.text.count("127.0.0.1") == 1
    shelf.press("API keys")
    shelf.arrive("/login?next=%2Faccount%2Fkeys")
    assert "This login was ended" in shelf.text

    # Whose next click is on a page for everybody is told there, once.
    sofa.press("Portal")
    sofa.arrive("/")
    assert "This login was ended" in sofa.text
    sofa.screenshot("home-signed-out")
    sofa.press("Log in")
    sofa.arrive("/login")
    assert "was ended" not in sofa.text

    # A remembered browser that comes back proves it before it ends anything.
    sofa.log_in(MEMBER, remember=True)
    sofa.driver.delete_cookie(SESSION)
    sofa.open("/account/devices/")
    sofa.screenshot("devices-remembered")
    sofa.press("Enter your password")
    sofa.fill(password=PASSWORD)
    sofa.press("Continue")
    sofa.arrive("/account/devices/")
    sofa.press("End login")
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
    browser.fill(password=PASSWORD, code=browser.next_code(ADMIN))
    browser.press("Continue")
    browser.arrive("/admin/")
    assert MEMBER in browser.text

    # A member is logged in elsewhere, and has chosen a name that should push the buttons out of
    # the page; the administrator sees it and ends it.
    member = start_browser("member")
    member.log_in(MEMBER, remember=True)
    member.open("/account/profile")
    member.fill(name="M" * 80)
    member.press("Save")
    browser.open("/admin/")
    browser.screenshot("admin-logins")
    browser.press("End logins")
    browser.screenshot("admin-question")
    browser.press("End logins")
    assert "Ended 1 login of M" in browser.text
    member.press("Profile")
    member.arrive("/login?next=%2Faccount%2Fprofile")
    assert "by an administrator" in member.text

    browser.press("Close account")
    assert "M is closed: its logins have ended." in browser.text
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
    browser.click(By.CLASS_NAME, "navbar-toggler")
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
        ("devices-one", "/account/devices/"),
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

    browser.driver.delete_cookie(SESSION)
    browser.open("/account/")
    browser.screenshot("dashboard-remembered")
    browser.open("/admin/")
    browser.screenshot("reauthenticate")
    for code in (400, 401, 403, 404, 405, 413, 500, 503):
        browser.open(f"/fails/{code}")
        browser.screenshot(f"error-{code}")
    assert browser.complaints() == []
