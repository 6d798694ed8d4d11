"""Sessions of other kinds: on the server, without a key, or none for some requests."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest
from flask import Flask, Request, Response, g, request, session
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin
from flask.testing import FlaskClient
from tests.policy_site import KINDS, STORED, Site

from flask_login import (
    ConfigurationError,
    LoginManager,
    MemorySessionStore,
    UserMixin,
    begin_login,
    confirm_login,
    current_user,
    encode_cookie,
    login_user,
    logout_user,
    user_loaded_from_request,
)
from flask_login.doctor import Finding, examine
from flask_login.sessions import SessionStoreUnavailable
from flask_login.testing import FrozenClock

# An interface with `regenerate`


class Regenerating(SecureCookieSessionInterface):
    """Counts what it is asked, as Flask-Session's interfaces are since 0.6."""

    def __init__(self) -> None:
        self.regenerated: list[dict[str, Any]] = []

    def regenerate(self, session: Any) -> None:
        self.regenerated.append(dict(session))


@pytest.fixture
def interface(app: Flask) -> Regenerating:
    interface = Regenerating()
    app.session_interface = interface
    return interface


def test_a_session_gets_a_new_id_at_login_and_at_logout(
    app: Flask, interface: Regenerating
) -> None:
    client = app.test_client()
    client.get("/me")
    assert len(interface.regenerated) == 0
    client.get("/login/alice")
    assert len(interface.regenerated) == 1
    client.get("/me")
    assert len(interface.regenerated) == 1
    client.get("/logout")
    assert len(interface.regenerated) == 2
    assert client.get("/me").text == "nobody"


