from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import pytest
from flask import Flask, redirect, session
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.effort import part_of
from tests.redirect_status import REDIRECT
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from flask_login import LoginManager, login_url, make_next_param, safe_next_url
from flask_login.redirects import local_target

# One app serves every example of a property; nothing in it changes.
EXAMPLES = settings(
    max_examples=part_of(200, least=50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# What a browser makes of a URL, by the URL standard (url.spec.whatwg.org, "basic URL parser"):
# written from the states of the standard, as far as they decide where a link leads.

SPECIAL = {"http", "https", "ws", "wss", "ftp", "file"}
C0_OR_SPACE = "".join(map(chr, range(0x21)))


def leads_to(url: str, base_scheme: str, base_host: str) -> tuple[str, str]:
    """Return the scheme and the host (with port) that a browser goes to from `base`."""
    url = re.sub(r"[\t\n\r]", "", url.strip(C0_OR_SPACE))
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if match is not None:
        scheme, rest = match[1].lower(), url[match.end() :]
        if scheme not in SPECIAL:
            return scheme, ""
        # "special relative or authority": only the base's scheme may be relative.
        if scheme != base_scheme or rest.startswith("//"):
            return scheme, authority(rest)
        url = rest
    # "relative" and "relative slash": a second slash or backslash begins an authority.
    if re.match(r"[/\\][/\\]", url):
        return base_scheme, authority(url)
    return base_scheme, base_host


def authority(rest: str) -> str:
    """Return the host and port of an authority: "special authority ignore slashes"."""
    return re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2].lower()


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("/a", ("http", "localhost")),
        ("a//b", ("http", "localhost")),
        ("http:a", ("http", "localhost")),
        ("//evil.com", ("http", "evil.com")),
        ("/\\evil.com", ("http", "evil.com")),
        ("/\t/evil.com", ("http", "evil.com")),
        (" //evil.com", ("http", "evil.com")),
        ("https:evil.com", ("https", "evil.com")),
        ("http://a@evil.com:81\\b", ("http", "evil.com:81")),
        ("java\nscript:alert(1)", ("javascript", "")),
    ],
)
def test_the_browser_that_the_properties_ask_knows_the_usual_tricks(
    url: str, where: tuple[str, str]
) -> None:
    assert leads_to(url, "http", "localhost") == where


@pytest.fixture
def site(app: Flask, login_manager: LoginManager[Any]) -> Flask:
    """An app whose ``/done`` tells where to go after login, and that refuses every other page."""
    login_manager.login_view = "/log-in"

    @app.route("/done", methods=["GET", "POST"])
    def done() -> str:
        return safe_next_url("the default")

    @app.before_request
    def refuse() -> Any:
        from flask import request

        return None if request.path == "/done" else login_manager.unauthorized()

    return app


def next_of(location: str | None) -> str | None:
    """Return what a login URL says about the way back."""
    return parse_qs(urlsplit(location or "").query).get("next", [None])[0]


# safe_next_url

SAFE = {
    "/": "/",
    "/profile": "/profile",
    "/profile?tab=2&x=": "/profile?tab=2&x=",
    "/profile#top": "/profile#top",
    "/a//b": "/a//b",
    "/a/../b": "/a/../b",
    "/@evil.com": "/@evil.com",
    "/a:b@c": "/a:b@c",
    "/search?q=http://evil.com/": "/search?q=http://evil.com/",
    "/log-in?next=//evil.com": "/log-in?next=//evil.com",
    "/caf%C3%A9": "/caf%C3%A9",
    "/café": "/café",
    "/100%": "/100%",
    "/a%2Fb": "/a%2Fb",
    "/q?a=%0A": "/q?a=%0A",
    "http://localhost": "/",
    "http://localhost/": "/",
    "http://localhost/profile?a=1#top": "/profile?a=1#top",
    "HTTP://LocalHost/profile": "/profile",
    "http://localhost?a=1": "/?a=1",
    "http://localhost#@evil.com/": "/#@evil.com/",
}

