"""What the portal's tests share: a visitor with a browser's habits, a portal that fails."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
from flask import Flask, abort
from werkzeug.test import TestResponse

from portal import codes, create_app
from portal.models import User, db, find_user, login_time

PASSWORD = "a long enough password"
ADMIN = "robin@example.com"
MEMBER = "mia@example.com"
SESSION = "portal_session"
REMEMBER = "portal_remember"
DEVICE = "portal_device"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

CSRF_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def add_user(app: Flask, email: str, *, role: str = "member", password: str = PASSWORD) -> int:
    """Put an account into the portal's database; return its id."""
    with app.app_context():
        name = email.partition("@")[0].capitalize()
        user = User(email=email, name=name, password=password, role=role)
        db.session.add(user)
        db.session.commit()
        return user.id


def close_database(app: Flask) -> None:
    """Close the connections of ``app``, which would otherwise be found unclosed later."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def add_authenticator(app: Flask, email: str, key: str = KEY) -> None:
    """Turn two-step login on for an account."""
    with app.app_context():
        user = find_user(email)
        assert user is not None
        codes.turn_on(user, key, 0)
        db.session.commit()


def next_code(app: Flask, email: str) -> str:
    """A code that has not been used, as an app shows it: half a minute later, if it was.

    Where the clock cannot be put forward, the account forgets instead that the code was used.
    """
    with app.app_context():
        user = find_user(email)
        found = codes.authenticator_of(user) if user else None
        assert found is not None
        app_shows, clock = pyotp.TOTP(found.key), app.config.get("LOGIN_CLOCK")
        step = app_shows.timecode(login_time())
        if step <= found.last_step:
            if clock is not None:
                clock.advance(timedelta(seconds=app_shows.interval))
                return app_shows.at(login_time())
            found.last_step = step - 1
            db.session.commit()
        return app_shows.generate_otp(step)


class Visitor:
    """A person with a browser: keeps cookies and sends the forms that pages show."""

    def __init__(self, app: Flask, *, base_url: str = "http://localhost/") -> None:
        self.app = app
        self.base_url = base_url
        self.client = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page; redirects are not followed."""
        return self.client.get(path, base_url=self.base_url, **options)

    def submit(self, path: str, *, page: str | None = None, **fields: str) -> TestResponse:
        """Open ``page`` (default: ``path``), fill in its form, send it to ``path``."""
        found = CSRF_FIELD.search(self.get(page or path).text)
        assert found, f"{page or path} shows no form"
        return self.client.post(
            path,
            base_url=self.base_url,
            data={"csrf_token": found.group(1), **fields},
            headers={"Referer": self.base_url},
        )

    def log_in(
        self, email: str, password: str = PASSWORD, *, remember: bool = False, path: str = "/login"
    ) -> TestResponse:
        """Send the login form; and a code, when it asks for one."""
        fields = {"email": email, "password": password}
        answer = self.submit(path, **fields, **({"remember": "y"} if remember else {}))
        if (answer.location or "").startswith("/login/code"):
            return self.submit(answer.location, code=next_code(self.app, email))
        return answer

    def close_browser(self) -> None:
        """Lose what a browser loses when it is closed: the session cookie."""
        self.client.delete_cookie(SESSION)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie this visitor has."""
        found = self.client.get_cookie(name)
        return found.value if found else None

    def steal(self, *names: str) -> Visitor:
        """Another browser, of a thief who copied these cookies."""
        thief = Visitor(self.app, base_url=self.base_url)
        for name in names:
            thief.client.set_cookie(name, self.cookie(name) or "")
        return thief

    def is_logged_in(self) -> bool:
        """Whether the dashboard opens."""
        return self.get("/account/").status_code == 200


def failing_portal() -> Flask:
    """The portal with ``/fails/<code>``, to look at the error pages."""
    app = create_app()
    codes.TOLERANCE = 1  # a browser that is tested may type a code when its half a minute is over
    add_failures(app)
    return app


def add_failures(app: Flask) -> None:
    """Add ``/fails/<code>``: 500 is an exception nobody expected, others are refusals."""

    @app.get("/fails/<int:code>")
    @app.get("/api/fails/<int:code>")
    def fails(code: int) -> str:
        if code == 500:
            raise RuntimeError("canary: what went wrong inside")
        abort(code)
