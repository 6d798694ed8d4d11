from __future__ import annotations

import hmac
import importlib
import inspect
import subprocess
import sys
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from flask import Blueprint, Flask, g, session
from tests.policy_site import Site
from werkzeug.exceptions import Unauthorized
from werkzeug.local import LocalProxy

import flask_login
from flask_login import (
    LoginManager,
    MissingLoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_fresh,
    login_required,
    utils,
)

# What 21 public projects, and many more applications, import from where.
IMPORTS = {
    "flask_login": [
        "AUTH_HEADER_NAME",
        "AnonymousUserMixin",
        "COOKIE_DURATION",
        "COOKIE_HTTPONLY",
        "COOKIE_NAME",
        "COOKIE_SECURE",
        "FlaskLoginClient",
        "ID_ATTRIBUTE",
        "LOGIN_MESSAGE",
        "LOGIN_MESSAGE_CATEGORY",
        "LoginManager",
        "REFRESH_MESSAGE",
        "REFRESH_MESSAGE_CATEGORY",
        "SESSION_KEYS",
        "UserMixin",
        "__version__",
        "config",
        "confirm_login",
        "current_user",
        "decode_cookie",
        "encode_cookie",
        "fresh_login_required",
        "login_fresh",
        "login_manager",
        "login_remembered",
        "login_required",
        "login_url",
        "login_user",
        "logout_user",
        "make_next_param",
        "mixins",
        "session_protected",
        "set_login_view",
        "signals",
        "test_client",
        "user_accessed",
        "user_loaded_from_cookie",
        "user_loaded_from_request",
        "user_logged_in",
        "user_logged_out",
        "user_login_confirmed",
        "user_needs_refresh",
        "user_unauthorized",
        "utils",
    ],
    "flask_login.utils": [
        "COOKIE_NAME",
        "EXEMPT_METHODS",
        "_cookie_digest",
        "_create_identifier",
        "_get_user",
        "_secret_key",
        "_user_context_processor",
        "confirm_login",
        "current_user",
        "decode_cookie",
        "encode_cookie",
        "expand_login_view",
        "fresh_login_required",
        "login_fresh",
        "login_remembered",
        "login_required",
        "login_url",
        "login_user",
        "logout_user",
        "make_next_param",
        "set_login_view",
    ],
    "flask_login.login_manager": [
        "LoginManager",
        "_create_identifier",
        "_user_context_processor",
        "datetime",
        "make_login_url",
    ],
    "flask_login.mixins": ["AnonymousUserMixin", "UserMixin"],
    "flask_login.signals": [
        "_signals",
        "_user_loaded_from_header",
        "session_protected",
        "user_accessed",
        "user_loaded_from_cookie",
        "user_loaded_from_request",
        "user_logged_in",
        "user_logged_out",
        "user_login_confirmed",
        "user_needs_refresh",
        "user_unauthorized",
    ],
    "flask_login.config": [
        "AUTH_HEADER_NAME",
        "COOKIE_DURATION",
        "COOKIE_HTTPONLY",
        "COOKIE_NAME",
        "COOKIE_SAMESITE",
        "COOKIE_SECURE",
        "EXEMPT_METHODS",
        "ID_ATTRIBUTE",
        "LOGIN_MESSAGE",
        "LOGIN_MESSAGE_CATEGORY",
        "REFRESH_MESSAGE",
        "REFRESH_MESSAGE_CATEGORY",
        "SESSION_KEYS",
        "USE_SESSION_FOR_NEXT",
    ],
    "flask_login.test_client": ["FlaskLoginClient"],
    "flask_login.__about__": [
        "__author__",
        "__author_email__",
        "__copyright__",
        "__description__",
        "__license__",
        "__maintainer__",
        "__title__",
        "__url__",
        "__version__",
        "__version_info__",
    ],
}


def run(code: str) -> str:
    """Run `code` in a Python of its own, with warnings as errors."""
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands in this file
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def guarded_app(app: Flask) -> Flask:
    @app.get("/guarded")
    @login_required
    def guarded() -> str:
        return f"welcome {current_user.get_id()}"

    return app