ATTACKS = [
    # Nothing to go to.
    "",
    " ",
    # Another host, without a scheme.
    "//evil.com",
    "///evil.com",
    "////evil.com/%2f..",
    "//evil.com@localhost/",
    "//localhost@evil.com",
    "//localhost:80@evil.com",
    "//evil%00.com",
    "//[::1]/",
    "//",
    "///",
    # Backslashes, which browsers take for slashes.
    "/\\evil.com",
    "\\/evil.com",
    "\\\\evil.com",
    "/\\/evil.com",
    "\\evil.com",
    "/a\\..\\..\\evil.com",
    "http:\\\\evil.com",
    "http://evil.com\\@localhost/",
    "http://localhost\\@evil.com/",
    # Characters that browsers drop.
    "\t//evil.com",
    "/\t/evil.com",
    "/\n/evil.com",
    "/\r/evil.com",
    "//\tevil.com",
    " //evil.com",
    "\x00//evil.com",
    "\x1f//evil.com",
    "\x0b//evil.com",
    "ht\ntp://evil.com",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    # Other control characters and spaces.
    "/a\r\nSet-Cookie: session=x",
    "/a\x7f",
    "/a\x85b",
    "/\xa0/evil.com",
    "\u3000//evil.com",
    "\u2028//evil.com",
    "\ufeff//evil.com",
    "/a b",
    # Another scheme, or a scheme with too few slashes.
    "http:evil.com",
    "http:/evil.com",
    "http:///evil.com",
    "http:////evil.com",
    "https:evil.com",
    "https:/evil.com",
    "http:",
    "http://",
    "http:/profile",
    "http:profile",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://localhost/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://localhost/",
    "ws://localhost/",
    "blob:http://localhost/1",
    "view-source:http://localhost/",
    "x:/profile",
    # Another host.
    "http://evil.com",
    "http://evil.com/",
    "https://evil.com/profile",
    "http://localhost.evil.com/",
    "http://evil-localhost/",
    "http://localhost.",
    "http://localhost%2eevil.com/",
    "http://evil.com/http://localhost/",
    "http://evil.com?http://localhost/",
    "http://evil.com#localhost",
    "http://ⓛocalhost/",
    "http://localhost／evil.com/",
    "http://[",
    "http://[::1",
    "http://]/",
    "http://127.0.0.1/",
    # Credentials.
    "http://user@localhost/",
    "http://user:password@localhost/",
    "http://@localhost/",
    "http://:@localhost/",
    "http://localhost@evil.com/",
    "http://localhost:80@evil.com/",
    # Another port.
    "http://localhost:81/",
    "http://localhost:8080/profile",
    "http://localhost:x/",
    "http://localhost:99999/",
    "//localhost:81/",
    # Percent-encoding that hides any of these from one who decodes once more.
    "/%2fevil.com",
    "/%2Fevil.com",
    "/%5cevil.com",
    "/%5Cevil.com",
    "/%5c/evil.com",
    "/%09/evil.com",
    "/%0d%0aLocation:%20http://evil.com",
    "/%00",
    "/%7f",
    "/%252fevil.com",
    "/%255cevil.com",
    "/%25252fevil.com",
    "/%2%66evil.com",
    "%2fprofile",
    "%2f%2fevil.com",
    "%5c%5cevil.com",
    "%09//evil.com",
    "%68ttp://evil.com",
    "http%3a%2f%2fevil.com",
    "javascript%3aalert(1)",
    # No absolute path: where it leads depends on the page it is followed from.
    "profile",
    "./profile",
    "../profile",
    "?a=1",
    "#top",
    ".",
    "..",
    "evil.com",
    "localhost/profile",
    "@evil.com",
    ":80/",
    ";//evil.com",
    "*",
]


@pytest.mark.parametrize(("target", "safe"), SAFE.items())
def test_a_path_on_this_host_is_gone_back_to(site: Flask, target: str, safe: str) -> None:
    client = site.test_client()
    assert client.get("/done", query_string={"next": target}).text == safe
    assert client.post("/done", data={"next": target}).text == safe


@pytest.mark.parametrize("target", ATTACKS)
def test_a_target_elsewhere_gives_the_default(site: Flask, target: str) -> None:
    client = site.test_client()
    assert client.get("/done", query_string={"next": target}).text == "the default"
    assert client.post("/done", data={"next": target}).text == "the default"


@pytest.mark.parametrize("target", ATTACKS)
def test_a_target_elsewhere_is_not_believed_because_it_stands_in_the_session(
    site: Flask, target: str
) -> None:
    site.config["USE_SESSION_FOR_NEXT"] = True
    client = site.test_client()
    with client.session_transaction() as sess:
        sess["next"] = target
    assert client.get("/done").text == "the default"


def test_without_next_the_default_is_returned_as_it_is(site: Flask) -> None:
    with site.test_request_context("/done"):
        assert safe_next_url("https://elsewhere.example/") == "https://elsewhere.example/"


