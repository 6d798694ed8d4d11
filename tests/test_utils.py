from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from flask import Flask, g
from werkzeug.local import LocalProxy

import flask_login
from flask_login import LoginManager, UserMixin, current_user, login_required, utils

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
    "flask_login.login_manager": ["LoginManager", "datetime"],
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


def test_a_star_import_of_utils_brings_what_it_brought() -> None:
    brought = set(run("from flask_login.utils import *\nprint(*dir())").split())
    assert {name for name in IMPORTS["flask_login.utils"] if name[0] != "_"} <= brought


def test_a_star_import_of_login_manager_brings_the_manager() -> None:
    run(
        "from flask_login.login_manager import *\n"
        "from flask import Flask\n"
        "app = Flask('app'); app.secret_key = 'secret'; LoginManager(app)"
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
        utils.make_secure_token  # noqa: B018  # the access is what is tested
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
