"""The pytest fixtures of `flask_login.testing`, apart because they need pytest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from .test_client import FlaskLoginClient

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def login_as(app: Flask) -> Callable[..., FlaskLoginClient]:
    """Return a function that makes logged-in test clients of ``app``.

    ::

        def test_profile(login_as, alice):
            client = login_as(alice)
            assert client.get("/profile").status_code == 200

    The function takes the user and, by keyword, what `FlaskLoginClient` takes (`fresh_login`,
    `realm`). Every call makes a client, so two users can meet in one test.

    .. versionadded:: 0.6.90
    """

    def make_client(user: Any, **arguments: Any) -> FlaskLoginClient:
        return FlaskLoginClient(app, app.response_class, user=user, **arguments)

    return make_client
