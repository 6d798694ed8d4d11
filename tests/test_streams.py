"""The first question after the response has begun: it is answered, and changes nothing."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from importlib.metadata import version
from typing import Any

import pytest
from flask import (
    Flask,
    Request,
    Response,
    copy_current_request_context,
    request,
    request_finished,
    session,
    stream_with_context,
)
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin
from flask.testing import FlaskClient
from tests.policy_site import DAY, HOUR, KINDS, SIGNED, STORED, Site

from flask_login import (
    ImpersonationDenied,
    UserMixin,
    session_protected,
    user_loaded_from_cookie,
)
from flask_login.testing import FrozenClock


class Kept(dict[str, Any], SessionMixin):
    """A session on the server. Once it was saved, nobody may write to it."""

    def __init__(self, sid: str, *args: Any) -> None:
        super().__init__(*args)
        self.sid = sid
        self.saved = False


def _refusing(name: str) -> Any:
    def write(self: Kept, *args: Any, **kwargs: Any) -> Any:
        assert not self.saved, f"{name} after the session was saved"
        return getattr(dict, name)(self, *args, **kwargs)

    return write


for _name in ("__setitem__", "__delitem__", "clear", "pop", "popitem", "update", "setdefault"):
    setattr(Kept, _name, _refusing(_name))


class OnTheServer(SessionInterface):
    """Keeps sessions by an id, and throws the old one away when it gives a new id."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.ids = itertools.count()

    def open_session(self, app: Flask, request: Request) -> Any:
        sid = request.cookies.get("session", "")
        if sid not in self.sessions:
            sid = f"{next(self.ids)}"
        return Kept(sid, self.sessions.get(sid, {}))

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if session and self.sessions.get(session.sid) != session:
            self.sessions[session.sid] = dict(session)
            response.set_cookie("session", session.sid)
        session.saved = True

    def regenerate(self, session: Any) -> None:
        assert not session.saved, "a new id after the session was saved"
        self.sessions.pop(session.sid, None)
        session.sid = f"{next(self.ids)}"


#: How an application does something when the response has begun: it is given what to do, and a list
#: for what is to be done after the request; it returns the view.
Way = Callable[[Flask, Callable[[], object], list[Callable[[], object]]], Callable[[], Any]]


def in_a_stream(app: Flask, work: Callable[[], object], later: Any) -> Callable[[], Response]:
    def lines() -> Iterator[str]:
        yield "begun"
        work()

    return lambda: Response(stream_with_context(lines()))


def in_a_stream_of_an_async_view(
    app: Flask, work: Callable[[], object], later: Any
) -> Callable[[], Any]:
    def lines() -> Iterator[str]:
        yield "begun"
        work()

    async def view() -> Response:
        return Response(stream_with_context(lines()))

    return view


def at_the_end_of_the_request(
    app: Flask, work: Callable[[], object], later: Any
) -> Callable[[], str]:
    def end(_: BaseException | None) -> None:
        if request.path == "/late":
            work()

    app.teardown_request_funcs[None] = [end]
    return lambda: ""


def when_the_response_is_closed(
    app: Flask, work: Callable[[], object], later: Any
) -> Callable[[], Response]:
    def view() -> Response:
        response = Response("")
        response.call_on_close(copy_current_request_context(work))
        return response

    return view


def when_the_request_has_finished(
    app: Flask, work: Callable[[], object], later: list[Any]
) -> Callable[[], str]:
    def finished(_: Flask, **__: object) -> None:
        if request.path == "/late":
            work()

    request_finished.connect(finished, app)
    later.append(lambda: request_finished.disconnect(finished, app))
    return lambda: ""


def in_a_late_thread(app: Flask, work: Callable[[], object], later: list[Any]) -> Callable[[], str]:
    def view() -> str:
        copied = copy_current_request_context(work)

        def run() -> None:
            thread = threading.Thread(target=copied)
            thread.start()
            thread.join()

        later.append(run)
        return ""

    return view


def in_a_late_greenlet(
    app: Flask, work: Callable[[], object], later: list[Any]
) -> Callable[[], str]:
    def view() -> str:
        copied = copy_current_request_context(work)
        later.append(lambda: Context().run(copied))
        return ""

    return view


#: Since Flask 3.1.2.
STREAMS_IN_ASYNC_VIEWS = tuple(map(int, version("flask").split(".")[:3])) >= (3, 1, 2)

