"""The entries of a login in the session: their names, by realm."""

from __future__ import annotations

from itertools import combinations

import pytest
from flask import Flask

from flask_login import SESSION_KEYS, LoginManager
from flask_login.core.entry import SessionKeys
from flask_login.exceptions import ConfigurationError


def test_the_default_realm_keeps_the_session_keys_of_old() -> None:
    assert set(vars(SessionKeys("default")).values()) == SESSION_KEYS
    assert {"_user_id", "_fresh", "_id", "_remember", "_remember_seconds", "next"} <= SESSION_KEYS


REALMS = ("default", "staff", "staff_user", "staff_remember", "user", "user_id", "remember")


@pytest.mark.parametrize(("one", "other"), list(combinations(REALMS, 2)))
def test_two_realms_of_an_application_never_share_a_session_key(one: str, other: str) -> None:
    app = Flask(__name__)
    try:
        for realm in (one, other):
            LoginManager(app, name=realm)
    except ConfigurationError:
        return  # a name that is refused shares nothing
    assert not {*vars(SessionKeys(one)).values()} & {*vars(SessionKeys(other)).values()}