def test_the_query_is_asked_before_the_form(site: Flask) -> None:
    client = site.test_client()
    assert client.post("/done?next=/query", data={"next": "/form"}).text == "/query"
    assert client.post("/done?next=", data={"next": "/form"}).text == "/form"


def test_of_two_values_only_the_first_counts_and_only_if_safe(site: Flask) -> None:
    client = site.test_client()
    assert client.get("/done?next=/a&next=//evil.com").text == "/a"
    assert client.get("/done?next=//evil.com&next=/a").text == "the default"


@pytest.mark.parametrize("value", [7, None, ["/a"], {"a": 1}, b"/a"])
def test_what_is_no_text_in_the_session_is_no_target(site: Flask, value: object) -> None:
    site.config["USE_SESSION_FOR_NEXT"] = True
    with site.test_request_context("/done"):
        session["next"] = value
        assert safe_next_url("/default") == "/default"
        assert "next" not in session


def test_with_use_session_for_next_the_url_has_no_say(site: Flask) -> None:
    site.config["USE_SESSION_FOR_NEXT"] = True
    assert site.test_client().get("/done?next=/query").text == "the default"


@pytest.mark.parametrize(
    ("base", "target", "safe"),
    [
        ("https://example.com", "https://example.com/a", "/a"),
        ("https://example.com", "http://example.com/a", None),
        ("http://example.com", "http://example.com/a", "/a"),
        ("http://example.com:8080", "http://example.com:8080/a", "/a"),
        ("http://example.com:8080", "http://example.com/a", None),
        ("http://example.com:8080", "//example.com:8080/a", None),
    ],
)
def test_an_absolute_url_must_be_of_this_very_scheme_host_and_port(
    site: Flask, base: str, target: str, safe: str | None
) -> None:
    with site.test_request_context("/done", base_url=base, query_string={"next": target}):
        assert safe_next_url("the default") == (safe or "the default")


def test_a_poisoned_host_header_makes_no_other_host_safe(site: Flask) -> None:
    target = {"next": "http://evil.com/phish"}
    with site.test_request_context("/done", base_url="http://evil.com", query_string=target):
        # What comes back names no host: the browser stays where it really is.
        assert safe_next_url("/default") == "/phish"


def test_safe_next_url_needs_no_manager_and_no_login() -> None:
    app = Flask(__name__)
    with app.test_request_context("/done?next=/a"):
        assert safe_next_url("/default") == "/a"


TRICKY = st.lists(
    st.sampled_from(
        [
            *"/\\:@?#.%;[]&=\t\n\r\x00\x0b \x7f\x85\xa0é／",
            "evil.com",
            "localhost",
            "25",
            "2f",
            "5c",
            "09",
        ]
    ),
    max_size=12,
).map("".join)
TARGETS = st.one_of(
    st.text(),
    TRICKY,
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            [
                *("/", "//", "/\\", "/.", "/..", "/a?", "/%2f", "/%5c", "\t", "//localhost"),
                *("http:", "http:/", "http://", "https:", "javascript:"),
                *("http://localhost", "HTTP://localhost"),
            ]
        ),
        TRICKY,
        st.sampled_from(["", "@localhost", "@evil.com", "/evil.com", "\\evil.com", "evil.com"]),
    ),
)


@pytest.mark.slow
@EXAMPLES
@example("/%2fevil.com")
@example("http://localhost\\@evil.com/")
@example("http://localhost//evil.com")
@example("http://localhost/\\evil.com")
@example("/.//evil.com")
@given(target=TARGETS)
def test_whatever_is_accepted_leads_a_browser_to_this_host(target: str) -> None:
    app = Flask(__name__)
    with app.test_request_context("/done") as context:
        safe = local_target(target, context.request)
        if safe is None:
            return
        # As it is, as it stands in a Location header, and decoded by whoever handles it next.
        forms = [safe, redirect(safe).location]
        path = safe.partition("?")[0].partition("#")[0]
        while (decoded := unquote(path)) != path:
            path = decoded
            forms.append(path)
        for form in forms:
            assert leads_to(form, "http", "localhost") == ("http", "localhost"), form
            assert form.startswith("/")
            assert form.isprintable() or not re.search(r"[\x00-\x20\x7f]", form)
        # It stays acceptable: what was put into the session or a form passes once more.
        assert local_target(safe, context.request) == safe


# The way back that the library makes