WAYS: list[Way] = [
    in_a_stream,
    in_a_stream_of_an_async_view,
    at_the_end_of_the_request,
    when_the_response_is_closed,
    when_the_request_has_finished,
    in_a_late_thread,
    in_a_late_greenlet,
]


class LateSite(Site):
    """A site that can do something when a response has begun."""

    def late(
        self, client: FlaskClient, work: Callable[[], object], way: Way = in_a_stream
    ) -> list[Any]:
        """Have a request do something late; return what came of it.

        Nothing may be set by the response.
        """
        if way is in_a_stream_of_an_async_view:
            pytest.importorskip("asgiref", reason="async views need Flask[async]")
            if not STREAMS_IN_ASYNC_VIEWS:
                pytest.skip("this Flask streams with no context in async views")
        found: list[Any] = []
        later: list[Callable[[], object]] = []
        view = way(self.app, lambda: found.append(work()), later)
        self.app.view_functions["late"] = self.manager.login_not_required(view)
        response = client.get("/late")
        response.get_data()
        response.close()
        assert "Set-Cookie" not in response.headers
        for do in later:
            do()
        assert found, "it was not done"
        return found

    def kept(self) -> Any:
        """Return all that the site keeps, but for the times of last activity."""
        records = [] if self.store is None else list(self.store._records.values())
        sessions = getattr(self.app.session_interface, "sessions", None)
        return [dataclasses.replace(r, last_seen_at=r.created_at) for r in records], repr(sessions)

    def user_id(self) -> Any:
        """Return who makes the request."""
        return self.manager.current_user.get_id()


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[SecureCookieSessionInterface, OnTheServer])
def interface(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def site(kind: Any, interface: Any, clock: FrozenClock) -> LateSite:
    return late_site(kind, interface, clock)


def late_site(kind: Any, interface: Any, clock: FrozenClock, **config: Any) -> LateSite:
    site = LateSite(kind, clock, **config)
    site.app.session_interface = interface
    site.app.add_url_rule("/late", "late", lambda: "")
    return site


def logged_in(site: LateSite, how: str = "") -> FlaskClient:
    """Return the browser of ann, an hour after she logged in."""
    client = site.browser()
    assert client.get(f"/login?id=ann{how}").text == "True"
    assert client.get("/me").text == "ann"
    site.clock.advance(HOUR)
    return client


def closed(client: FlaskClient) -> FlaskClient:
    """Close the browser and open it again: only the remember cookie is left."""
    client.delete_cookie("session")
    return client


# Who is logged in is known


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_login_is_known_when_the_response_has_begun_and_nothing_is_written(
    site: LateSite, way: Way, how: str
) -> None:
    client = logged_in(site, how)
    before = site.kept()
    assert site.late(client, site.user_id, way) == ["ann"]
    assert site.kept() == before
    assert client.get("/me").text == "ann"


@pytest.mark.parametrize("way", WAYS)
def test_a_remembered_user_is_known_then_and_their_token_does_not_rotate(
    site: LateSite, way: Way
) -> None:
    client = closed(logged_in(site, "&remember"))
    shown = site.cookie(client, "remember")
    for _ in range(3):
        before = site.kept()
        assert site.late(client, site.user_id, way) == ["ann"]
        after = site.kept()
        assert after[0] == before[0]
        site.clock.advance(HOUR)
    assert site.cookie(client, "remember") == shown
    assert client.get("/me").text == "ann", "the token is as good as it was"
    assert client.get("/why").text == "None"


def test_what_was_in_a_session_on_the_server_is_there_after_a_late_return(
    kind: Any, clock: FrozenClock
) -> None:
    site = late_site(kind, OnTheServer(), clock)

    @site.manager.login_not_required
    def cart() -> str:
        return str(session.setdefault("cart", request.args.get("add")))

    site.app.add_url_rule("/cart", "cart", cart)
    client = closed(logged_in(site, "&remember"))
    assert client.get("/cart?add=book").text == "book"
    assert site.late(client, site.user_id) == ["ann"]
    assert client.get("/cart").text == "book"
    assert client.get("/me").text == "ann"
    assert client.get("/cart").text == "book", "a return in time takes it along"


@pytest.mark.parametrize("way", WAYS)
def test_flask_session_keeps_what_it_holds(kind: Any, clock: FrozenClock, way: Way) -> None:
    flask_session = pytest.importorskip("flask_session", reason="needs Flask-Session")
    cachelib = pytest.importorskip("cachelib", reason="needs cachelib, which Flask-Session uses")
    site = LateSite(kind, clock, SESSION_TYPE="cachelib", SESSION_CACHELIB=cachelib.SimpleCache())
    site.app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    site.app.add_url_rule("/late", "late", lambda: "")
    flask_session.Session(site.app)

    @site.manager.login_not_required
    def cart() -> str:
        return str(session.setdefault("cart", request.args.get("add")))

    site.app.add_url_rule("/cart", "cart", cart)
    client = closed(logged_in(site, "&remember"))
    assert client.get("/cart?add=book").text == "book"
    assert site.late(client, site.user_id, way) == ["ann"]
    assert client.get("/cart").text == "book"


def test_what_is_known_of_a_late_return_is_what_is_true(site: LateSite) -> None:
    client = closed(logged_in(site, "&remember"))
    ((known, remembered, fresh),) = site.late(
        client,
        lambda: (site._known(), site.manager.login_remembered(), site.manager.login_fresh()),
    )
    assert (known["user_id"], known["source"], known["fresh"]) == ("ann", "remember", False)
    assert remembered is known["remembered"] is True
    assert fresh is False


def test_a_late_return_is_signalled_as_any(clock: FrozenClock) -> None:
    site = late_site(SIGNED, OnTheServer(), clock)
    client, told = closed(logged_in(site, "&remember")), list[Any]()
    with user_loaded_from_cookie.connected_to(lambda _, user: told.append(user.id), site.app):
        site.late(client, site.user_id)
    assert told == ["ann"]


def test_an_actor_acts_on_when_the_response_has_begun(site: LateSite) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    before = site.kept()
    assert site.late(client, lambda: (site.user_id(), site._known()["actor"])) == [("ann", "eve")]
    site.users["eve"].admin = False
    assert site.late(client, site.user_id) == [None], "what was meant for ann is not for eve to do"
    assert site.kept() == before
    site.users["eve"].admin = True
    assert client.get("/me").text == "ann", "a late refusal ends nothing"


def test_users_of_a_request_are_known_too(site: LateSite) -> None:
    site.manager.bearer_loader(site.users.get)
    client, before = site.browser(), site.kept()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer bob"
    assert site.late(client, site.user_id) == ["bob"]
    assert site.kept()[0] == before[0]


def test_nobody_is_nobody(site: LateSite) -> None:
    assert site.late(site.browser(), site.user_id) == [None]
    assert site.late(site.browser(remember="junk"), site.user_id) == [None]


# Who is not is not, and that ends nothing


@pytest.mark.parametrize("how", ["", "&remember"])
@pytest.mark.parametrize("change", ["suspended", "unknown", "credentials"])
def test_a_login_that_is_no_good_lets_nobody_in_late_and_is_not_ended_by_it(
    site: LateSite, how: str, change: str
) -> None:
    client = logged_in(site, how)
    if how:
        closed(client)
    ann = site.users["ann"]
    before = site.kept()
    if change == "suspended":
        ann.active = False
    elif change == "unknown":
        del site.users["ann"]
    else:
        ann.password = "second"
    assert site.late(client, site.user_id) == [None]
    assert site.kept()[0] == before[0]
    ann.active, ann.password, site.users["ann"] = True, "first", ann
    assert site.late(client, site.user_id) == ["ann"]


@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_revoked_login_lets_nobody_in_late(interface: Any, clock: FrozenClock, how: str) -> None:
    for kind in KINDS:
        if kind[0] == "stored":
            site = late_site(kind, interface, clock)
            client = logged_in(site, how)
            if how:
                closed(client)
            with site.app.app_context():
                site.manager.sessions.revoke_all("ann")
            assert site.late(client, site._why) == ["revoked"]
            assert site.late(client, site.user_id) == [None]


def test_a_token_that_was_copied_is_refused_late_and_ends_the_login_at_the_next_request(
    clock: FrozenClock,
) -> None:
    site = late_site(STORED, OnTheServer(), clock)
    client = logged_in(site, "&remember")
    copied = site.cookie(client, "remember")
    for _ in range(2):  # it rotates, and the answer arrives
        clock.advance(DAY)
        closed(client).get("/me")
        client.get("/me")
    clock.advance(DAY)
    thief, before = site.browser(remember=copied), site.kept()
    assert site.late(thief, site._why) == ["token_reused"]
    assert site.kept()[0] == before[0]
    assert client.get("/me").text == "ann"
    assert thief.get("/why").text == "token_reused"
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("mode", ["basic", "strong"])
def test_a_session_carried_elsewhere_is_protected_late_and_not_ended(
    kind: Any, interface: Any, clock: FrozenClock, mode: str
) -> None:
    site = late_site(kind, interface, clock, SESSION_PROTECTION=mode)
    client = logged_in(site)
    before = site.kept()
    carried = site.browser(session=site.cookie(client))
    carried.environ_base["HTTP_USER_AGENT"] = "another"
    told: list[Any] = []
    with session_protected.connected_to(lambda _: told.append(mode), site.app):
        ((user_id, fresh),) = site.late(
            carried, lambda: (site.user_id(), site.manager.login_fresh())
        )
    assert (user_id, fresh) == ("ann" if mode == "basic" else None, False)
    assert told == [mode]
    assert site.kept() == before
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_login_that_expired_lets_nobody_in_late(site: LateSite, how: str) -> None:
    client = logged_in(site, "&absolute=7200" + how)
    before = site.kept()
    site.clock.advance(HOUR)
    site.app.config["LOGIN_ABSOLUTE_TIMEOUT"] = 2 * HOUR
    assert site.late(client, lambda: (site.user_id(), site._why())) == [(None, "expired_absolute")]
    assert site.kept() == before


def test_a_session_from_before_the_store_is_known_late_and_gets_no_record(
    interface: Any, clock: FrozenClock
) -> None:
    site = late_site(STORED, interface, clock)
    client = logged_in(site)
    with client.session_transaction() as kept:
        del kept["_login"]
    before = site.kept()
    assert site.late(client, site.user_id) == ["ann"]
    assert site.kept() == before


def test_another_user_that_other_code_wrote_to_the_session_is_known_late_and_ends_nothing(
    interface: Any, clock: FrozenClock
) -> None:
    site = late_site(STORED, interface, clock)
    client = logged_in(site)
    with client.session_transaction() as kept:
        kept["_user_id"] = "bob"
        del kept["_login"]
        kept["_login"] = "x"
    client = logged_in(site)
    with client.session_transaction() as kept:
        kept["_user_id"] = "bob"
    before = site.kept()
    assert site.late(client, site.user_id) == ["bob"]
    assert site.kept() == before


def test_a_login_without_the_digest_of_its_credentials_gets_none_late(
    interface: Any, clock: FrozenClock
) -> None:
    class Plain(UserMixin):
        id = "ann"

    site = late_site(STORED, interface, clock)
    member, site.users["ann"] = site.users["ann"], Plain()  # type: ignore[assignment]
    client = logged_in(site)
    site.users["ann"] = member
    before = site.kept()
    assert site.late(client, site.user_id) == ["ann"]
    assert site.kept() == before


def test_the_time_of_last_activity_is_written_late_too(clock: FrozenClock) -> None:
    site = late_site(STORED, OnTheServer(), clock)
    client = logged_in(site)
    site.late(client, site.user_id)
    (record,) = site.manager.sessions.list("ann")
    assert record.last_seen_at == clock()


# Asked again and again


@pytest.mark.parametrize("asked_before", [True, False])
@pytest.mark.parametrize("how", ["", "&remember"])
@pytest.mark.parametrize("returned", [True, False])
def test_a_stream_asks_whether_the_login_goes_on_and_writes_nothing(
    site: LateSite, asked_before: bool, how: str, returned: bool
) -> None:
    client = logged_in(site, how)
    if returned:
        if not how:
            pytest.skip("nobody returns without a remember cookie")
        closed(client)
    told: list[Any] = []

    def lines() -> Iterator[str]:
        yield "begun"
        begun = site.kept()
        told.append(site.user_id())
        told.append(site.manager.login_still_valid())
        site.clock.advance(HOUR)
        told.append(site.manager.login_still_valid())
        told.append(site.kept() == begun)
        site.users["ann"].active = False
        told.append(site.manager.login_still_valid())
        told.append(site.kept() == begun)

    @site.manager.login_not_required
    def view() -> Response:
        if asked_before:
            assert site.user_id() == "ann"
        return Response(stream_with_context(lines()))

    site.app.view_functions["late"] = view
    client.get("/late").get_data()
    assert told == ["ann", True, True, True, False, True]


def test_a_stream_learns_that_its_login_was_revoked(interface: Any, clock: FrozenClock) -> None:
    site = late_site(STORED, interface, clock)

    def work() -> list[bool]:
        goes_on = [site.manager.login_still_valid()]
        site.manager.sessions.revoke_all("ann")
        return [*goes_on, site.manager.login_still_valid()]

    assert site.late(logged_in(site), work) == [[True, False]]


# Logged in and out when it is too late


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_late_logout_ends_what_is_in_a_store_and_is_logged_once(
    site: LateSite, way: Way, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = logged_in(site, how)
    sessions = site.kept()[1]

    def work() -> Any:
        site.manager.logout_user()
        site.manager.logout_user()
        return site.user_id()

    assert site.late(client, work, way) == [None]
    assert site.kept()[1] == sessions
    (warning,) = warnings(caplog)
    assert warning.startswith("logout_user() was called after the response had begun")
    # Without a store nothing can be ended but by the browser, which was not told.
    assert client.get("/me").text == ("ann" if site.level == "signed" else "nobody")


def test_a_late_logout_everywhere_ends_every_login(interface: Any, clock: FrozenClock) -> None:
    site = late_site(STORED, interface, clock)
    client, other = logged_in(site), logged_in(site)
    site.late(client, lambda: site.manager.logout_user(everywhere=True))
    assert client.get("/me").text == other.get("/me").text == "nobody"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("before", [None, "ann"])
def test_a_late_login_holds_for_the_rest_of_the_request_and_is_logged(
    site: LateSite, way: Way, before: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    client = site.browser() if before is None else logged_in(site)
    kept = site.kept()

    def work() -> Any:
        done = site.manager.login_user(site.users["bob"], remember=True)
        return done, site.user_id(), site.manager.login_still_valid(), site.user_id()

    assert site.late(client, work, way) == [(True, "bob", True, "bob")]
    assert site.kept()[0] == kept[0]
    (warning,) = warnings(caplog)
    assert warning.startswith("login_user() was called after the response had begun")
    assert client.get("/me").text == (before or "nobody")


def test_a_late_confirmation_holds_for_the_rest_of_the_request_and_is_logged(
    site: LateSite, caplog: pytest.LogCaptureFixture
) -> None:
    client = logged_in(site, "&stale")
    kept = site.kept()

    def work() -> Any:
        site.manager.confirm_login()
        return site.user_id()

    assert site.late(client, work) == ["ann"]
    assert site.kept() == kept
    (warning,) = warnings(caplog)
    assert warning.startswith("confirm_login() was called after the response had begun")
    assert client.get("/fresh").text == "stale"


def test_a_late_first_step_of_a_login_is_logged(
    site: LateSite, caplog: pytest.LogCaptureFixture
) -> None:
    client = logged_in(site)
    assert site.late(client, lambda: site.manager.begin_login(site.users["bob"])) == [True]
    (warning,) = warnings(caplog)
    assert warning.startswith("begin_login() was called after the response had begun")
    assert client.get("/pending").text == "nobody"


def test_nobody_begins_to_act_as_another_late(site: LateSite) -> None:
    client = site.browser()
    client.get("/login?id=eve")

    def work() -> Any:
        with pytest.raises(ImpersonationDenied, match="response has begun"):
            site.manager.impersonate(site.users["ann"])
        return site.user_id()

    assert site.late(client, work) == ["eve"]
    assert client.get("/me").text == "eve"


def test_an_actor_who_stops_late_is_themselves_for_the_rest_of_the_request(
    site: LateSite, caplog: pytest.LogCaptureFixture
) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    before = site.kept()
    work = lambda: (site.manager.stop_impersonating(), site.user_id())  # noqa: E731
    assert site.late(client, work) == [(True, "eve")]
    assert site.kept() == before
    (warning,) = warnings(caplog)
    assert warning.startswith("stop_impersonating() was called after the response had begun")
    assert client.get("/me").text == "ann"


# As long as the response has not begun everything is as ever


def returns_in_time(site: LateSite, client: FlaskClient) -> None:
    """See that a page writes the login of a returning user to the session."""
    client.get("/late")
    with client.session_transaction() as kept:
        assert kept[site.manager.keys.user_id] == "ann"


@pytest.mark.parametrize("place", ["app", "request", "first by hand"])
def test_functions_after_a_request_come_before_the_response_begins(
    site: LateSite, place: str
) -> None:
    client, asked = closed(logged_in(site, "&remember")), list[Any]()

    def ask(response: Response) -> Response:
        if request.path == "/late":
            asked.append(site.user_id())
        return response

    functions = site.app.after_request_funcs.setdefault(None, [])
    if place == "app":
        functions.append(ask)
    elif place == "first by hand":
        functions.insert(0, ask)

    def view() -> str:
        if place == "request":
            from flask import after_this_request

            after_this_request(ask)
        return ""

    site.app.view_functions["late"] = site.manager.login_not_required(view)
    returns_in_time(site, client)
    assert asked == ["ann"]


@pytest.mark.parametrize("failing", ["view", "function after the request", "receiver"])
def test_a_page_that_tells_of_an_error_is_a_response_that_has_not_begun(
    site: LateSite, failing: str
) -> None:
    asked: list[Any] = []

    def fail(*args: Any, **_: Any) -> Any:
        if request.path == "/late" and not asked:
            raise LookupError
        return args[0] if args else ""

    @site.app.errorhandler(500)
    def tell(_: Exception) -> tuple[str, int]:
        asked.append(site.user_id())
        return "sorry", 500

    client = closed(logged_in(site, "&remember"))
    if failing == "view":
        site.app.view_functions["late"] = site.manager.login_not_required(fail)
    elif failing == "function after the request":
        site.app.after_request_funcs[None].append(fail)
    else:
        request_finished.connect(fail, site.app)
        if isinstance(site.app.session_interface, OnTheServer):
            pytest.skip("this one does not let itself be saved twice")
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    returns_in_time(site, client)
    assert asked == ["ann"]


def test_an_error_outside_of_a_request_is_none_of_ours(clock: FrozenClock) -> None:
    from flask import got_request_exception

    site = late_site(SIGNED, OnTheServer(), clock)
    assert got_request_exception.send(site.app, exception=LookupError()) != []


class Guest:
    """An active user who has no id."""

    is_active = is_authenticated = True
    is_anonymous = False

    def get_id(self) -> Any:
        return None


@pytest.mark.parametrize("way", WAYS)
def test_a_user_without_an_id_who_is_logged_in_late_is_the_user_for_the_rest_and_ends_no_login(
    site: LateSite, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    guest: Any = Guest()

    def log_in() -> Any:
        assert site.manager.login_user(guest) is True
        return site.manager.get_current_user()

    client = logged_in(site)
    before = site.kept()
    assert site.late(client, log_in, way) == [guest]
    assert site.kept() == before
    assert client.get("/me").text == "ann"
    messages = [record.getMessage() for record in caplog.records]
    assert sum("after the response had begun" in message for message in messages) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("how", "closes"), [("", False), ("&remember", False), ("&remember", True)]
)
def test_no_mark_is_written_late_for_a_user_who_is_unknown_and_no_login_ends_after_the_grace(
    site: LateSite, way: Way, how: str, closes: bool
) -> None:
    client = logged_in(site, how)
    if closes:
        closed(client)
    ann = site.users.pop("ann")
    cookies = site.cookie(client), site.cookie(client, "remember")
    for _ in range(2):
        before = site.kept()
        assert site.late(client, site.user_id, way) == [None]
        assert site.kept() == before
        site.clock.advance(HOUR)
    assert (site.cookie(client), site.cookie(client, "remember")) == cookies
    assert client.get("/me").text == "nobody"  # in time: the mark
    site.clock.advance(HOUR)
    before = site.kept()
    assert site.late(client, site.manager.login_ended_reason, way) == ["unknown_user"]
    assert site.kept() == before, "it is over, and the browser could not be told"
    site.users["ann"] = ann
    assert client.get("/me").text == "ann"


@pytest.mark.parametrize("way", WAYS)
def test_a_loader_that_fails_late_ends_nothing(site: LateSite, way: Way) -> None:
    def fail() -> Any:
        with pytest.raises(ConnectionError):
            site.manager.get_current_user()
        return site.user_id()

    client = closed(logged_in(site, "&remember"))
    site.manager.user_loader(failing)
    before = site.kept()
    assert site.late(client, fail, way) == [None], "who asks again sees nobody"
    assert site.kept() == before
    site.manager.user_loader(lambda user_id: site.users.get(user_id))
    assert client.get("/me").text == "ann"


def failing(user_id: str) -> Any:
    raise ConnectionError("the database is away")
