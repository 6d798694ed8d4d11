"""A browser opens every target that `safe_next_url` accepts, and stays on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask, redirect
from flask.typing import ResponseReturnValue
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.chromium import chromium, serve

from flask_login import LoginManager, safe_next_url
from flask_login.redirects import local_target

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

#: What two programs may read differently, and is accepted in its place; `HOST` is the site's own.
ACCEPTED = [
    *"/:@?#.;[]&='\"<>|^`{}~!$*(),_-+é／。",
    *("//", "..", "/../", "/./", ".//", "%25", "%3a", "%40", "%2e%2e", "%3f", "%23", "%c3%a9"),
    *("evil.example", "@evil.example", "http://evil.example", "javascript:alert(1)", "data:"),
    *("127.1", "[::1]", "localhost", "a", "login?next=//evil.example", "HOST"),
]
#: What is not accepted, wherever it stands or at least at the beginning.
REFUSED = [*"\\ \t\n\r\x00\x0b\x7f\x85\xa0", "/\\", "%2f", "%5c", "%09", "%0a", "%00", "%252f"]
BEGINNINGS = ["/", "/a", "/?", "/#", "/.", "/;", "HOST", "HOST/", "HOST?", "HOST#"]
WRONG_BEGINNINGS = ["//", "/\\", "\\", "HOST@", "HOST.", "http:", "https:", "javascript:", ""]

MOSTLY_ACCEPTED = st.one_of(*[st.sampled_from(ACCEPTED)] * 9, st.sampled_from(REFUSED))
TARGETS = st.builds(
    lambda beginning, pieces: beginning + "".join(pieces),
    st.one_of(*[st.sampled_from(BEGINNINGS)] * 9, st.sampled_from(WRONG_BEGINNINGS)),
    st.lists(MOSTLY_ACCEPTED, max_size=8),
)


def make_app() -> Flask:
    """Return an app that sends on by ``next``, and has a page under every path."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes")
    manager: LoginManager[Any] = LoginManager(app)
    manager.user_loader(lambda _: None)
    app.url_map.merge_slashes = False  # a browser gets its own paths, not tidy ones

    @app.get("/sent-on")
    def sent_on() -> ResponseReturnValue:
        return redirect(safe_next_url("/default"))

    @app.get("/")
    @app.get("/<path:anything>")
    def anywhere(anything: str = "") -> str:
        return "<!doctype html><title>here</title>"

    return app


class Visitor:
    """A browser on a site."""

    def __init__(self, browser: Chrome, app: Flask, base: str) -> None:
        self.browser, self.app, self.base = browser, app, base
        self.host = urlsplit(base).netloc
        self.visits = 0

    def accepted(self, target: str) -> str | None:
        with self.app.test_request_context(base_url=self.base) as context:
            return local_target(target, context.request)

    def is_sent_to(self, target: str) -> str:
        """Return the host that the browser is on after it was sent to a target."""
        self.visits += 1
        self.browser.get(f"{self.base}/sent-on?next={quote(target, safe='')}")
        return urlsplit(self.browser.current_url).netloc

    def follows(self, link: str) -> str:
        """Return the host that a link on a page of the site leads to."""
        script = "const a = document.createElement('a'); a.href = arguments[0]; return a.host"
        return str(self.browser.execute_script(script, link))


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    app = make_app()
    with chromium(tmp_path_factory.mktemp("profile")) as browser, serve(app) as base:
        yield Visitor(browser, app, base)


def test_a_browser_that_is_sent_to_an_accepted_target_stays_on_the_host(visitor: Visitor) -> None:
    @settings(
        max_examples=150,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    @example(target="/")
    @example(target="/.//evil.example")
    @example(target="/@evil.example")
    @example(target="/a//evil.example/..//..//evil.example")
    @example(target="HOST?//evil.example")
    @example(target="HOST#@evil.example")
    @given(target=TARGETS)
    def stays(target: str) -> None:
        target = target.replace("HOST", visitor.base)
        safe = visitor.accepted(target)
        assume(safe is not None)
        assert visitor.is_sent_to(target) == visitor.host
        assert visitor.follows(str(safe)) == visitor.host

    stays()
    assert visitor.visits >= 100, "too few targets are accepted for this to prove much"


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "/\t/evil.example", "\\\\evil.example"]
)
def test_the_browser_would_leave_for_a_target_that_is_refused(
    visitor: Visitor, target: str
) -> None:
    """Otherwise the test above would prove nothing."""
    assert visitor.is_sent_to(target) == visitor.host
    assert urlsplit(visitor.browser.current_url).path == "/default"
    assert visitor.follows(target) == "evil.example"
