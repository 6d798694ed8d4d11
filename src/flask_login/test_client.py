"""A test client that is logged in from the start."""

from __future__ import annotations

from collections.abc import Collection, Generator, MutableMapping
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient

from .cookies import remember_cookie_name
from .core import settings, users
from .core.terms import Terms, check_methods
from .core.visit import Visit
from .current import manager_of
from .ports import Manager
from .visit import visit_of


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
        manager = self._manager(realm)
        with self.session_transaction() as sess, self.application.test_request_context():
            plant(visit_of(manager._realm), sess, user, fresh_login, check_methods(methods))

    def logout(self, *, realm: str = settings.DEFAULT_REALM) -> None:
        """Be nobody from the next request on; a remember cookie is gone too.

        :param realm: the name of the realm.

        .. versionadded:: 0.6.90
        """
        manager = self._manager(realm)
        with self.session_transaction() as sess, self.application.test_request_context():
            manager._realm.level.end(visit_of(manager._realm), sess, (), "logout")
            manager._realm.entry.drop(sess)
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
        remembered = self.get_cookie(name, domain, path)
        self.login(user, fresh_login=fresh_login, realm=realm, methods=methods)
        try:
            yield self
        finally:
            self.logout(realm=realm)
            with self.session_transaction() as sess:
                sess.update(before)
            if remembered is not None:
                self.set_cookie(name, remembered.value, domain=domain, path=path)

    def _remember_cookie(self, realm: str) -> tuple[str, str, str]:
        config: dict[str, Any] = self.application.config
        return (
            remember_cookie_name(config, realm),
            settings.REMEMBER_COOKIE_DOMAIN.read(config) or "localhost",
            settings.REMEMBER_COOKIE_PATH.read(config),
        )

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
