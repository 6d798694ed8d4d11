"""The page on passkeys, with a browser that has an authenticator, and what nobody signed."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.chromium import chromium, press, serve, wait_until
from tests.redirect_status import REDIRECT

webauthn = pytest.importorskip("webauthn", reason="the page uses webauthn")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cheap_hashes")]

EXAMPLE = Path(__file__).parent.parent / "docs/examples/passkeys"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("app", None)
    yield importlib.import_module("app")
    del sys.modules["app"]


@pytest.fixture
def site(module: ModuleType) -> Iterator[str]:
    # A passkey is bound to a name; Chromium takes this one for a safe place.
    with serve(module.app, host="localhost") as url:
        module.app.config["SITE"] = url
        yield url


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "profile") as started:
        yield started


def add_device(browser: Any) -> None:
    """Give the browser a device that has looked at a finger."""
    from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

    options = VirtualAuthenticatorOptions()
    options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
    options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    options.has_resident_key = True
    options.has_user_verification = True
    options.is_user_verified = True
    browser.add_virtual_authenticator(options)


def shows(browser: Any, *texts: str) -> None:
    body = "return document.body ? document.body.innerText : ''"
    wait_until(browser, lambda b: all(text in b.execute_script(body) for text in texts))


def log_in(browser: Any, url: str, name: str = "ann", password: str = "correct horse") -> None:
    browser.get(url)
    browser.find_element("name", "name").send_keys(name)
    browser.find_element("name", "password").send_keys(password)
    press(browser, "css selector", "form button")


PASSKEY = "[data-passkey]"


@pytest.mark.browser
def test_a_passkey_is_a_second_step_a_login_and_a_fresh_proof(browser: Any, site: str) -> None:
    add_device(browser)
    log_in(browser, f"{site}/login")
    shows(browser, "Hello, ann!", "Proved by: pwd")
    press(browser, "css selector", PASSKEY)
    shows(browser, "Proved by: pwd. Passkeys: 1.")

    # Asked again, for a view that wants it.
    browser.get(f"{site}/keys")
    assert browser.current_url.startswith(f"{site}/confirm?next=")
    press(browser, "css selector", PASSKEY)
    shows(browser, "The keys of the shop.")

    # The second step after the password.
    browser.delete_all_cookies()
    log_in(browser, f"{site}/login?next=/keys")
    wait_until(browser, lambda b: "/login/passkey?next=" in b.current_url)
    browser.get(site)
    assert "/login?next=" in browser.current_url, "the password alone is enough"
    browser.get(f"{site}/login/passkey?next=/")
    press(browser, "css selector", PASSKEY)
    shows(browser, "Hello, ann!", "Proved by: hwk, pwd, user")

    # The passkey alone.
    browser.delete_all_cookies()
    browser.get(f"{site}/login")
    press(browser, "css selector", PASSKEY)
    shows(browser, "Hello, ann!", "Proved by: hwk, mfa, user")


@pytest.mark.browser
def test_a_passkey_of_one_user_proves_nothing_for_another(browser: Any, site: str) -> None:
    add_device(browser)
    log_in(browser, f"{site}/login")
    shows(browser, "Hello, ann!")
    press(browser, "css selector", PASSKEY)
    shows(browser, "Passkeys: 1.")
    browser.delete_all_cookies()
    log_in(browser, f"{site}/login", "ben", "battery staple")
    shows(browser, "Hello, ben!")
    browser.get(f"{site}/confirm")
    press(browser, "css selector", PASSKEY)
    shows(browser, "That did not work.")


@pytest.mark.browser
def test_an_answer_that_comes_again_with_its_session_logs_nobody_in(
    browser: Any, site: str, module: ModuleType
) -> None:
    add_device(browser)
    log_in(browser, f"{site}/login")
    press(browser, "css selector", PASSKEY)
    shows(browser, "Passkeys: 1.")
    browser.delete_all_cookies()
    browser.get(f"{site}/login")
    answer = browser.execute_async_script(
        """const done = arguments[arguments.length - 1];
        fetch("/passkey/options", {method: "POST"}).then(r => r.json()).then(asked =>
          navigator.credentials.get(
            {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked)}
          )).then(credential => done(credential.toJSON()))"""
    )
    session = browser.get_cookie("session")["value"]
    first, second = module.app.test_client(), module.app.test_client()
    for client in (first, second):
        client.set_cookie("session", session)
    assert first.post("/passkey", json=answer).status_code == 200
    assert second.post("/passkey", json=answer).status_code == 400
    assert second.get("/").status_code == REDIRECT


@pytest.mark.parametrize("answer", [{}, {"id": "x"}, {"id": "eA", "rawId": "eA", "response": {}}])
def test_what_no_passkey_signed_logs_nobody_in(module: ModuleType, answer: Any) -> None:
    client = module.app.test_client()
    assert client.post("/passkey", json=answer).status_code == 400, "nothing was asked"
    client.post("/passkey/options")
    assert client.post("/passkey", json=answer).status_code == 400
    assert client.get("/").status_code == REDIRECT


def test_a_passkey_is_added_by_nobody_who_is_not_logged_in(module: ModuleType) -> None:
    client = module.app.test_client()
    for path in ("/passkeys/options", "/passkeys"):
        assert client.post(path, json={}).status_code == 401