# Names


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in IMPORTS.items() for name in names]
)
def test_an_old_name_is_where_it_was(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", IMPORTS)
def test_an_old_module_can_be_the_first_that_is_imported_and_warns_of_nothing(module: str) -> None:
    names = ", ".join(IMPORTS[module])
    run(f"from {module} import {names}")


@pytest.mark.parametrize("module", [m for m in IMPORTS if m != "flask_login"])
def test_an_old_submodule_is_an_attribute_of_the_package_after_importing_the_package(
    module: str,
) -> None:
    name = module.rpartition(".")[2]
    assert run(f"import flask_login; print(flask_login.{name}.__name__)") == module


def test_login_manager_is_a_module_on_which_applications_set_attributes() -> None:
    from flask_login import login_manager  # as PowerDNS-Admin writes it

    assert type(login_manager) is type(sys)
    assert login_manager.__name__ == "flask_login.login_manager"
    assert (
        run(
            "from flask_login import login_manager\nlogin_manager.anything = 1\n"
            "import flask_login.login_manager as same\nprint(same.anything)"
        )
        == "1"
    )


#: What `import *` brought from Flask, Python and our own modules in 0.6.3, by its home.
STARS = {
    "flask_login.utils": {
        "flask": "current_app g has_request_context request session url_for",
        "flask_login": "COOKIE_NAME EXEMPT_METHODS confirm_login current_user decode_cookie"
        " encode_cookie fresh_login_required login_fresh login_remembered login_required login_url"
        " login_user logout_user make_next_param set_login_view user_logged_in user_logged_out"
        " user_login_confirmed",
        "flask_login.redirects": "expand_login_view",
        "functools": "wraps",
        "hashlib": "sha512",
        "urllib.parse": "parse_qs urlencode urlsplit urlunsplit",
        "werkzeug.local": "LocalProxy",
    },
    "flask_login.login_manager": {
        "datetime": "datetime timedelta",
        "flask": "abort current_app flash g has_app_context redirect request session",
        "flask_login": "AUTH_HEADER_NAME AnonymousUserMixin COOKIE_DURATION COOKIE_HTTPONLY"
        " COOKIE_NAME COOKIE_SAMESITE COOKIE_SECURE ID_ATTRIBUTE LOGIN_MESSAGE"
        " LOGIN_MESSAGE_CATEGORY LoginManager REFRESH_MESSAGE REFRESH_MESSAGE_CATEGORY SESSION_KEYS"
        " USE_SESSION_FOR_NEXT decode_cookie encode_cookie make_next_param session_protected"
        " user_accessed user_loaded_from_cookie user_loaded_from_request user_needs_refresh"
        " user_unauthorized",
        "flask_login.redirects": "expand_login_view",
    },
}


@pytest.mark.parametrize("module", STARS)
def test_a_star_import_brings_every_name_that_it_brought(module: str) -> None:
    brought: dict[str, Any] = {}
    exec(f"from {module} import *", brought)  # noqa: S102  # a star can't stand in a function
    for home, names in STARS[module].items():
        for name in names.split():
            assert brought[name] is getattr(importlib.import_module(home), name), name
    brought_late = set(run(f"from {module} import *\nprint(*dir())").split())
    assert {name for names in STARS[module].values() for name in names.split()} <= brought_late


def test_a_star_import_brings_hmac_and_the_login_url_by_its_other_name() -> None:
    names: dict[str, Any] = {}
    exec("from flask_login.utils import *", names)  # noqa: S102  # as above
    assert names["hmac"] is hmac
    exec("from flask_login.login_manager import *", names)  # noqa: S102  # as above
    assert names["make_login_url"] is flask_login.login_url


def test_a_small_application_that_lives_on_what_stars_bring_runs() -> None:
    run(
        "from flask_login.utils import *\n"
        "from flask_login.login_manager import *\n"
        "from flask import Flask\n"
        "app = Flask('app'); app.secret_key = 'secret'\n"
        "LoginManager(app).user_loader(lambda user_id: None)\n"
        "@app.get('/')\n"
        "def index():\n"
        "    session['seen'] = request.path\n"
        "    return redirect(url_for('index', next=current_app.name))\n"
        "assert app.test_client().get('/').location == '/?next=app'"
    )


def test_a_star_import_of_the_package_brings_every_public_name() -> None:
    brought = set(run("from flask_login import *\nprint(*dir())").split())
    assert set(flask_login.__all__) <= brought
    modules = {name for name, value in vars(flask_login).items() if inspect.ismodule(value)}
    assert not modules & brought, "an application has a `login` and a `config` of its own"


def test_the_names_in_utils_are_the_very_objects_of_the_package() -> None:
    for name in IMPORTS["flask_login.utils"]:
        if hasattr(flask_login, name):
            assert getattr(utils, name) is getattr(flask_login, name)


def test_a_name_that_utils_never_had_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'flask_login\.utils'.*'make_secure_token'"):
        getattr(utils, "make_secure_token")  # noqa: B009  # the access is what is tested
    assert not hasattr(utils, "reload_user")


def test_the_version_is_one_that_dependents_accept() -> None:
    numbers = tuple(int(part) for part in flask_login.__version__.split(".")[:3])
    assert (0, 6, 3) <= numbers < (0, 7)
    assert flask_login.__about__.__version__ == flask_login.__version__
    assert ".".join(flask_login.__about__.__version_info__) == flask_login.__version__


# What is patched


def test_a_patched_get_user_reaches_current_user_and_the_guards(guarded_app: Flask) -> None:
    user = mock.Mock(is_authenticated=True)
    user.get_id.return_value = "somebody"
    client = guarded_app.test_client()
    with mock.patch("flask_login.utils._get_user", return_value=user):
        assert client.get("/me").text == "somebody"
        assert client.get("/guarded").text == "welcome somebody"
        assert current_user.get_id() == "somebody"
    assert client.get("/me").text == "nobody"
    assert client.get("/guarded").status_code == 401


def test_a_patched_get_user_that_is_nobody_closes_the_guards(guarded_app: Flask) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice")
    nobody = mock.Mock(is_authenticated=False)
    with mock.patch("flask_login.utils._get_user", return_value=nobody):
        assert client.get("/guarded").status_code == 401
    assert client.get("/guarded").status_code == 200


def test_a_patched_get_user_reaches_the_template(guarded_app: Flask) -> None:
    from flask import render_template_string

    @guarded_app.get("/page")
    def page() -> str:
        return render_template_string("{{ current_user.name }}")

    user = mock.Mock()
    user.name = "somebody"
    with mock.patch("flask_login.utils._get_user", return_value=user):
        assert guarded_app.test_client().get("/page").text == "somebody"


def test_a_patched_get_user_reaches_the_manager_and_what_is_known_of_the_login(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    somebody = type("Somebody", (UserMixin,), {"id": "somebody"})()
    for context in (guarded_app.test_request_context(), guarded_app.app_context()):
        with context, mock.patch("flask_login.utils._get_user", return_value=somebody):
            assert login_manager.get_current_user() is somebody
            assert login_manager.current_user.get_id() == "somebody"
            assert flask_login.get_current_user() is somebody
    with (
        guarded_app.test_request_context(),
        mock.patch("flask_login.utils._get_user", return_value=somebody),
    ):
        assert login_manager.current_login.user_id == "somebody"
        assert flask_login.current_login.source == "assigned"
        assert not flask_login.login_fresh(), "it is nobody's login session"


def test_a_patched_get_user_reaches_the_guards_of_the_manager(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    guarded_app.add_url_rule("/own", "own", login_manager.login_required(lambda: "in"))
    client = guarded_app.test_client()
    with mock.patch("flask_login.utils._get_user", return_value=mock.Mock(is_authenticated=True)):
        assert client.get("/own").text == "in"
    assert client.get("/own").status_code == 401


@pytest.mark.parametrize("name", ["login_required", "fresh_login_required"])
@pytest.mark.parametrize("of", ["module", "manager"])
def test_a_patched_current_user_reaches_the_guards(
    guarded_app: Flask, login_manager: LoginManager[Any], name: str, of: str
) -> None:
    guard = getattr(login_manager if of == "manager" else flask_login, name)
    guarded_app.add_url_rule("/own", "own", guard(lambda: "in"))
    client = guarded_app.test_client()
    client.get("/login/alice")
    assert client.get("/own").text == "in"
    nobody, somebody = (mock.Mock(is_authenticated=answer) for answer in (False, True))
    with mock.patch("flask_login.utils.current_user", nobody):
        assert client.get("/own").status_code == 401
    with mock.patch("flask_login.utils.current_user", somebody):
        assert client.get("/own").text == "in"
        stranger = guarded_app.test_client().get("/own")
        assert stranger.status_code == (200 if name == "login_required" else 401)
    assert guarded_app.test_client().get("/own").status_code == 401


@pytest.mark.parametrize("name", ["login_user", "current_user", "_create_identifier"])
def test_a_patch_of_another_name_in_utils_is_undone(name: str) -> None:
    before = getattr(utils, name)
    with mock.patch(f"flask_login.utils.{name}") as double:
        assert getattr(utils, name) is double
    assert getattr(utils, name) is before


# Flask's own names in utils, as tests of applications patch them

NOBODY, SOMEBODY = (mock.Mock(is_authenticated=answer) for answer in (False, True))


def patched(name: str, *new: Any, **attributes: Any) -> Any:
    """Put something, by default a mock, in the place of a name of utils."""
    # Without a context `mock` can't look at Flask's proxies to make one itself.
    double = new[0] if new else mock.MagicMock(**attributes)
    return mock.patch(f"flask_login.utils.{name}", double)


def test_with_doubles_for_request_and_application_a_guarded_view_runs_outside_of_any() -> None:
    """As in the tests of a dozen public projects, which call their resources like that."""

    class Resource:
        @login_required
        def post(self, number: int) -> dict[str, int]:
            return {"number": number}

        @fresh_login_required
        def put(self) -> str:
            return "put"

    with patched("request"), patched("current_app"):
        assert Resource().post(number=7) == {"number": 7}
        assert Resource().put() == "put"
    with pytest.raises(RuntimeError, match="outside of"):
        Resource().post(number=7)


@pytest.mark.parametrize("guard", [login_required, login_required(), fresh_login_required])
@pytest.mark.parametrize(
    ("config", "method", "user", "answer"),
    [
        ({"LOGIN_DISABLED": True}, "GET", NOBODY, "in"),
        ({"LOGIN_DISABLED": False}, "OPTIONS", NOBODY, "in"),
        ({"LOGIN_DISABLED": False}, "GET", NOBODY, "refused"),
        ({}, "POST", NOBODY, "refused"),
        ({}, "POST", None, "refused"),
        ({}, "POST", SOMEBODY, "in"),
    ],
)
def test_doubles_for_request_application_and_user_decide_who_passes(
    guard: Any, config: dict[str, Any], method: str, user: Any, answer: str
) -> None:
    view = guard(lambda: "in")
    with (
        patched("request", method=method),
        patched("current_app", config=config) as double,
        patched("current_user", user),
        patched("session", {"_fresh": True}),
    ):
        double.login_manager.unauthorized.return_value = "refused"
        assert view() == answer
        assert double.login_manager.unauthorized.called == (answer == "refused")


@pytest.mark.parametrize(("fresh", "answer"), [(True, "in"), (False, "stale"), (None, "stale")])
def test_a_double_for_the_session_decides_who_is_fresh(fresh: Any, answer: str) -> None:
    view = fresh_login_required(lambda: "in")
    entries = {} if fresh is None else {"_fresh": fresh}
    with (
        patched("request", method="GET"),
        patched("current_app", config={}) as double,
        patched("current_user", SOMEBODY),
        patched("session", entries),
    ):
        double.login_manager.needs_refresh.return_value = "stale"
        assert view() == answer
        assert login_fresh() is (fresh or False)


def test_a_double_for_the_request_s_method_opens_a_guard_within_a_real_request(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    guarded_app.add_url_rule("/own", "own", login_manager.login_required(lambda: "in"))
    guarded_app.add_url_rule("/when", "when", login_required(when=lambda user: False)(lambda: "in"))
    client = guarded_app.test_client()
    paths = ("/guarded", "/own", "/when")
    with patched("request", method="OPTIONS"):
        assert [client.get(path).status_code for path in paths] == [200] * 3
    with patched("request", method="GET"):
        assert [client.get(path).status_code for path in paths] == [401] * 3
    client.get("/login/alice")
    with patched("request", method="GET"):
        assert [client.get(path).status_code for path in paths] == [200, 200, 403]
    assert guarded_app.test_client().get("/guarded").status_code == 401


@pytest.mark.parametrize(("setting", "code"), [(True, 200), (False, 401)])
def test_a_double_for_the_application_within_a_real_request_says_what_is_disabled(
    guarded_app: Flask, login_manager: LoginManager[Any], setting: bool, code: int
) -> None:
    client = guarded_app.test_client()
    double = mock.Mock(config={"LOGIN_DISABLED": setting}, login_manager=login_manager)
    with patched("current_app", double):
        assert client.get("/guarded").status_code == code
        assert client.get("/me").text == "nobody"
    with patched("current_app", guarded_app):
        assert client.get("/guarded").status_code == 401


def test_a_double_for_the_manager_of_a_real_application_refuses(guarded_app: Flask) -> None:
    for guard in (login_required, fresh_login_required, login_required(when=lambda user: True)):
        view = guard(lambda: "in")
        with (
            guarded_app.test_request_context(),
            patched("request", method="GET"),
            patched("current_user", NOBODY),
            mock.patch("flask_login.utils.current_app.login_manager") as manager,
        ):
            manager.unauthorized.side_effect = Unauthorized
            with pytest.raises(Unauthorized):
                view()
    with (
        guarded_app.test_request_context(),
        patched("current_user", NOBODY),
        mock.patch("flask_login.utils.current_app.login_manager") as manager,
    ):
        manager.unauthorized.return_value = "refused"
        assert login_required(lambda: "in")() == "refused"


def test_a_double_for_the_manager_asks_the_test_of_the_user_that_is_there(
    guarded_app: Flask,
) -> None:
    view = login_required(when=lambda user: user.admin)(lambda: "in")
    for admin, answer in ((True, "in"), (False, "forbidden")):
        user = mock.Mock(is_authenticated=True, admin=admin)
        with (
            guarded_app.test_request_context(),
            patched("current_user", user),
            mock.patch("flask_login.utils.current_app.login_manager") as manager,
        ):
            manager.forbidden.return_value = "forbidden"
            assert view() == answer


def test_a_double_s_text_for_a_setting_opens_nothing_that_it_does_not_mean() -> None:
    view = login_required(lambda: "in")
    with patched("request", method="GET"), patched("current_app", config={}) as double:
        double.config["LOGIN_DISABLED"] = "no setting at all"
        with pytest.raises(flask_login.ConfigurationError):
            view()


def test_an_async_view_is_run_by_the_application_in_place() -> None:
    @login_required
    async def view() -> str:
        return "in"

    with patched("request"), patched("current_app") as double:
        double.ensure_sync.side_effect = lambda view: lambda: "run by the double"
        answer: Any = view()
    assert answer == "run by the double"


def test_login_user_writes_to_a_session_in_place(
    app: Flask, users: dict[str, Any], clock: Any
) -> None:
    seen: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        seen.append((sender, user))

    with (
        app.test_request_context(),
        patched("session", {}) as entries,
        flask_login.user_logged_in.connected_to(receive),
    ):
        assert flask_login.login_user(users["alice"], remember=True, duration=timedelta(days=2))
        assert current_user.get_id() == "alice"
        identifier = utils._create_identifier()
    assert seen == [(app, users["alice"])]
    assert entries == {
        "_user_id": "alice",
        "_fresh": True,
        "_id": identifier,
        "_remember": "set",
        "_remember_seconds": 172800.0,
    }


def test_login_user_refuses_the_inactive_and_takes_every_kind_of_login_with_a_session_in_place(
    app: Flask, users: dict[str, Any]
) -> None:
    users["alice"].active = False
    with app.test_request_context(), patched("session", {}) as entries:
        assert not flask_login.login_user(users["alice"])
        assert entries == {}
        assert flask_login.login_user(users["alice"], force=True, fresh=False, remember=True)
    assert (entries["_fresh"], entries["_remember"]) == (False, "set")
    assert "_remember_seconds" not in entries


@pytest.mark.parametrize("attribute", ["get_id", "get_name", None])
def test_login_user_works_with_a_double_for_the_application(attribute: str | None) -> None:
    user = mock.Mock(is_active=True)
    user.get_id.return_value, user.get_name.return_value = "7", "ann"
    with patched("session", {}) as entries, patched("current_app") as double:
        if attribute is not None:
            double.login_manager.id_attribute = attribute
        double.login_manager._session_identifier_generator.return_value = "identifier"
        assert flask_login.login_user(user) is True
        double.login_manager._update_request_context_with_user.assert_called_once_with(user)
    user_id = "ann" if attribute == "get_name" else "7"
    assert entries == {"_user_id": user_id, "_fresh": True, "_id": "identifier"}


def test_confirm_login_makes_a_session_in_place_fresh(app: Flask) -> None:
    seen: list[Any] = []
    with (
        app.test_request_context(),
        patched("session", {"_fresh": False}) as entries,
        flask_login.user_login_confirmed.connected_to(seen.append),
    ):
        flask_login.confirm_login()
        assert flask_login.login_fresh() is True
        assert entries == {"_fresh": True, "_id": utils._create_identifier()}
    assert seen == [app]


@pytest.mark.parametrize("cookies", [{}, {"remember_token": "alice|x"}])
def test_logout_user_takes_a_login_from_a_session_in_place(
    app: Flask, users: dict[str, Any], cookies: dict[str, str]
) -> None:
    seen: list[Any] = []
    login = {"_user_id": "alice", "_fresh": True, "_id": "x", "_remember_seconds": 7, "cart": 1}

    def receive(sender: Flask, user: Any) -> None:
        seen.append((sender, user))

    with (
        app.test_request_context(),
        patched("_get_user", return_value=users["alice"]),
        patched("session", dict(login)) as entries,
        patched("request", cookies=cookies),
        flask_login.user_logged_out.connected_to(receive),
    ):
        assert flask_login.logout_user() is True
    assert seen == [(app, users["alice"])]
    gone = {"cart": 1, "_remember": "clear"} if cookies else {"cart": 1, "_remember_seconds": 7}
    assert entries == gone


def test_logout_user_of_a_session_that_holds_nothing_is_no_error(app: Flask) -> None:
    with (
        app.test_request_context(),
        patched("session", {}) as entries,
        patched("request", cookies={"remember_token": "x"}),
    ):
        assert flask_login.logout_user() is True
    assert entries == {"_remember": "clear"}


@pytest.mark.parametrize("level", ["signed", "stored"])
def test_with_a_double_for_the_request_alone_a_logout_ends_the_login(
    level: str, clock: Any
) -> None:
    site = Site((level, None), clock)

    site.page("/page", login_required)

    def log_out() -> str:
        return str(flask_login.logout_user() and dict(session)["_remember"])

    site.app.add_url_rule("/out", "out", log_out)

    client = site.browser()
    client.get("/login?id=ann&remember")
    stolen = site.browser(session=site.cookie(client, "session"))
    cookies = {"remember_token": "anything"}
    with patched("request", cookies=cookies):
        assert client.get("/out").text == "clear"
    assert not client.get_cookie("remember_token")
    paths = [(client, 401), (stolen, 401 if level == "stored" else 200)]
    assert [browser.get("/page").status_code for browser, _ in paths] == [code for _, code in paths]


def test_login_remembered_goes_by_what_is_in_place(app: Flask) -> None:
    with app.test_request_context():
        cookie = flask_login.encode_cookie("alice")
    config = {"SECRET_KEY": app.secret_key}
    for cookies, entries, remembered in (
        ({"remember_token": cookie}, {}, True),
        ({"remember_token": cookie}, {"_remember": "clear"}, False),
        ({"remember_token": cookie[:-1]}, {}, False),
        ({}, {}, False),
    ):
        with (
            patched("request", cookies=cookies),
            patched("session", entries),
            patched("current_app", config=config),
        ):
            assert flask_login.login_remembered() is remembered


def test_cookies_are_signed_with_the_key_of_the_application_in_place() -> None:
    with patched("current_app", config={"SECRET_KEY": "deterministic"}):
        assert utils._secret_key() == b"deterministic"
        assert utils.encode_cookie("foo") == KNOWN[0][2]
        assert utils.decode_cookie(KNOWN[0][2]) == "foo"
    with pytest.raises(RuntimeError, match="outside of"):
        utils.encode_cookie("foo")


@pytest.mark.parametrize(
    ("host", "url"), [(None, "/log-in"), ("sso.example", "//sso.example/log-in")]
)
def test_login_url_reads_the_settings_of_the_application_in_place(
    host: str | None, url: str
) -> None:
    with patched("current_app", config={"FORCE_HOST_FOR_REDIRECTS": host}):
        assert utils.login_url("/log-in") == url
        assert utils.login_url("/log-in", "/page") == f"{url}?next=%2Fpage"
    with patched("current_app"):
        assert utils.login_url("/log-in", "/page") == "/log-in?next=%2Fpage"


def test_the_identifier_is_that_of_the_request_in_place(app: Flask) -> None:
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "browser"}
    with app.test_request_context(environ_base=environ):
        real = utils._create_identifier()
    double = mock.Mock(remote_addr="192.0.2.1", headers={"User-Agent": "browser"})
    with patched("request", double):
        assert utils._create_identifier() == real
    with patched("request"):
        assert utils._create_identifier() != real


def test_set_login_view_sets_that_of_the_application_in_place(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    account = Blueprint("account", __name__)
    with patched("current_app") as double:
        flask_login.set_login_view("log_in")
        assert double.login_manager.login_view == "log_in"
        double.login_manager.blueprint_login_views = {}
        flask_login.set_login_view("account.log_in", account)
        assert double.login_manager.blueprint_login_views == {"account": "account.log_in"}
    with patched("current_app", app):
        flask_login.set_login_view("log_in")
    assert login_manager.login_view == "log_in"


def test_the_user_is_asked_of_the_application_in_place(app: Flask) -> None:
    user = UserMixin()
    with patched("current_app") as double:
        assert utils._get_user() is None
        with app.test_request_context():
            assert utils._get_user() is None, "the double loads nobody"
            double.login_manager._load_user.assert_called_once_with()
            g._login_user = user
            assert utils._get_user() is user
            assert current_user._get_current_object() is user
    with patched("current_app", mock.Mock(spec=["name"])), pytest.raises(MissingLoginManager):
        flask_login.login_fresh()


def test_what_was_patched_is_forgotten_afterwards(guarded_app: Flask) -> None:
    client = guarded_app.test_client()
    with patched("request"), patched("current_app"), patched("session"):
        pass
    assert client.get("/guarded").status_code == 401
    client.get("/login/alice")
    assert client.get("/guarded").text == "welcome alice"
    assert client.get("/fresh").text == "fresh"


def test_current_user_of_the_package_can_be_patched() -> None:
    with mock.patch("flask_login.current_user") as double:
        assert flask_login.current_user is double
    assert flask_login.current_user is current_user


def test_a_proxy_of_get_user_made_at_import_follows_the_request(guarded_app: Flask) -> None:
    early: Any = LocalProxy(utils._get_user)

    @guarded_app.get("/early")
    def read_early() -> str:
        return str(early.get_id())

    client = guarded_app.test_client()
    client.get("/login/alice")
    assert client.get("/early").text == "alice"


def test_current_user_is_a_proxy_and_none_outside_of_a_request(app: Flask) -> None:
    assert isinstance(current_user, LocalProxy)
    assert not current_user
    assert current_user == None  # noqa: E711  # a proxy is never None itself
    assert utils._get_user() is None
    with app.app_context():
        assert utils._get_user() is None


def test_the_user_in_g_is_readable_writable_and_deletable(guarded_app: Flask) -> None:
    class Other(UserMixin):
        id = "other"

    @guarded_app.get("/g")
    def change() -> list[str]:
        seen = [current_user.get_id(), g._login_user.get_id()]
        g._login_user = Other()
        seen += [current_user.get_id()]
        del g._login_user
        return [*seen, current_user.get_id()]

    client = guarded_app.test_client()
    client.get("/login/alice")
    assert client.get("/g").get_json() == ["alice", "alice", "other", "alice"]


def test_the_context_processor_of_old_gives_the_current_user(guarded_app: Flask) -> None:
    client = guarded_app.test_client()
    with client:
        client.get("/login/alice")
        context = utils._user_context_processor()
        assert list(context) == ["current_user"]
        assert context["current_user"].get_id() == "alice"


def test_the_identifier_of_old_tells_clients_apart_and_stays_the_same(app: Flask) -> None:
    def identifier(address: str, agent: str) -> str:
        with app.test_request_context(
            environ_base={"REMOTE_ADDR": address}, headers={"User-Agent": agent}
        ):
            found: str = utils._create_identifier()
            return found

    assert identifier("192.0.2.1", "one") == identifier("192.0.2.1", "one")
    different = {
        identifier(address, agent) for address in ("192.0.2.1", "::1") for agent in ("one", "two")
    }
    assert len(different) == 4


def test_private_methods_that_subclasses_override_are_called(users: dict[str, Any]) -> None:
    calls = []

    class Manager(LoginManager[Any]):
        def _load_user(self) -> None:
            calls.append("_load_user")
            super()._load_user()

        def _session_protection_failed(self) -> bool:
            calls.append("_session_protection_failed")
            return False

        def _load_user_from_remember_cookie(self, cookie: str) -> Any:
            calls.append("_load_user_from_remember_cookie")
            return super()._load_user_from_remember_cookie(cookie)

    app = Flask(__name__)
    app.secret_key = "secret"
    manager = Manager(app)
    manager.user_loader(users.get)

    @app.get("/login")
    def login() -> str:
        return str(flask_login.login_user(users["alice"], remember=True))

    @app.get("/me")
    def me() -> str:
        return current_user.get_id() or "nobody"

    client = app.test_client()
    client.get("/login")
    assert client.get("/me").text == "alice"
    assert calls == ["_load_user", "_session_protection_failed"]
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"
    assert calls[2:] == ["_load_user", "_load_user_from_remember_cookie"]


# encode_cookie and decode_cookie: answers of 0.6.3

KNOWN = [
    (
        "foo",
        None,
        "foo|47bec94a46a5d3939ca0671b01bafd5d7d5353941791734ec1e4734de40e5ce0"
        "a45c05c17cd33b8a18840991bb1cc154fa4ee8ef2f80a572b5a6a24b3a3afc20",
    ),
    (
        "1",
        None,
        "1|0e9e6e9855fbe6df7906ec4737578a1d491b38d3fd5246c1561016e189d65160"
        "43286501ca43257c938e60aad77acec5ce916b94ca9d00c0bb6f9883ae4b82ae",
    ),
    (
        "a|b|c",
        None,
        "a|b|c|d2d98eb7bb0372d767a5ddee99ce95a10e842590220446e038016fd792def505"
        "066cdbe6bc7021124785e790d5ac4efbd938258d80b00cc999b15a14c8a2e174",
    ),
    (
        "",
        None,
        "|e070c1fb0de9b4ae54a1d0da50965db5e60e045d2ff19d5e1341325f2f2bdf6a"
        "c3f2c240ba6e2883e1c3da211171609ccd9d3e76da6bd7bca7381f43417f0296",
    ),
    (
        "é",
        None,
        "é|9d4c1000c5b3b25512d0d01e575434fd344553104a03447522861b084113bbc6"
        "c2c367f0648745cff1d43079edc249a809004cc5bf7c6f703c27829ea36804e1",
    ),
    (
        "42",
        "other",
        "42|6b71d07b8858cafcff1ed24e833252f005ba59878fe0041090839bd538cfbd91"
        "3a92728940787cc4c68e19f0d215e1bf0b113ecf70d2478fb8c015156747bc78",
    ),
    (
        "42",
        b"\xffkey",
        "42|669b1823c721062e368b996622d5e0ae8f7bd96c8a344e6a557093c20d99fe0f"
        "973bb2c645ed91c2797a2fa8bd55a98ef4160cff53299dbe3ce9002c7f991b92",
    ),
]


@pytest.fixture
def signing_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "deterministic"
    return app


@pytest.mark.parametrize(("payload", "key", "cookie"), KNOWN)
def test_encoded_cookies_are_those_of_0_6_3_to_the_byte(
    signing_app: Flask, payload: str, key: str | bytes | None, cookie: str
) -> None:
    with signing_app.app_context():
        assert utils.encode_cookie(payload, key=key) == cookie
        assert utils.decode_cookie(cookie, key=key) == payload
        digest = cookie.rpartition("|")[2]
        assert utils._cookie_digest(payload, key) == digest


@pytest.mark.parametrize(("payload", "key", "cookie"), KNOWN)
def test_with_a_key_of_its_own_a_cookie_needs_no_app(
    payload: str, key: str | bytes | None, cookie: str
) -> None:
    key = key or "deterministic"
    assert utils.encode_cookie(payload, key) == cookie
    assert utils.decode_cookie(cookie, key) == payload


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "|",
        "foo",
        "foo|",
        "foo|0",
        "foo|é",
        "foo|\udcff",
        KNOWN[0][2][:-1],
        KNOWN[0][2] + "0",
        KNOWN[0][2].upper(),
        "fop" + KNOWN[0][2][3:],
        "1|" + KNOWN[0][2][4:],
        KNOWN[5][2],
    ],
)
def test_anything_else_decodes_to_nothing(signing_app: Flask, cookie: str) -> None:
    with signing_app.app_context():
        assert utils.decode_cookie(cookie) is None


def test_the_secret_key_of_old_is_bytes(signing_app: Flask) -> None:
    with signing_app.app_context():
        assert utils._secret_key() == b"deterministic"
        assert utils._secret_key("é") == b"\xe9"
        assert utils._secret_key(b"bytes") == b"bytes"
        # 0.6.3 had no answer to a key beyond Latin-1.
        assert utils._secret_key("€") == "€".encode()
