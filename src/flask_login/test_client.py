"""A test client that is logged in from the start."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, MutableMapping
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

    from .core.login_cookie import LoginEntries


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
            visit = visit_of(manager._realm)
            if visit.by_cookie:
                manager._realm.level.end(visit, visit.entries, visit.remember_cookies(), "logout")
            manager._realm.level.end(visit, sess, (), "logout")
            manager._realm.entry.drop(sess)
        for login in self._own(realm):
            self.delete_cookie(login)
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
                self.set_cookie(login, value)
            if remembered is not None:
                self.set_cookie(name, remembered.value, domain=domain, path=path)

    def _remember_cookie(self, realm: str) -> tuple[str, str, str]:
        config: dict[str, Any] = self.application.config
        return (
            remember_cookie_name(config, realm),
            settings.REMEMBER_COOKIE_DOMAIN.read(config) or "localhost",
            settings.REMEMBER_COOKIE_PATH.read(config),
        )

    def _have(self, visit: FlaskVisit) -> None:
        """Have the login cookies of a login that was planted, for http and for https."""
        found = login_cookie.due(visit, cast("LoginEntries", visit.entries))
        for is_secure in (False, True):
            names = _names(visit.config, visit.realm.name, is_secure=is_secure)
            for name in names:
                self.delete_cookie(name)
            if found is not None and names:
                self.set_cookie(names[0], found.login)

    def _request(self, realm: str) -> RequestContext:
        """Return a request with the login cookies; over https where their name needs that."""
        shown = "; ".join(f"{name}={value}" for name, value in self._own(realm).items())
        is_secure = not _names(self.application.config, realm, is_secure=False)
        return self.application.test_request_context(
            headers={"Cookie": shown} if shown else {},
            url_scheme="https" if is_secure else None,
        )

    def _own(self, realm: str) -> dict[str, str]:
        """Return the login cookies that this client has, by their names."""
        config: dict[str, Any] = self.application.config
        names = [
            name
            for is_secure in (False, True)
            for name in _names(config, realm, is_secure=is_secure)
        ]
        found = {name: self.get_cookie(name) for name in names}
        return {name: cookie.value for name, cookie in found.items() if cookie is not None}

    def _manager(self, realm: str) -> Manager:
        return manager_of(self.application, realm)


def _names(config: Mapping[str, Any], realm: str, *, is_secure: bool) -> tuple[str, ...]:
    """Return the names of the login cookies; none where this request could not have them."""
    try:
        return login_cookies.names(config, realm, is_secure=is_secure)
    except ConfigurationError:
        return ()


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
