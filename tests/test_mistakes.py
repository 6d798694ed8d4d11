"""Mistakes of a first day: each is told with value, cause and cure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import BuildError

from flask_login import (
    ConfigurationError,
    InvalidUser,
    LoginManager,
    MemorySessionStore,
    NoCurrentUser,
    UnknownLoginView,
    UserMixin,
    acting_as,
    anonymous_required,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
)


class User(UserMixin):
    id = "7"


class Customer:
    """A row of an ORM that nobody told of logins."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


@pytest.fixture(params=["signed", "stored"])
def app(request: pytest.FixtureRequest) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    store = MemorySessionStore() if request.param == "stored" else None
    LoginManager[Any](app, session_store=store).user_loader(lambda _: User())
    LoginManager[Any](app, name="staff").user_loader(lambda _: User())
    return app


def manager_of(app: Flask, realm: str = "default") -> LoginManager[Any]:
    manager: LoginManager[Any] = app.extensions["login"][realm].manager
    return manager


# ------------------------------------------------------------------ what is logged in


@pytest.mark.parametrize(
    ("user", "text"),
    [
        (None, "instead got: None. Nobody was found: ask for None before a login."),
        ("canary", "instead got: str. Give it the object that your user_loader returns"),
        (7, "instead got: int. Give it the object that your user_loader returns"),
        (UUID(int=7), "instead got: UUID. Give it the object"),
        (Customer(id=7), "instead got: Customer. Let the class of your users inherit from"),
        ({"id": 7}, "instead got: dict. Let the class of your users inherit from"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("call", ["login_user", "begin_login", "force", "realm"])
def test_whoever_is_no_user_is_not_logged_in_and_the_error_says_what_to_do(
    user: Any, text: str, call: str, app: Flask
) -> None:
    manager = manager_of(app, "staff" if call == "realm" else "default")
    calls = {
        "login_user": lambda: login_user(user),
        "begin_login": lambda: manager.begin_login(user),
        "force": lambda: login_user(user, force=True),
        "realm": lambda: manager.login_user(user),
    }
    with app.test_request_context():
        with pytest.raises(InvalidUser) as caught:
            calls[call]()
        assert not current_user.is_authenticated
    assert str(caught.value).startswith("The user must be an object with 'get_id', instead got: ")
    assert text in str(caught.value)
    assert "canary" not in str(caught.value) + repr(caught.value)
    assert isinstance(caught.value, AttributeError)  # which 0.6.3 raised


def test_nobody_is_impersonated_with_the_same_words(app: Flask) -> None:
    manager = manager_of(app)
    manager.may_impersonate(lambda *_: True)
    with app.test_request_context():
        login_user(User())
        with pytest.raises(InvalidUser, match="instead got: None"):
            manager.impersonate(None)


def test_another_id_attribute_is_named(app: Flask) -> None:
    manager_of(app).id_attribute = "get_key"
    with app.test_request_context(), pytest.raises(InvalidUser, match="'get_key'"):
        login_user(User())


def test_an_attribute_error_from_inside_of_get_id_stays_as_it_is(app: Flask) -> None:
    class Broken(UserMixin):
        @property
        def get_id(self) -> Any:
            return self.row.id  # type: ignore[attr-defined]

    with app.test_request_context(), pytest.raises(AttributeError, match="'row'") as caught:
        login_user(Broken())
    assert type(caught.value) is AttributeError


@pytest.mark.parametrize(
    "user",
    [
        MagicMock(**{"get_id.return_value": "7"}),
        SimpleNamespace(get_id=lambda: "7", is_active=True, is_authenticated=True),
        Customer(get_id=lambda: "7"),
        Customer(get_id=lambda: "7", is_authenticated=True),
    ],
    ids=["mock", "namespace", "bare", "duck"],
)
def test_a_user_of_any_class_that_0_6_3_logged_in_is_logged_in(user: Any, app: Flask) -> None:
    with app.test_request_context():
        assert login_user(user, force=True)
        assert current_user == user


# ------------------------------------------------------------------ what a loader returns


@pytest.mark.parametrize("kind", [str, int, bytes, bool])
@pytest.mark.parametrize(
    "guard", [login_required, login_required(when=bool), fresh_login_required, anonymous_required]
)
@pytest.mark.parametrize("loader", ["user_loader", "request_loader", "bearer_loader"])
def test_a_loader_that_returns_an_id_is_told_by_the_guard(
    kind: type, guard: Any, loader: str, app: Flask
) -> None:
    manager = manager_of(app)
    value = kind(b"7") if kind is bytes else kind("7")
    getattr(manager, loader)(lambda _: value)
    app.add_url_rule("/page", "page", guard(lambda: "page"))
    app.add_url_rule("/in", "in", lambda: str(login_user(User())))
    browser = app.test_client()
    headers = {}
    if loader == "user_loader":
        browser.get("/in")
    else:
        headers = {"Authorization": "Bearer token"}
    with pytest.raises(InvalidUser) as caught:
        browser.get("/page", headers=headers)
    assert str(caught.value) == (
        "The current user must be an object with 'is_authenticated', instead got:"
        f" {kind.__name__}. A loader has to return the user's object, not the id that it was given."
    )


def test_a_default_guard_tells_it_too(app: Flask) -> None:
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = True
    manager_of(app).request_loader(lambda _: "7")
    app.add_url_rule("/page", "page", lambda: "page")
    with pytest.raises(InvalidUser, match="A loader has to return"):
        app.test_client().get("/page")


def test_a_page_that_reads_the_current_user_of_such_a_loader_is_told_as_well(app: Flask) -> None:
    manager_of(app).request_loader(lambda _: "7")
    manager_of(app, "staff").request_loader(lambda _: 7)
    with app.test_request_context():
        with pytest.raises(InvalidUser, match="'name', instead got: str. A loader has to"):
            _ = current_user.name
        with pytest.raises(InvalidUser, match="'name', instead got: int. A loader has to"):
            _ = manager_of(app, "staff").current_user.name
        assert current_user.upper() == "7"  # as ever
        assert not hasattr(current_user, "name")
        assert getattr(current_user, "name", "nobody") == "nobody"


def test_a_user_without_the_mixin_is_told_by_the_guard(app: Flask) -> None:
    app.add_url_rule("/page", "page", login_required(lambda: "page"))
    manager_of(app).request_loader(lambda _: Customer(name="Ann"))
    with pytest.raises(InvalidUser, match="instead got: Customer. Let the class of your users"):
        app.test_client().get("/page")
    with app.test_request_context():
        assert current_user.name == "Ann"
        with pytest.raises(AttributeError, match="nickname") as caught:
            _ = current_user.nickname
        assert type(caught.value) is AttributeError


def test_an_attribute_error_from_inside_of_is_authenticated_stays_as_it_is(app: Flask) -> None:
    class Broken(UserMixin):
        @property
        def is_authenticated(self) -> bool:
            return bool(self.row)  # type: ignore[attr-defined]  # broken on purpose

    app.add_url_rule("/page", "page", login_required(lambda: "page"))
    app.add_url_rule("/new", "new", anonymous_required(lambda: "page"))
    manager_of(app).request_loader(lambda _: Broken())
    for path in ("/page", "/new"):
        with pytest.raises(AttributeError, match="'row'") as caught:
            app.test_client().get(path)
        assert type(caught.value) is AttributeError


# ------------------------------------------------------------------ outside of a request


@pytest.mark.parametrize("realm", ["default", "staff"])
def test_the_current_user_outside_of_a_request_says_that_there_is_none(
    realm: str, app: Flask
) -> None:
    proxy = manager_of(app, realm).current_user
    with app.app_context():
        for read in (proxy, current_user):
            with pytest.raises(NoCurrentUser) as caught:
                _ = read.name
            assert "'name' of current_user was read outside of a request" in str(caught.value)
            assert "acting_as(user)" in str(caught.value)
            assert not hasattr(read, "name")
            assert not read
        with acting_as(User()):
            assert current_user.id == "7"
            with pytest.raises(AttributeError) as missing:
                _ = current_user.nickname
            assert type(missing.value) is AttributeError
    with pytest.raises(NoCurrentUser):
        _ = current_user.name  # no application either


def test_an_application_without_anonymous_users_gets_the_plain_error(app: Flask) -> None:
    manager = manager_of(app)
    manager.anonymous_user = lambda: None
    for read in (current_user, manager.current_user):
        with app.test_request_context(), pytest.raises(AttributeError) as caught:
            _ = read.name
        assert type(caught.value) is AttributeError


# ------------------------------------------------------------------ where to log in


@pytest.mark.parametrize("name", ["login_view", "refresh_view", "a blueprint's", "redirect_to"])
def test_a_view_to_log_in_that_is_misspelt_is_named_with_the_right_one(
    name: str, app: Flask
) -> None:
    manager = manager_of(app)
    app.add_url_rule("/login", "login", lambda: str(login_user(User(), fresh=False)))
    guard: Any = login_required
    if name == "a blueprint's":
        manager.blueprint_login_views["shop"] = "lgoin"
    elif name == "redirect_to":
        guard = anonymous_required(redirect_to="lgoin")
    else:
        setattr(manager, name, "lgoin")
        guard = login_required if name == "login_view" else fresh_login_required
    shop = Blueprint("shop", __name__)
    shop.add_url_rule("/page", "page", guard(lambda: "page"))
    app.register_blueprint(shop)
    browser = app.test_client()
    if name in ("refresh_view", "redirect_to"):
        browser.get("/login")
    with pytest.raises(UnknownLoginView) as caught:
        browser.get("/page")
    assert str(caught.value) == (
        "A view that callers are sent to (login_view, refresh_view, redirect_to) must be an"
        " endpoint, a path that begins with / or a URL, instead got: 'lgoin'. Could not build url"
        " for endpoint 'lgoin'. Did you mean 'login' instead?"
    )
    assert isinstance(caught.value, BuildError)  # which 0.6.3 raised


def test_a_login_view_that_needs_values_is_told_with_their_names(app: Flask) -> None:
    app.add_url_rule("/<lang>/login", "login", lambda lang: lang)
    app.add_url_rule("/page", "page", login_required(lambda: "page"))
    manager_of(app).login_view = "login"
    with pytest.raises(UnknownLoginView, match=r"specify values \['lang'\]"):
        app.test_client().get("/page")


# ------------------------------------------------------------------ the session store


@pytest.mark.parametrize(
    ("store", "shown", "cure"),
    [
        ("redis://user:canary@host/0", "'a text'", "RedisSessionStore(url)"),
        ("valkey://user:canary@host/0", "'a text'", "RedisSessionStore(url)"),
        ("postgresql://user:canary@host/shop", "'a text'", "SQLAlchemySessionStore(url)"),
        ("", "'a text'", "SQLAlchemySessionStore(url)"),
        (MemorySessionStore, "'the class MemorySessionStore'", "MemorySessionStore(...)"),
        (object(), "'an object of builtins.object'", "SQLAlchemySessionStore(db)"),
        (MemorySessionStore.ping, "'an object of builtins.function'", "every method"),
        (False, "'an object of builtins.bool'", "SQLAlchemySessionStore(db)"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("name", [None, "staff"])
def test_what_is_no_session_store_is_refused_with_the_way_to_make_one(
    store: Any, shown: str, cure: str, name: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LoginManager(name=name, session_store=store)
    text = str(caught.value)
    assert text.startswith(f"session_store must be a session store or None, instead got: {shown}.")
    assert cure in text
    assert "canary" not in text + repr(caught.value)


def test_a_store_of_any_class_with_the_methods_is_taken() -> None:
    assert LoginManager[Any](session_store=MagicMock()).sessions is not None


# ------------------------------------------------------------------ a text for a number


@pytest.mark.parametrize(
    ("key", "value", "cure"),
    [
        ("LOGIN_IDLE_TIMEOUT", "30", "Write LOGIN_IDLE_TIMEOUT = 30, without the quotes"),
        ("LOGIN_ABSOLUTE_TIMEOUT", "None", "Write LOGIN_ABSOLUTE_TIMEOUT = None, without"),
        ("LOGIN_MAX_SESSIONS", "3", "Write LOGIN_MAX_SESSIONS = 3, without the quotes"),
        ("LOGIN_CLEAR_SITE_DATA", "True", "Write LOGIN_CLEAR_SITE_DATA = True, without"),
        ("LOGIN_IDLE_TIMEOUT", "a while", None),
        ("LOGIN_IDLE_TIMEOUT", "-5", None),
        ("LOGIN_IDLE_TIMEOUT", "(" * 300, None),
        ("LOGIN_MAX_SESSIONS", 0, None),
    ],
)
def test_a_setting_that_only_has_quotes_too_many_says_so(
    key: str, value: object, cure: str | None
) -> None:
    app = Flask(__name__)
    app.config[key] = value
    with pytest.raises(ConfigurationError) as caught:
        LoginManager(app)
    text = str(caught.value)
    assert f"instead got: {value!r}" in text
    assert (cure is None) == text.endswith(repr(value))
    assert cure is None or cure in text
