"""A test client that is logged in from the start."""

from __future__ import annotations

from collections.abc import Collection, Generator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from flask.testing import FlaskClient

from . import login_cookies
from .cookies import remember_cookie_name
from .core import login_cookie, settings, users
from .core.exceptions import ConfigurationError
from .core.terms import Terms, check_methods
from .core.visit import Visit
from .current import manager_of
from .ports import Manager
from .visit import FlaskVisit, visit_of

if TYPE_CHECKING:
    from flask.ctx import RequestContext

    from .core.login_entries import LoginEntries

_SCHEMES = ("http", "https")


class FlaskLoginClient(FlaskClient):
    """A test client that can be logged in as a user without a login page.

    ::

        app.test_client_class = FlaskLoginClient

        with app.test_client(user=user) as client:
            client.get("/profile")

        client = app.test_client()
        with client.user(user, fresh_login=False):
            client.get("/profile")

    :param user: the user to be logged in as from the start, or None.
    :param fresh_login: whether that login is fresh.
    :param realm: the name of the realm to log in to; by default the default one.
    :param methods: how the user is taken to have proved who they are: ``{"pwd", "otp"}``.

    .. versionchanged:: 0.6.90
        `realm` and `methods` are new.
    """

    def __init__(
        self,
        *args: Any,
        user: Any = None,
        fresh_login: bool = True,
        realm: str = settings.DEFAULT_REALM,
        methods: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if user is not None:
            self.login(user, fresh_login=fresh_login, realm=realm, methods=methods)

    def login(
        self,
        user: Any,
        *,
        fresh_login: bool = True,
        realm: str = settings.DEFAULT_REALM,
        methods: Collection[str] = (),
    ) -> None:
        """Be logged in as `user` from the next request on.

        :param user: the user object.
        :param fresh_login: whether the login is fresh.
        :param realm: the name of the realm.
        :param methods: how the user is taken to have proved who they are.

        .. versionadded:: 0.6.90
        """
        manager, proved = self._manager(realm), check_methods(methods)
        with self.session_transaction() as sess, self._request(realm):
            visit = visit_of(manager._realm)
            if visit.by_cookie:
                entry = manager._realm.entry
                entry.drop(sess)
                plant(visit, visit.entries, user, fresh_login, proved)
                visit.keep(anew=True)
                self._have(visit)
            else:
                plant(visit, sess, user, fresh_login, proved)

    def logout(self, *, realm: str = settings.DEFAULT_REALM) -> None:
        """Be nobody from the next request on; a remember cookie is gone too.

        :param realm: the name of the realm.

        .. versionadded:: 0.6.90
        """
        manager = self._manager(realm)
        with self.session_transaction() as sess, self._request(realm):
            manager._realm.level.end(visit_of(manager._realm), sess, (), "logout")
            manager._realm.entry.drop(sess)
        for scheme in _SCHEMES:
            with self._request(realm, scheme):
                visit = visit_of(manager._realm)
                if manager._realm.logins is not None and self._names(realm, scheme):
                    for known in login_cookie.left_over(visit):
                        manager._realm.logins.end_shown(known, "logout")
        for login in self._own(realm):
            self.delete_cookie(login, domain=self._host())
        name, domain, path = self._remember_cookie(realm)
        self.delete_cookie(name, domain=domain, path=path)

    @contextmanager
    def user(
        self,
        user: Any,
        *,
        fresh_login: bool = True,
        realm: str = settings.DEFAULT_REALM,
        methods: Collection[str] = (),
    ) -> Generator[FlaskLoginClient]:
        """Be logged in as `user` inside of a ``with`` block, and who one was before after it.

        :param user: the user object.
        :param fresh_login: whether the login is fresh.
        :param realm: the name of the realm.
        :param methods: how the user is taken to have proved who they are.

        .. versionadded:: 0.6.90
        """
        keys = self._manager(realm).keys
        with self.session_transaction() as sess:
            before = {key: sess[key] for key in keys.of_login() if key in sess}
        name, domain, path = self._remember_cookie(realm)
        remembered, own = self.get_cookie(name, domain, path), self._own(realm)
        self.login(user, fresh_login=fresh_login, realm=realm, methods=methods)
        try:
            yield self
        finally:
            self.logout(realm=realm)
            with self.session_transaction() as sess:
                sess.update(before)
            for login, value in own.items():
                self.set_cookie(login, value, domain=self._host())
            if remembered is not None:
                self.set_cookie(name, remembered.value, domain=domain, path=path)

    def _remember_cookie(self, realm: str) -> tuple[str, str, str]:
        config: dict[str, Any] = self.application.config
        return (
            remember_cookie_name(config, realm),
            settings.REMEMBER_COOKIE_DOMAIN.read(config) or self._host(),
            settings.REMEMBER_COOKIE_PATH.read(config),
        )

    def _have(self, visit: FlaskVisit) -> None:
        """Have the login cookies of a login that was planted, for http and for https."""
        entries = cast("LoginEntries", visit.entries)
        entries.shown, entries.shown_marker = None, ""  # both are set anew
        found, host = login_cookie.due(visit, entries), self._host()
        for scheme in _SCHEMES:
            for place, name in enumerate(self._names(visit.realm.name, scheme)):
                self.delete_cookie(name, domain=host)
                value = None if found is None else (found.login, found.marker)[place]
                if value is not None:
                    self.set_cookie(name, value, domain=host)

    def _request(self, realm: str, scheme: str | None = None) -> RequestContext:
        """Return a request with the login cookies.

        :param scheme: by default ``http``, or ``https`` where their name needs that.
        """
        if scheme is None:
            scheme = "http" if self._names(realm, "http") else "https"
        shown = "; ".join(f"{name}={value}" for name, value in self._own(realm).items())
        return self.application.test_request_context(
            headers={"Cookie": shown} if shown else {}, url_scheme=scheme
        )

    def _own(self, realm: str) -> dict[str, str]:
        """Return the login cookies that this client has, by their names."""
        names = [name for scheme in _SCHEMES for name in self._names(realm, scheme)]
        found = {name: self.get_cookie(name, domain=self._host()) for name in names}
        return {name: cookie.value for name, cookie in found.items() if cookie is not None}

    def _names(self, realm: str, scheme: str) -> tuple[str, ...]:
        """Return the names of the login cookies; none where a request could not have them."""
        config: dict[str, Any] = self.application.config
        try:
            return login_cookies.names(config, realm, is_secure=scheme == "https")
        except ConfigurationError:
            return ()

    def _host(self) -> str:
        """Return the host whose cookies requests send, by default: that of ``SERVER_NAME``."""
        host: str = self.application.test_request_context().request.host
        return host.partition(":")[0]

    def _manager(self, realm: str) -> Manager:
        return manager_of(self.application, realm)


def plant(
    visit: Visit, sess: MutableMapping[str, Any], user: Any, fresh: bool, methods: frozenset[str]
) -> None:
    """Write a login into a session that belongs to no request."""
    realm, keys = visit.realm, visit.realm.entry.keys
    realm.entry.drop(sess)
    user_id = users.login_id_of(visit, user)
    if user_id is None:
        return  # nobody can be found again by that, as after `login_user`
    sess[keys.user_id], sess[keys.fresh] = user_id, fresh
    realm.entry.add_methods(sess, methods, visit.now())
    if realm.level.accept(visit, sess, user, None) is None:
        realm.level.note(visit, sess, user, Terms(user_id, fresh, methods))