def open_raw(
    app: Flask, path: str, query: str = "", script_name: str = "", method: str = "GET"
) -> Response:
    """Request a path as it may stand on the wire, not as a tidy client would write it."""
    environ = EnvironBuilder(method=method).get_environ()
    environ["PATH_INFO"] = path.encode("utf-8").decode("latin1")
    environ["QUERY_STRING"] = query
    environ["SCRIPT_NAME"] = script_name
    return Response(*run_wsgi_app(app, environ))


def test_a_refused_page_comes_back_to_itself_with_its_query(site: Flask) -> None:
    response = site.test_client().get("/a/b?x=1&y=%2Fz&next=/other")
    assert next_of(response.location) == "/a/b?x=1&y=/z&next=/other"


@pytest.mark.parametrize(
    "path", ["//evil.com/", "///evil.com", "/\\evil.com", "/\t/evil.com", "//", "/%2fevil.com"]
)
def test_a_request_path_that_would_be_another_host_as_a_link_is_come_back_to_as_a_path_only(
    site: Flask, path: str
) -> None:
    response = open_raw(site, path)
    assert response.status_code == REDIRECT
    back = next_of(response.location) or "/"
    assert leads_to(back, "http", "localhost") == ("http", "localhost")
    with site.test_request_context("/done", query_string=urlencode({"next": back})):
        assert safe_next_url("the default") == back


@pytest.mark.slow
@EXAMPLES
@example(path="//evil.com/", query="", script_name="")
@example(path="/evil.com/", query="", script_name="/")
@example(path="", query="?//evil.com", script_name="")
@given(
    path=st.one_of(TRICKY, st.text()).map(lambda rest: f"/{rest}"),
    query=st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E)),
    script_name=st.sampled_from(["", "/app", "/a/b"]),
)
def test_every_way_back_that_the_library_makes_passes_safe_next_url(
    path: str, query: str, script_name: str
) -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True)
    manager: LoginManager[Any] = LoginManager(app)
    manager.user_loader(lambda _: None)
    manager.login_view = "/log-in"
    app.before_request(lambda: manager.unauthorized())

    response = open_raw(app, path, query, script_name)
    assert response.status_code == REDIRECT
    assert (response.location or "").startswith("/log-in")
    back = next_of(response.location)
    if back is None:
        return
    with app.test_request_context("/done", query_string=urlencode({"next": back})):
        assert safe_next_url("the default") == back
    assert leads_to(back, "http", "localhost") == ("http", "localhost")
    assert back.startswith(f"{script_name.rstrip('/')}/")


@pytest.mark.slow
@EXAMPLES
@given(target=TARGETS, header=st.sampled_from(["Referer", "HX-Current-URL"]))
def test_no_header_puts_an_unsafe_target_into_next(target: str, header: str) -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True)
    manager: LoginManager[Any] = LoginManager(app)
    manager.user_loader(lambda _: None)
    manager.login_view = "/log-in"
    app.before_request(lambda: manager.unauthorized())
    environ = EnvironBuilder(method="POST").get_environ()
    value = target.encode("utf-8").decode("latin1")
    environ[f"HTTP_{header.upper().replace('-', '_')}"] = value
    if header == "HX-Current-URL":
        environ["HTTP_HX_REQUEST"] = "true"

    response = Response(*run_wsgi_app(app, environ))
    back = next_of(response.headers.get("HX-Redirect", response.location))
    if back is not None:
        with app.test_request_context("/done", query_string=urlencode({"next": back})):
            assert safe_next_url("the default") == back


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_comes_back_to_an_unsafe_method(site: Flask, method: str) -> None:
    client = site.test_client()
    assert client.open("/save", method=method).location == "/log-in"
    headers = {"Referer": "http://localhost/edit"}
    response = client.open("/save", method=method, headers=headers)
    assert next_of(response.location) == "/edit"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_safe_method_comes_back_to_its_page_whatever_the_referrer(
    site: Flask, method: str
) -> None:
    headers = {"Referer": "http://localhost/edit"}
    response = site.test_client().open("/page", method=method, headers=headers)
    assert next_of(response.location) == "/page"


# Where the app stands: a prefix, a proxy, a forced host


