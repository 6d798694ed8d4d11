"""Hashes of passwords, by each library, as what ends the other logins when they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import argon2
import bcrypt
import pytest
import werkzeug.security
from argon2.exceptions import VerifyMismatchError
from flask import request
from passlib.context import CryptContext
from tests.integrations.conftest import Level
from tests.integrations.flow import browser_of, make_site, walk
from tests.redirect_status import REDIRECT

from flask_login import UserMixin, confirm_login, current_user, fresh_login_required

# As cheap as each of them lets it be.
ARGON2 = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSLIB = CryptContext(["pbkdf2_sha256", "sha512_crypt"], pbkdf2_sha256__default_rounds=1)


class Method(NamedTuple):
    make: Callable[[str], str]
    fits: Callable[[str, str], bool]


def fits_argon2(known: str, password: str) -> bool:
    try:
        return ARGON2.verify(known, password)
    except VerifyMismatchError:
        return False


METHODS = {
    "bcrypt": Method(
        lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
        lambda known, password: bcrypt.checkpw(password.encode(), known.encode()),
    ),
    "argon2-cffi": Method(ARGON2.hash, fits_argon2),
    "passlib": Method(PASSLIB.hash, lambda known, password: PASSLIB.verify(password, known)),
    "werkzeug scrypt": Method(
        lambda password: werkzeug.security.generate_password_hash(password, "scrypt:1024:8:1"),
        werkzeug.security.check_password_hash,
    ),
    "werkzeug pbkdf2": Method(
        lambda password: werkzeug.security.generate_password_hash(password, "pbkdf2:sha256:1"),
        werkzeug.security.check_password_hash,
    ),
}


class Member(UserMixin):
    """A user whose logins end with the password."""

    def __init__(self, user_id: str, method: Method) -> None:
        self.id, self.method = user_id, method
        self.hash = method.make("correct horse")

    def get_session_auth_hash(self) -> str:
        return self.hash


@pytest.mark.parametrize("name", METHODS)
def test_a_new_password_ends_the_other_logins_and_keeps_this_one(level: Level, name: str) -> None:
    users = {"ann": Member("ann", METHODS[name])}
    app = make_site(level.store, find=users.get, load=users.get)

    @app.post("/password")
    @fresh_login_required
    def change() -> Any:
        user = users[current_user.get_id()]
        if not user.method.fits(user.hash, request.form["old"]):
            return "wrong", 403
        current_user.hash = user.method.make(request.form["new"])
        confirm_login()
        return "changed"

    walk(browser_of(app), stored=level.stored)

    here, there = (browser_of(app).log_in(remember="on") for _ in range(2))
    copied = dict(there.cookies)
    assert here.post("/password", {"old": "x", "new": "y"}).status == 403
    assert there.get("/guarded").status == 200
    form = {"old": "correct horse", "new": "battery staple"}
    assert here.post("/password", form).text == "changed"
    assert here.get("/guarded").text == "user ann"
    assert there.get("/guarded").status == REDIRECT
    assert there.another(copied).get("/").text == "user nobody"
    del here.cookies["session"]
    assert here.get("/guarded").text == "user ann", "by its remember cookie"