def test_a_session_gets_a_new_id_when_a_remember_token_logs_in(
    app: Flask, interface: Regenerating
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    interface.regenerated.clear()
    client.get("/me")
    client.get("/me")
    assert len(interface.regenerated) == 1


def test_a_session_gets_a_new_id_when_its_login_is_confirmed(
    app: Flask, interface: Regenerating
) -> None:
    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    client = app.test_client()
    client.get("/confirm")
    assert len(interface.regenerated) == 0, "nobody's login was confirmed"
    client.get("/login/alice")
    client.get("/confirm")
    assert len(interface.regenerated) == 2
    assert client.get("/me").text == "alice"


def test_a_session_keeps_its_id_when_nobody_was_let_in(
    app: Flask, interface: Regenerating, users: dict[str, Any]
) -> None:
    users["alice"].active = False
    client = app.test_client()
    assert client.get("/login/alice").text == "False"
    client.set_cookie("remember_token", "junk")
    client.get("/me")
    assert interface.regenerated == []


# Sessions that know how to get a new id themselves, and some that say nothing of themselves


class BeakerSession(MutableMapping[str, Any]):
    """What Beaker gives an application: entries, and no word on whether they were changed."""

    def __init__(self, kept: dict[str, dict[str, Any]], sid: str) -> None:
        self.kept, self.sid = kept, sid
        self.entries = dict(kept.get(sid, {}))

    def __getitem__(self, key: str) -> Any:
        return self.entries[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.entries[key] = value

    def __delitem__(self, key: str) -> None:
        del self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def keys(self) -> Any:
        return list(self.entries)  # no view

    def save(self) -> None:
        self.kept[self.sid] = dict(self.entries)


class KVSession(BeakerSession):
    """Gets a new id by its own method, as Flask-KVSession's and Mailu's do."""

    def regenerate(self) -> None:
        self.kept.pop(self.sid, None)
        self.sid = f"{next(IDS)}"


IDS = itertools.count()


class OfItsOwn(SessionInterface):
    """Keeps one kind of sessions, by an id in a cookie."""

    def __init__(self, kind: type[BeakerSession]) -> None:
        self.kind = kind
        self.kept: dict[str, dict[str, Any]] = {}

    def open_session(self, app: Flask, request: Request) -> Any:
        sid = request.cookies.get("session", "")
        return self.kind(self.kept, sid if sid in self.kept else f"{next(IDS)}")

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if session or session.sid in self.kept:
            session.save()
            response.set_cookie("session", session.sid)


@pytest.fixture(params=KINDS, ids=str)
def level_and_realm(request: pytest.FixtureRequest) -> Any:
    return request.param


def site_with(
    kind: type[BeakerSession], level_and_realm: Any, clock: FrozenClock, **config: Any
) -> Site:
    site = Site(level_and_realm, clock, **config)
    site.app.session_interface = OfItsOwn(kind)
    site._public("/cart", lambda: str(session.setdefault("cart", request.args.get("add"))))
    return site


@pytest.mark.parametrize("kind", [BeakerSession, KVSession])
def test_a_session_that_does_not_say_whether_it_was_modified_keeps_a_login_through_its_life(
    kind: type[BeakerSession], level_and_realm: Any, clock: FrozenClock
) -> None:
    site = site_with(kind, level_and_realm, clock, SESSION_PROTECTION="strong")
    client = site.browser()
    assert client.get("/me").text == "nobody"
    assert client.get("/cart?add=book").text == "book"
    assert client.get("/login?id=ann&remember").text == "True"
    assert client.get("/known").get_json()["user_id"] == "ann"
    client.delete_cookie("session")
    for _ in range(2):
        assert client.get("/me").text == "ann"
        assert client.get("/fresh").text == "stale"
    assert client.get("/confirm").text == "ann"
    assert client.get("/fresh").text == "fresh"
    client.get("/login?id=eve")
    assert client.get("/act?id=ann").text == "ann"
    assert client.get("/known").get_json()["actor"] == "eve"
    assert client.get("/stop").text == "True"
    assert client.get("/logout").text == "True"
    assert client.get("/me").text == "nobody"
    assert client.get("/begin?id=ann").text == "True"
    assert client.get("/pending").text == "ann"
    assert client.get("/complete").text == "True"
    assert client.get("/me").text == "ann"


class FailingStore(MemorySessionStore):
    """Can be down for what is asked of one user's remember token or session."""

    down = False

    def get(self, *args: Any, **kwargs: Any) -> Any:
        if self.down:
            raise SessionStoreUnavailable("memory", None)
        return super().get(*args, **kwargs)


@pytest.mark.parametrize("kind", [BeakerSession, KVSession])
@pytest.mark.parametrize("how", ["", "&remember"])
def test_an_outage_of_the_store_leaves_such_a_session_as_it_was(
    clock: FrozenClock, kind: type[BeakerSession], how: str
) -> None:
    site = site_with(kind, STORED, clock)
    store = FailingStore()
    site.manager = LoginManager(site.app, session_store=store, clock=clock)
    site.manager.user_loader(site.users.get)
    client = site.browser()
    client.get(f"/login?id=ann{how}")
    kept = repr(site.app.session_interface.kept)  # type: ignore[attr-defined]  # ours
    store.down = True
    assert client.get("/me").status_code == 503
    assert repr(site.app.session_interface.kept) == kept  # type: ignore[attr-defined]  # ours
    store.down = False
    assert client.get("/me").text == "ann"


class HalfFailingStore(FailingStore):
    """Answers one question and then no other."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        found = super().get(*args, **kwargs)
        self.down = self.fails_next
        return found

    fails_next = False


def test_an_outage_between_two_answers_of_the_store_takes_back_what_was_dropped(
    clock: FrozenClock,
) -> None:
    site = site_with(BeakerSession, STORED, clock)
    store = HalfFailingStore()
    site.manager = LoginManager(site.app, session_store=store, clock=clock)
    site.manager.user_loader(site.users.get)
    client = site.browser()
    client.get("/login?id=ann&remember")
    with site.app.app_context():
        site.manager.sessions.revoke_all("ann")
    kept = repr(site.app.session_interface.kept)  # type: ignore[attr-defined]  # ours
    store.fails_next = True
    assert client.get("/me").status_code == 503
    assert repr(site.app.session_interface.kept) == kept  # type: ignore[attr-defined]  # ours
    store.fails_next = store.down = False
    assert client.get("/why").text == "revoked"


@pytest.mark.parametrize(
    "page", ["/login?id=ann", "/login?id=ann&stale", "/begin?id=ann"], ids=["fresh", "stale", "two"]
)
def test_a_planted_id_of_a_session_that_renews_itself_is_worthless_after_login(
    level_and_realm: Any, clock: FrozenClock, page: str
) -> None:
    site = site_with(KVSession, level_and_realm, clock)
    attacker = site.browser()
    attacker.get("/cart?add=book")
    victim = site.browser(session=site.cookie(attacker))
    assert victim.get(page).text == "True"
    if page.startswith("/begin"):
        assert attacker.get("/pending").text == "nobody"
        assert victim.get("/complete").text == "True"
    assert attacker.get("/me").text == "nobody"
    assert victim.get("/me").text == "ann"
    assert victim.get("/cart").text == "book"


def test_such_a_session_gets_a_new_id_at_each_change_of_who_uses_it(
    level_and_realm: Any, clock: FrozenClock
) -> None:
    site = site_with(KVSession, level_and_realm, clock)
    client = site.browser()
    client.get("/cart?add=book")
    ids = [site.cookie(client)]

    def visit(page: str) -> None:
        before = site.browser(session=ids[-1])
        client.get(page)
        ids.append(site.cookie(client))
        assert ids[-1] not in ids[:-1], page
        assert before.get("/me").text == "nobody", f"{page}: with the id from before"

    visit("/login?id=eve&remember")
    visit("/confirm")
    visit("/act?id=ann")
    visit("/stop")
    visit("/logout")
    visit("/login?id=ann&remember")
    client.delete_cookie("session")
    client.get("/cart?add=pen")
    ids.append(site.cookie(client))
    visit("/me")


def test_the_interface_is_asked_first_and_then_not_the_session(
    make_app: Callable[..., Flask],
) -> None:
    asked: list[str] = []

    class Both(OfItsOwn):
        def regenerate(self, session: Any) -> None:
            asked.append("interface")

    class Session(BeakerSession):
        def regenerate(self) -> None:
            asked.append("session")

    app = make_app()
    app.session_interface = Both(Session)
    app.test_client().get("/login/alice")
    assert asked == ["interface"]


def test_an_entry_or_attribute_of_that_name_is_not_called(make_app: Callable[..., Flask]) -> None:
    class Entries(BeakerSession):
        regenerate = None

    app = make_app()
    app.session_interface = OfItsOwn(Entries)
    assert app.test_client().get("/login/alice").text == "True"


# Sessions whose id can't be renewed are told of


class OldFlaskSession(OfItsOwn):
    """Stands for an interface of Flask-Session before 0.6."""


OldFlaskSession.__module__ = "flask_session.sessions"


class Opened(OfItsOwn):
    """Can't be opened but in a real request, as Beaker's behind its middleware."""

    def open_session(self, app: Flask, request: Request) -> Any:
        if "werkzeug.request" not in request.environ or request.path == "/":
            raise KeyError("beaker.session")
        return super().open_session(app, request)


class NoneOpened(OfItsOwn):
    def open_session(self, app: Flask, request: Request) -> Any:
        return None


class Own(SecureCookieSessionInterface):
    """Flask's own, with something more."""


def finding_of(app: Flask) -> Finding | None:
    found = [finding for finding in examine(app) if finding.code == "session_id_kept"]
    return found[0] if found else None


def test_where_logins_have_a_cookie_of_their_own_a_kept_session_id_gives_no_login(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app()
    app.session_interface, app.config["LOGIN_STATE"] = OfItsOwn(BeakerSession), "cookie"
    with app.app_context():
        finding = finding_of(app)
    assert finding is not None
    assert finding.level == "hint"
    assert finding.text.endswith("planted the id in a browser shares what pages keep in it.")


@pytest.mark.parametrize(
    "interface", [OfItsOwn(BeakerSession), OldFlaskSession(BeakerSession), Opened(BeakerSession)]
)
def test_sessions_that_keep_their_id_at_login_are_told_of_once_and_by_doctor(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, interface: OfItsOwn
) -> None:
    app = make_app()
    app.session_interface = interface
    with app.app_context():
        finding = finding_of(app)
    assert finding is not None
    assert finding.level == "error"
    assert finding.text.endswith("is logged in together with its user.")
    client = app.test_client()
    client.get("/public")
    client.get("/login/alice")
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    old = isinstance(interface, OldFlaskSession)
    cure = "Upgrade to Flask-Session 0.6 or later." if old else "Give the interface a method"
    for text in (finding.text, record.getMessage()):
        assert f"{type(interface).__module__}.{type(interface).__qualname__}" in text
    assert finding.cure.startswith(cure)
    assert cure in record.getMessage()


@pytest.mark.parametrize(
    "interface",
    [
        SecureCookieSessionInterface(),
        Own(),
        Regenerating(),
        OfItsOwn(KVSession),
        NoneOpened(BeakerSession),
    ],
    ids=lambda interface: type(interface).__name__,
)
def test_sessions_that_get_a_new_id_or_have_none_are_not_told_of(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, interface: Any
) -> None:
    app = make_app()
    app.session_interface = interface
    with app.app_context():
        assert finding_of(app) is None
    app.test_client().get("/public")
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_the_class_of_an_interface_s_sessions_tells_too(make_app: Callable[..., Flask]) -> None:
    class Says(Opened):
        session_class = KVSession

    app = make_app()
    app.session_interface = Says(KVSession)
    with app.app_context():
        assert finding_of(app) is None


def test_flask_session_of_today_is_not_told_of(
    on_the_server: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = on_the_server()
    with app.app_context():
        assert finding_of(app) is None
    app.test_client().get("/login/alice")
    assert [r for r in caplog.records if r.name == "flask_login"] == []


# Flask-Session


@pytest.fixture
def on_the_server(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make apps whose sessions are kept in memory by Flask-Session."""
    flask_session = pytest.importorskip("flask_session", reason="needs Flask-Session")
    cachelib = pytest.importorskip("cachelib", reason="needs cachelib, which Flask-Session uses")

    def make(**config: Any) -> Flask:
        cache = cachelib.SimpleCache()
        app = make_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache, **config)
        flask_session.Session(app)
        return app

    return make


def test_a_planted_session_id_is_worthless_after_login(
    on_the_server: Callable[..., Flask],
) -> None:
    app = on_the_server()

    @app.get("/visit")
    def visit() -> str:
        session["cart"] = "book"
        return ""

    attacker, victim = app.test_client(), app.test_client()
    attacker.get("/visit")
    planted = attacker.get_cookie("session")
    assert planted is not None
    victim.set_cookie("session", planted.value)
    victim.get("/login/alice")

    own = victim.get_cookie("session")
    assert own is not None
    assert own.value != planted.value
    assert victim.get("/me").text == "alice"
    assert attacker.get("/me").text == "nobody"
    with victim:
        victim.get("/me")
        assert session["cart"] == "book"


def test_a_session_id_put_back_after_logout_logs_nobody_in(
    on_the_server: Callable[..., Flask],
) -> None:
    client = on_the_server().test_client()
    client.get("/login/alice")
    before = client.get_cookie("session")
    assert before is not None
    client.get("/logout")
    client.set_cookie("session", before.value)
    assert client.get("/me").text == "nobody"


def test_a_session_on_the_server_keeps_a_login_through_all_of_its_life(
    on_the_server: Callable[..., Flask],
) -> None:
    client = on_the_server(SESSION_PROTECTION="strong").test_client()
    client.get("/login/alice?remember")
    assert client.get("/fresh").text == "fresh"
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"
    assert client.get("/fresh").text == "stale"
    client.get("/logout")
    assert client.get("/me").text == "nobody"


# Flask-WTF


class Forms:
    """An application with forms of Flask-WTF, and what a browser or a program does with them."""

    def __init__(self, app: Flask, users: dict[str, Any]) -> None:
        csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
        csrf.CSRFProtect(app)
        self.app = app

        @app.get("/token")
        def token() -> str:
            made: str = csrf.generate_csrf()
            return made

        @app.get("/token-then-user")
        def token_then_user() -> str:
            # As a page does: its head has the token, its menu the user's name.
            made: str = csrf.generate_csrf()
            return f"{current_user.get_id()} {made} {csrf.generate_csrf()}"

        @app.post("/act")
        def act() -> str:
            return "done"

        @app.post("/log-in")
        def log_in() -> str:
            return str(login_user(users["alice"], remember=True))

        @app.post("/log-out")
        def log_out() -> str:
            return str(logout_user())

    def send(self, client: FlaskClient, token: str, path: str = "/act") -> int:
        name = self.app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
        return client.post(path, data={name: token}).status_code


@pytest.fixture(params=["cookie", "server", "store", "store and server"])
def make_forms(
    request: pytest.FixtureRequest,
    make_app: Callable[..., Flask],
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    clock: FrozenClock,
) -> Callable[..., Forms]:
    """Make applications with forms: on both levels, sessions in the cookie or on the server."""
    make: Callable[..., Flask] = make_app
    if "server" in request.param:
        make = request.getfixturevalue("on_the_server")

    def made(**config: Any) -> Forms:
        app = make(**config)
        if "store" in request.param:
            stored: LoginManager[Any] = LoginManager(
                app, session_store=MemorySessionStore(), clock=clock
            )
            stored.user_loader(login_manager._user_callback)  # type: ignore[arg-type]  # set by the fixture
        return Forms(app, users)

    return made


FIELDS = pytest.mark.parametrize("field", [{}, {"WTF_CSRF_FIELD_NAME": "crumb"}], ids=str)


@FIELDS
def test_two_tabs_at_the_login_page_can_both_log_in(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(**field)
    client = forms.app.test_client()
    first, second = client.get("/token").text, client.get("/token").text
    assert forms.send(client, first, "/log-in") == 200
    assert forms.send(client, second, "/log-in") == 200
    assert client.get("/me").text == "alice"


@FIELDS
def test_a_form_of_an_older_tab_can_be_sent_after_login_and_after_logout(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(**field)
    client = forms.app.test_client()
    older = client.get("/token").text
    for path in ("/log-in", "/log-out", "/log-in"):
        assert forms.send(client, client.get("/token").text, path) == 200
        assert forms.send(client, older) == 200


@pytest.mark.parametrize("rotates", [False, True])
@FIELDS
def test_a_page_that_writes_its_token_before_it_asks_for_a_returning_user_holds_a_good_one(
    make_forms: Callable[..., Forms], field: dict[str, Any], rotates: bool
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=rotates, **field)
    client = forms.app.test_client()
    assert forms.send(client, client.get("/token").text, "/log-in") == 200
    for _ in range(2):  # the second return: with what the first has left
        client.delete_cookie("session")
        user, first, second = client.get("/token-then-user").text.split()
        assert user == "alice"
        assert first == second
        assert forms.send(client, first) == 200


@pytest.mark.parametrize("rotates", [False, True])
def test_a_form_that_was_open_before_a_user_returns_can_be_sent(
    make_forms: Callable[..., Forms], rotates: bool
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=rotates)
    client = forms.app.test_client()
    forms.send(client, client.get("/token").text, "/log-in")
    client.delete_cookie("session")
    open_form = client.get("/token").text  # a page that never asks who the user is
    assert client.get("/me").text == "alice"
    assert forms.send(client, open_form) == 200


def test_a_program_that_keeps_the_token_of_the_login_page_goes_on_with_it(
    make_forms: Callable[..., Forms],
) -> None:
    forms = make_forms()
    program = forms.app.test_client()
    header = {"X-CSRFToken": program.get("/token").text}
    assert program.post("/log-in", headers=header).text == "True"
    for _ in range(3):
        assert program.post("/act", headers=header).text == "done"
    assert program.post("/log-out", headers=header).text == "True"
    assert program.post("/log-in", headers=header).text == "True"


@pytest.mark.parametrize("renamed", [None, "crumb"])
def test_a_form_validates_where_a_header_logs_its_user_in_at_each_request(
    make_forms: Callable[..., Forms], users: dict[str, Any], renamed: str | None
) -> None:
    flask_wtf = pytest.importorskip("flask_wtf", reason="needs Flask-WTF")
    forms = make_forms(**({"WTF_CSRF_FIELD_NAME": renamed} if renamed else {}))

    @forms.app.before_request
    def believe_the_proxy() -> None:
        login_user(users[request.headers["X-Remote-User"]])

    @forms.app.route("/form", methods=["GET", "POST"])
    def form() -> str:
        shown = flask_wtf.FlaskForm()
        if shown.validate_on_submit():
            return f"{current_user.get_id()} sent it"
        return str(shown[shown.meta.csrf_field_name].current_token)

    client, name = forms.app.test_client(), renamed or "csrf_token"
    header = {"X-Remote-User": "bob"}
    token = client.get("/form", headers=header).text
    client.get("/me", headers=header)  # another request of the page
    for _ in range(2):
        answer = client.post("/form", headers=header, data={name: token})
        assert answer.text == "bob sent it"


def test_in_a_named_realm_too_the_token_stays_at_login_logout_and_return(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    forms = Forms(app, users)
    staff: LoginManager[Any] = LoginManager(app, name="staff", clock=clock)
    staff.user_loader(users.get)

    @app.get("/staff/in")
    def enter() -> str:
        return str(staff.login_user(users["bob"], remember=True))

    @app.get("/staff/out")
    def leave() -> str:
        return str(staff.logout_user())

    @app.get("/staff")
    def who() -> str:
        return str(staff.current_user.get_id())

    client = app.test_client()
    older = client.get("/token").text
    client.get("/staff/in")
    assert forms.send(client, older) == 200
    client.get("/staff/out")
    assert forms.send(client, older) == 200
    client.get("/staff/in")
    client.delete_cookie("session")
    older = client.get("/token").text
    assert client.get("/staff").text == "bob"
    assert forms.send(client, older) == 200
    app.config["LOGIN_ROTATE_CSRF_TOKEN"] = True
    client.get("/staff/out")
    assert forms.send(client, older) == 400


def test_confirming_and_the_first_of_two_steps_keep_the_token_in_any_case(
    make_app: Callable[..., Flask], users: dict[str, Any]
) -> None:
    app = make_app(LOGIN_ROTATE_CSRF_TOKEN=True)
    forms = Forms(app, users)

    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    @app.get("/begin")
    def begin() -> str:
        return str(begin_login(users["alice"]))

    client = app.test_client()
    open_form = client.get("/token").text
    assert client.get("/begin").text == "True"
    assert forms.send(client, open_form) == 200
    client.get("/login/alice")
    open_form = client.get("/token").text
    client.get("/confirm")
    assert forms.send(client, open_form) == 200


@FIELDS
def test_a_token_is_renewed_at_login_and_at_logout_where_that_is_wanted(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=True, **field)
    client = forms.app.test_client()
    for path in ("/log-in", "/log-out"):
        planted = client.get("/token").text
        assert forms.send(client, planted) == 200
        assert forms.send(client, planted, path) == 200
        assert forms.send(client, planted) == 400
        assert forms.send(client, client.get("/token").text) == 200


@FIELDS
def test_a_view_that_shows_a_token_before_and_after_a_login_shows_the_new_one_last(
    make_app: Callable[..., Flask], users: dict[str, Any], field: dict[str, Any]
) -> None:
    csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
    app = make_app(LOGIN_ROTATE_CSRF_TOKEN=True, **field)
    forms = Forms(app, users)

    @app.get("/enter")
    def enter() -> str:
        before = csrf.generate_csrf()
        login_user(users["alice"])
        return f"{before} {csrf.generate_csrf()}"

    client = app.test_client()
    before, after = client.get("/enter").text.split()
    assert forms.send(client, before) == 400
    assert forms.send(client, after) == 200


# No key, and no session to write to


def test_without_a_secret_key_public_pages_keep_working(make_app: Callable[..., Flask]) -> None:
    client = make_app(SECRET_KEY=None).test_client()
    for cookie in (None, "junk", "alice|" + "0" * 128, "a.b"):
        if cookie is not None:
            client.set_cookie("remember_token", cookie)
        assert client.get("/public").text == "hello"
        response = client.get("/me")
        assert (response.status_code, response.text) == (200, "nobody")
        assert client.get("/fresh").text == "stale"
    assert client.get("/missing").status_code == 404


def test_without_a_secret_key_a_request_loader_still_serves_its_users(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.bearer_loader(users.get)
    client = make_app(SECRET_KEY=None, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True).test_client()
    client.set_cookie("remember_token", "junk")
    assert client.get("/me", headers={"Authorization": "Bearer bob"}).text == "bob"


def test_without_a_secret_key_a_login_fails_with_flasks_own_words(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app(SECRET_KEY=None).test_client()
    with pytest.raises(RuntimeError, match="secret key"):
        client.get("/login/alice")


def test_without_a_secret_key_logout_is_no_error_for_who_was_not_logged_in(
    make_app: Callable[..., Flask],
) -> None:
    assert make_app(SECRET_KEY=None).test_client().get("/logout").text == "True"


class OnTheServer(SessionInterface):
    """Keeps sessions by an id in a cookie, and so needs no key."""

    class Kept(dict[str, Any], SessionMixin):
        pass

    def __init__(self) -> None:
        self.sessions: dict[str, Any] = {}

    def open_session(self, app: Flask, request: Request) -> Any:
        return self.Kept(self.sessions.get(request.cookies.get("sid", ""), {}))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        self.sessions["1"] = dict(session)
        response.set_cookie("sid", "1")


@pytest.mark.parametrize("what", ["remember", "credentials", "encode_cookie"])
def test_without_a_secret_key_a_server_side_session_is_told_what_there_is_no_key_for(
    make_app: Callable[..., Flask], users: dict[str, Any], what: str
) -> None:
    class Member(UserMixin):
        id = "carol"

        def get_session_auth_hash(self) -> str:
            return "hash"

    users["carol"] = Member()
    app = make_app(SECRET_KEY=None)
    app.session_interface = OnTheServer()
    app.add_url_rule("/encode", view_func=lambda: encode_cookie("alice"))
    pages = {
        "remember": "/login/alice?remember",
        "credentials": "/login/carol",
        "encode_cookie": "/encode",
    }
    client = app.test_client()
    with pytest.raises(ConfigurationError, match="^SECRET_KEY must be ") as error:
        client.get(pages[what])
    assert error.value.key == "SECRET_KEY"
    assert client.get("/me").text == "nobody"
    client.get("/login/alice")
    assert client.get("/me").text == "alice", "a plain login needs no key"


# The interface that everybody writes from memory: no session for users of a request


class SkipsApiUsers(SecureCookieSessionInterface):
    """Does not save the session when a request loader named the user."""

    def save_session(self, *args: Any, **kwargs: Any) -> None:
        if g.get("login_via_request"):
            return
        super().save_session(*args, **kwargs)


def test_an_interface_may_skip_saving_for_users_of_a_request(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    app = make_app()
    app.session_interface = SkipsApiUsers()
    login_manager.request_loader(lambda request: users.get(request.args.get("api_key", "")))

    @app.get("/count")
    def count() -> str:
        name = current_user.get_id() or "nobody"
        session["visits"] = session.get("visits", 0) + 1
        return f"{name} {session['visits']}"

    def mark(sender: Flask, user: Any) -> None:
        g.login_via_request = True

    with user_loaded_from_request.connected_to(mark, app):
        client = app.test_client()
        response = client.get("/count?api_key=bob")
        assert response.text == "bob 1"
        assert "Set-Cookie" not in response.headers
        assert client.get("/count").text == "nobody 1"
        client.get("/login/alice")
        assert client.get("/count").text == "alice 2"
        assert client.get("/count?api_key=bob").text == "alice 3", "the session comes first"


@pytest.fixture
def without_api_sessions(make_app: Callable[..., Flask]) -> Flask:
    """An app whose session interface opens none below ``/api/``."""

    class NoneForTheApi(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Request) -> Any:
            if request.path.startswith("/api/"):
                return None  # Flask makes a session of it that cannot be written
            return super().open_session(app, request)

    app = make_app()
    app.session_interface = NoneForTheApi()
    app.add_url_rule("/api/me", "api_me", lambda: current_user.get_id() or "nobody")
    return app


def test_where_no_session_is_opened_a_request_loader_serves_its_users(
    without_api_sessions: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.bearer_loader(users.get)
    client = without_api_sessions.test_client()
    client.get("/login/alice")
    assert client.get("/api/me", headers={"Authorization": "Bearer bob"}).text == "bob"
    assert client.get("/api/me").text == "nobody"
    assert client.get("/me").text == "alice"


def test_where_no_session_is_opened_a_remember_cookie_is_no_server_error(
    without_api_sessions: Flask,
) -> None:
    client = without_api_sessions.test_client()
    client.get("/login/alice?remember")
    response = client.get("/api/me")
    assert response.status_code == 200
    assert response.text in {"alice", "nobody"}


def test_a_response_that_was_made_by_hand_carries_the_cookie_too(
    app: Flask, users: dict[str, Any]
) -> None:
    class Person(UserMixin):
        id = "alice"

    @app.get("/enter")
    def enter() -> Response:
        login_user(Person(), remember=True)
        return Response("", status=204)

    client = app.test_client()
    client.get("/enter")
    assert client.get_cookie("remember_token") is not None