def test_under_a_prefix_the_login_view_and_the_way_back_have_it(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_view = "front_door"
    app.add_url_rule("/door", "front_door", lambda: "door")
    app.add_url_rule("/page", "page", lambda: login_manager.unauthorized())
    response = open_raw(app, "/page", "a=1", script_name="/app")
    assert response.location == "/app/door?next=%2Fapp%2Fpage%3Fa%3D1"


@pytest.mark.parametrize("login_view", ["front_door", "https://shop.example/app/door"])
def test_behind_a_proxy_the_outer_address_counts(
    app: Flask, login_manager: LoginManager[Any], login_view: str
) -> None:
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask's documentation does it
        app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1
    )
    login_manager.login_view = login_view
    app.add_url_rule("/door", "front_door", lambda: safe_next_url("/home"))
    app.add_url_rule("/page", "page", lambda: login_manager.unauthorized())
    headers = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/app",
    }
    client = app.test_client()
    location = client.get("/page", headers=headers).location
    assert next_of(location) == "/app/page"
    for target, safe in [
        ("https://shop.example/app/page", "/app/page"),
        ("http://shop.example/app/page", "/home"),
        ("https://localhost/app/page", "/home"),
    ]:
        response = client.get("/door", query_string={"next": target}, headers=headers)
        assert response.text == safe


def test_the_forced_host_is_named_whatever_host_the_request_claimed(site: Flask) -> None:
    site.config["FORCE_HOST_FOR_REDIRECTS"] = "shop.example"
    response = site.test_client().get("/page", base_url="http://evil.com")
    assert response.location == "//shop.example/log-in?next=%2Fpage"


@pytest.mark.parametrize("in_session", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_forced_host_is_named_without_a_way_back_in_the_url_as_well(
    site: Flask, in_session: bool, method: str
) -> None:
    site.config.update(FORCE_HOST_FOR_REDIRECTS="shop.example", USE_SESSION_FOR_NEXT=in_session)
    response = site.test_client().open("/page", method=method, base_url="http://evil.com")
    back = "?next=%2Fpage" if method == "GET" and not in_session else ""
    assert response.location == "//shop.example/log-in" + back


def test_the_forced_host_replaces_that_of_an_absolute_login_view(
    site: Flask, login_manager: LoginManager[Any]
) -> None:
    site.config["FORCE_HOST_FOR_REDIRECTS"] = "shop.example"
    login_manager.login_view = "https://internal.example/log-in"
    location = site.test_client().get("/page").location
    assert location.startswith("https://shop.example/log-in?next=")


def test_a_login_view_on_another_host_is_told_the_whole_url_of_the_page(
    site: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_view = "https://accounts.example/log-in"
    back = next_of(site.test_client().get("/page?a=1").location)
    assert back == "http://localhost/page?a=1"
    with site.test_request_context("/done", query_string=urlencode({"next": back})):
        assert safe_next_url("/default") == "/page?a=1"


# login_url and make_next_param: what 0.6.3 answered


@pytest.mark.parametrize(
    ("login", "current", "answer"),
    [
        ("/login", "http://localhost/secret", "/secret"),
        ("http://localhost:5000/", "http://localhost:5000/x?a=1#f", "/x?a=1"),
        ("https://localhost:5000/", "http://localhost:5000/x", "http://localhost:5000/x"),
        ("http://accounts.localhost:5000/", "http://localhost:5000/x", "http://localhost:5000/x"),
        ("/login", "/x", "/x"),
        ("/login", "", ""),
    ],
)
def test_make_next_param_is_as_short_as_it_was(login: str, current: str, answer: str) -> None:
    assert make_next_param(login, current) == answer


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("/login",), "/login"),
        (("/login", "/secret"), "/login?next=%2Fsecret"),
        (("/login?lang=de", "/secret"), "/login?lang=de&next=%2Fsecret"),
        (("/login", "/secret", "back"), "/login?back=%2Fsecret"),
        (("/login", "http://localhost/secret"), "/login?next=%2Fsecret"),
        (("front_door", "/secret"), "/door?next=%2Fsecret"),
        (("front_door",), "/door"),
        (
            ("http://other.example/login", "http://localhost/secret"),
            "http://other.example/login?next=http%3A%2F%2Flocalhost%2Fsecret",
        ),
    ],
)
def test_login_url_is_made_as_it_was(app: Flask, arguments: tuple[str, ...], answer: str) -> None:
    app.add_url_rule("/door", "front_door", lambda: "door")
    with app.test_request_context():
        assert login_url(*arguments) == answer


