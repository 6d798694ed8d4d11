"""The page on OpenID Connect, with a real provider: oidc-provider, from npm."""

from __future__ import annotations

import importlib
import re
import sys
import urllib.parse
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from tests.chromium import serve
from tests.deadlines import at_most
from tests.node import find_node, install
from tests.processes import accepts, running, wait_for
from tests.redirect_status import REDIRECT
from tests.stores.servers import free_port

requests = pytest.importorskip("requests", reason="the browser of these tests")
pytest.importorskip("authlib", reason="the page uses Authlib")
pytest.importorskip("sqlalchemy", reason="the page uses SQLAlchemy")

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "tests/openid_provider"
EXAMPLE = ROOT / "docs/examples/openid-connect"


@pytest.fixture(scope="module")
def installed() -> Path:
    return install(SOURCE)


class Site(NamedTuple):
    """The page's application and its address."""

    module: ModuleType
    url: str


@pytest.fixture
def site(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    port = free_port()
    monkeypatch.setenv("PROVIDER", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("PROVIDER_SECRET", "the secret of the shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    sys.modules.pop("app", None)
    module = importlib.import_module("app")
    try:
        with serve(module.app) as url:
            command = [find_node().node, str(installed / "provider.mjs"), str(port), url]
            with running(command, tmp_path, ready=lambda _: accepts(port)):
                yield Site(module, url)
    finally:
        module.store._get_engine().dispose()
        del sys.modules["app"]


class Browser:
    """A browser that follows redirects and fills in the provider's forms."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()
        self.page: Any = None

    def open(self, path: str) -> Browser:
        """Go to a page of the application, as far as the redirects lead."""
        return self._take(self.session.get(self.site.url + path, timeout=at_most(20)))

    def post(self, path: str) -> Browser:
        return self._take(self.session.post(self.site.url + path, timeout=at_most(20)))

    def send(self, **fields: str) -> Browser:
        """Send the form of the page that is shown, with its hidden fields."""
        action = re.search(r'<form[^>]* action="([^"]+)"', self.page.text)
        assert action is not None, self.page.text
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text)
        url = urllib.parse.urljoin(self.page.url, unescape(action[1]))
        data = {**{name: unescape(value) for name, value in hidden}, **fields}
        return self._take(self.session.post(url, data=data, timeout=at_most(20)))

    def cancel(self) -> Browser:
        """Follow the link by which the provider lets one cancel."""
        found = re.search(r'href="([^"]+/abort)"', self.page.text)
        assert found is not None, self.page.text
        return self._take(self.session.get(unescape(found[1]), timeout=at_most(20)))

    def log_in(self, path: str, user: str = "ann") -> Browser:
        """Open a page for which one has to log in; type the name, and agree if asked."""
        return self.open(path).prove(user)

    def prove(self, user: str = "ann") -> Browser:
        """Type the name, and agree to whatever the provider asks then."""
        self.send(login=user, password="any")
        while not self.page.url.startswith(self.site.url):
            self.send()
        return self

    @property
    def at(self) -> str:
        """Where the browser is in the application, and what it shows; else the whole address."""
        place = self.page.url.removeprefix(self.site.url)
        return f"{place} {self.page.status_code} {self.page.text}" if place[0] == "/" else place

    def is_refused(self, path: str) -> bool:
        answer = self.session.get(self.site.url + path, allow_redirects=False, timeout=at_most(20))
        return bool(answer.status_code == REDIRECT)

    def _take(self, page: Any) -> Browser:
        self.page = page
        return self


def test_who_logs_in_at_a_real_provider_gets_to_the_page_they_wanted_and_is_fresh(
    site: Site,
) -> None:
    browser = Browser(site).log_in("/orders")
    assert browser.at == "/orders 200 orders"
    assert browser.open("/").at == "/ 200 Hello, ann!"
    # The provider was asked for `auth_time`, which it would not say by itself.
    assert browser.open("/address").at == "/address 200 a new address"


def test_a_real_provider_that_knows_the_browser_asks_nothing_and_asks_again_when_told_to(
    site: Site,
) -> None:
    browser = Browser(site).log_in("/orders")
    with site.module.app.app_context():
        site.module.login_manager.sessions.revoke_everyone()
    assert browser.open("/orders").at == "/orders 200 orders"
    browser.open("/confirm")
    assert "/interaction/" in browser.at
    assert browser.prove().at == "/ 200 Hello, ann!"


def test_who_cancels_at_a_real_provider_is_told_so_and_the_login_stays_as_it_was(
    site: Site,
) -> None:
    browser = Browser(site)
    browser.open("/orders").cancel()
    assert (browser.page.status_code, browser.is_refused("/")) == (403, True)
    browser.log_in("/orders")
    browser.open("/confirm").cancel()
    assert browser.page.status_code == 403
    assert "aborted" in browser.page.text
    assert browser.open("/").at == "/ 200 Hello, ann!"


def test_another_user_who_logs_in_at_a_real_provider_is_not_taken_for_the_first(
    site: Site,
) -> None:
    browser = Browser(site).log_in("/orders")
    # The provider ends the login of the first, by the back channel, before it names the other.
    browser.open("/confirm").prove("ben")
    assert browser.open("/").at == "/ 200 Hello, ben!"
    with site.module.app.app_context():
        assert site.module.login_manager.sessions.list("ann") == []


def test_logging_out_ends_the_login_at_a_real_provider_too_and_leads_back(site: Site) -> None:
    browser = Browser(site).log_in("/orders")
    browser.post("/logout")
    browser.send(logout="yes")
    assert browser.at == "/logged-out 200 You are logged out, here and at the provider."
    assert "/interaction/" in browser.open("/orders").at


def test_a_logout_at_a_real_provider_ends_that_login_by_the_back_channel_and_no_other(
    site: Site,
) -> None:
    phone, laptop = Browser(site).log_in("/orders"), Browser(site).log_in("/orders")
    metadata = site.module.oauth.provider.load_server_metadata()
    phone._take(phone.session.get(metadata["end_session_endpoint"], timeout=at_most(20)))
    phone.send(logout="yes")
    wait_for("the provider's message ends the login", lambda: phone.is_refused("/"))
    assert laptop.open("/").at == "/ 200 Hello, ann!"
