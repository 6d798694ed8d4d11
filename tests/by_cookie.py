"""A plugin with which every stored login has a cookie of its own: ``-p tests.by_cookie``.

Each test of the stored level holds for both values of ``LOGIN_STATE``, unless it is listed in
`OF_SESSIONS`. Tests speak of two cookies: ``session``, which ends with the browser, and
``remember_token``, which outlives it. Here a test client answers with what does the same: the login
cookie with its marker, and the login cookie of a remembered login. ``make test-by-cookie`` runs it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, Cookie

from flask_login import visit
from flask_login.core import login_cookie

_init = visit.FlaskVisit.__init__


def _by_cookie(self: visit.FlaskVisit, realm: Any, context: Any) -> None:
    _init(self, realm, context)
    said = "LOGIN_STATE" in self.config
    self.by_cookie = login_cookie.is_on(self.config) if said else realm.logins is not None


visit.FlaskVisit.__init__ = _by_cookie  # type: ignore[method-assign]

_get, _set, _delete = Client.get_cookie, Client.set_cookie, Client.delete_cookie
_COPY = "a copy of "
_FLASK = "session"
_NAMES = ("login", "__Host-login")
_REALMS = ("", "_staff")


def _ending(client: Client) -> dict[str, str]:
    """Return the cookies of logins that end with the browser, and those they go with."""
    found = {}
    for name in (f"{name}{realm}" for name in _NAMES for realm in _REALMS):
        login, marker = _get(client, name), _get(client, f"{name}-marker")
        if login is not None and (login.expires is None or marker is not None):
            found[name] = login.value
        if marker is not None:
            found[f"{name}-marker"] = marker.value
    return found


def _get_cookie(self: Client, key: str, *args: Any, **options: Any) -> Cookie | None:
    real = _get(self, key, *args, **options)
    if key == _FLASK and (known := _ending(self)):
        if real is not None:
            known[_FLASK] = real.value
        some = real or _get(self, next(iter(known)))
        assert some is not None
        return replace(some, value=_COPY + json.dumps(known), decoded_value="")
    if real is None and key.startswith("remember_token"):
        login = _get(self, key.replace("remember_token", "login"))
        return login if login is not None and login.expires is not None else None
    return real


def _set_cookie(self: Client, key: str, value: str = "", **options: Any) -> None:
    if key == _FLASK and value.startswith(_COPY):
        for name, copied in json.loads(value.removeprefix(_COPY)).items():
            _set(self, name, copied, **options)
    else:
        _set(self, key, value, **options)


def _delete_cookie(self: Client, key: str, **options: Any) -> None:
    _delete(self, key, **options)
    if key == _FLASK:
        for name in _ending(self):
            login = _get(self, name)
            if name.endswith("-marker") or (login is not None and login.expires is None):
                _delete(self, name)
    elif key.startswith("remember_token"):
        _delete(self, key.replace("remember_token", "login"))


Client.get_cookie = _get_cookie  # type: ignore[method-assign]
Client.set_cookie = _set_cookie  # type: ignore[method-assign]
Client.delete_cookie = _delete_cookie  # type: ignore[method-assign]

#: The tests that tell of logins in Flask's session alone, by what they look at.
OF_SESSIONS: dict[str, set[str]] = {}