def test_login_url_replaces_an_older_way_back_and_keeps_the_rest(app: Flask) -> None:
    with app.test_request_context():
        url = login_url("/login?next=/a&x=&y=1&y=2&next=/b", "/secret")
    assert urlsplit(url).path == "/login"
    assert sorted(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == [
        ("next", "/secret"),
        ("x", ""),
        ("y", "1"),
        ("y", "2"),
    ]


@pytest.mark.parametrize(
    "target", ["http://evil.com/", "//evil.com", "/\\evil.com", "javascript:1"]
)
def test_login_url_leaves_a_way_back_to_elsewhere_out(app: Flask, target: str) -> None:
    with app.test_request_context():
        assert login_url("/login", target) == "/login"
        assert login_url("/login?lang=de", target) == "/login?lang=de"


def test_login_url_outside_of_a_request_takes_what_it_is_given(app: Flask) -> None:
    with app.app_context():
        assert login_url("/login", "/secret") == "/login?next=%2Fsecret"


@pytest.mark.parametrize(
    "target", ["//evil.com", "/\\evil.com", "javascript:alert(1)", "/%2fevil.com"]
)
def test_login_url_outside_of_a_request_leaves_out_what_is_a_path_on_no_host(
    app: Flask, target: str
) -> None:
    with app.app_context():
        assert login_url("/login", target) == "/login"


@pytest.mark.parametrize("view", ["/log-in", "/log-in?a=b#c", "https://sso.example/", "http://x/y"])
def test_login_url_of_a_path_or_url_needs_no_application(view: str) -> None:
    assert login_url(view) == LoginManager[Any]().login_url(view) == view
    with pytest.raises(RuntimeError, match="outside of application context"):
        login_url(view, "/page")
    with pytest.raises(RuntimeError, match="outside of"):
        login_url("log_in")


def test_login_url_names_the_forced_host(make_app: Callable[..., Flask]) -> None:
    app = make_app(FORCE_HOST_FOR_REDIRECTS="shop.example")
    with app.test_request_context(base_url="http://evil.com"):
        assert login_url("/login", "/x") == "//shop.example/login?next=%2Fx"
        assert login_url("/login", "http://evil.com/x") == "//shop.example/login?next=%2Fx"


# Targets that are meant to cost time

WAYS_IN: dict[str, dict[str, Any]] = {
    "next in the query": {"path": "/done", "query_string": "next={target}"},
    "next in the form": {"path": "/done", "method": "POST", "data": {"next": "{target}"}},
    "Referer": {"path": "/p", "method": "POST", "headers": {"Referer": "http://localhost{target}"}},
    "HX-Current-URL": {
        "path": "/p",
        "headers": {"HX-Request": "true", "HX-Current-URL": "http://localhost{target}"},
    },
    "the page itself": {"path": "{target}"},
}


def sent(way: str, target: str) -> dict[str, Any]:
    """Return the arguments of a request that brings `target` along."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        return value.replace("{target}", target)

    filled: dict[str, Any] = fill(WAYS_IN[way])
    return filled


def way_back(response: Any) -> str | None:
    """Return the target that came through: in the answer of ``/done``, or in ``next``."""
    if response.status_code == 200:
        return None if response.text == "the default" else str(response.text)
    return next_of(response.headers.get("HX-Redirect", response.location))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of texts that were percent-decoded to judge a target."""
    texts: list[str] = []

    def count(text: str) -> str:
        texts.append(text)
        return unquote(text)

    monkeypatch.setattr("flask_login.redirects.unquote", count)
    return texts


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_path_that_is_encoded_thousands_of_times_is_refused_after_a_few_rounds(
    site: Flask, decoded: list[str], way: str
) -> None:
    response = site.test_client().open(**sent(way, "/%" + "25" * 4000))
    assert way_back(response) is None
    assert len(decoded) <= 10


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_target_longer_than_any_request_line_is_refused_unread(
    site: Flask, decoded: list[str], way: str
) -> None:
    response = site.test_client().open(**sent(way, "/" + "a" * 100_000))
    assert way_back(response) is None
    assert decoded == []


def test_a_target_as_long_as_a_request_line_is_gone_back_to(site: Flask) -> None:
    longest = "/" + "a" * 8191
    for target, answer in ((longest, longest), (longest + "a", "the default")):
        response = site.test_client().post("/done", data={"next": target})
        assert response.text == answer


def test_a_path_that_is_encoded_once_or_twice_is_gone_back_to_as_it_is(site: Flask) -> None:
    for target in ("/a%20b", "/caf%C3%A9", "/100%25", "/%2525"):
        response = site.test_client().post("/done", data={"next": target})
        assert response.text == target


@pytest.mark.parametrize("target", ["http://[::1/x", "//[", "http://localhost:port/x"])
def test_an_address_that_cannot_be_parsed_is_no_way_back_and_no_error(
    site: Flask, target: str
) -> None:
    assert site.test_client().post("/done", data={"next": target}).text == "the default"
