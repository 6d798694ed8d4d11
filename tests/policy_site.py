"""One small site for the tests of policies: on both levels, in the default and a named realm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, request
from flask.testing import FlaskClient

from flask_login import LoginManager, MemorySessionStore, UserMixin
from flask_login.testing import FrozenClock

Kind = tuple[str, str | None]

#: A level and a realm: what holds for one of these holds for all.
SIGNED: Kind = ("signed", None)
STORED: Kind = ("stored", None)
KINDS: list[Kind] = [SIGNED, STORED, ("signed", "staff"), ("stored", "staff")]

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: What every site has beside "login".
OWN = "begin, complete, confirm, logout, act, stop, me, fresh, why, pending, known"

PROGRAM = {"Accept": "application/json"}


class Member(UserMixin):
    """A user with credentials, who can be suspended."""

    def __init__(self, user_id: str, *, admin: bool = False) -> None:
        self.id = user_id
        self.admin = admin
        self.active = True
        self.password: str | None = "first"

    @property
    def is_active(self) -> bool:
        return self.active

    def get_session_auth_hash(self) -> str | None:
        return self.password


class Site:
    """An application whose views call the methods of one manager, of whatever level and realm."""

    def __init__(self, kind: Kind, clock: FrozenClock, **config: object) -> None:
        self.level, realm = kind
        self.clock = clock
        self.users: dict[str, Member] = {name: Member(name) for name in ("ann", "bob")}
        self.users["eve"] = Member("eve", admin=True)
        self.app = app = Flask(__name__)
        app.config.update({"SECRET_KEY": "a key of thirty-two random bytes", "TESTING": True})
        app.config.update(config)
        self.store = MemorySessionStore() if self.level == "stored" else None
        self.manager: LoginManager[Any] = LoginManager(
            app, name=realm, session_store=self.store, clock=clock
        )
        self.manager.user_loader(lambda user_id: self.users.get(user_id))
        self.manager.may_impersonate(lambda actor, user: actor.admin)
        self._public("/login", self._login)
        # One rule for the others: Werkzeug compiles each, for longer than many a test takes.
        own = self.manager.login_not_required(lambda name: getattr(self, f"_{name}")())
        app.add_url_rule(f"/<any({OWN}):name>", "of_every_site", own)

    def _public(self, path: str, method: Callable[[], Any]) -> None:
        view = self.manager.login_not_required(lambda: method())
        self.app.add_url_rule(path, f"own_{path[1:]}", view)

    @property
    def remember_cookie(self) -> str:
        realm = "" if self.manager.realm == "default" else f"_{self.manager.realm}"
        return f"remember_token{realm}"

    def browser(self, **cookies: str | None) -> FlaskClient:
        """Return a new browser, with copies of these cookies: ``session``, ``remember``."""
        client = self.app.test_client()
        for name, value in cookies.items():
            if value is not None:
                client.set_cookie(self._cookie_name(name), value)
        return client

    def cookie(self, client: FlaskClient, name: str = "session") -> str | None:
        found = client.get_cookie(self._cookie_name(name))
        return None if found is None else found.value

    def _cookie_name(self, name: str) -> str:
        return self.remember_cookie if name == "remember" else name

    def page(self, path: str, guard: Callable[[Any], Any] | None = None, **options: Any) -> None:
        """Add a view that says "come in" to whom its guard lets pass."""
        endpoint = path.strip("/").replace("/", "_") or "root"

        def view(**_: object) -> str:
            return "come in"

        self.app.add_url_rule(path, endpoint, view if guard is None else guard(view), **options)

    # Views that do something

    @staticmethod
    def _methods() -> set[str]:
        return set(filter(None, request.args.get("methods", "").split(",")))

    @staticmethod
    def _seconds(name: str) -> timedelta | None:
        value = request.args.get(name)
        return None if value is None else timedelta(seconds=float(value))

    def _login(self) -> str:
        done = self.manager.login_user(
            self.users[request.args["id"]],
            "remember" in request.args,
            self._seconds("duration"),
            "force" in request.args,
            "stale" not in request.args,
            methods=self._methods(),
            idle_timeout=self._seconds("idle"),
            absolute_timeout=self._seconds("absolute"),
            fresh_timeout=self._seconds("fresh_for"),
        )
        return str(done)

    def _begin(self) -> str:
        done = self.manager.begin_login(
            self.users[request.args["id"]],
            "remember" in request.args,
            self._seconds("duration"),
            methods=self._methods(),
        )
        return str(done)

    def _complete(self) -> str:
        return str(self.manager.complete_login(methods=self._methods()))

    def _confirm(self) -> str:
        self.manager.confirm_login(methods=self._methods())
        return self._me()

    def _logout(self) -> str:
        return str(self.manager.logout_user(everywhere="everywhere" in request.args))

    def _act(self) -> str:
        self.manager.impersonate(self.users[request.args["id"]])
        return self._me()

    def _stop(self) -> str:
        return str(self.manager.stop_impersonating())

    # Views that tell something

    def _me(self) -> str:
        return str(self.manager.current_user.get_id() or "nobody")

    def _fresh(self) -> str:
        return "fresh" if self.manager.login_fresh() else "stale"

    def _why(self) -> str:
        return str(self.manager.login_ended_reason())

    def _pending(self) -> str:
        user = self.manager.pending_user()
        return "nobody" if user is None else str(user.get_id())

    def _known(self) -> dict[str, Any]:
        login = self.manager.get_current_login()
        if login is None:
            return {}
        at, left = login.authenticated_at, login.expires_in
        return {
            "user_id": login.user_id,
            "source": login.source,
            "fresh": login.fresh,
            "remembered": login.remembered,
            "methods": sorted(login.methods),
            "authenticated_at": None if at is None else (at - self.clock()).total_seconds(),
            "expires_in": None if left is None else left.total_seconds(),
            "actor": login.actor,
        }
