"""What tests of applications patch in `flask_login.utils`, for the rooms that stood there.

Many replace ``flask_login.utils._get_user`` and ``.current_user``, or Flask's ``request``,
``current_app`` and ``session`` there. That module is above the rooms that need these names, so it
leaves its namespace here.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, request, session

from .flask_internals import get_app

#: What `flask_login.utils` holds now.
utils: dict[str, Any] = {"request": request, "current_app": current_app, "session": session}


def is_request_replaced() -> bool:
    """Return whether a test put another object in the place of Flask's `request`."""
    return utils["request"] is not request


def is_app_replaced() -> bool:
    """Return whether a test put another object in the place of Flask's `current_app`."""
    return utils["current_app"] is not current_app


def is_session_replaced() -> bool:
    """Return whether a test put another object in the place of Flask's `session`."""
    return utils["session"] is not session


def app_in_place() -> Any:
    """Return the application, or what a test put in its place."""
    return utils["current_app"] if is_app_replaced() else get_app()


def is_manager(found: object) -> bool:
    """Return whether something is a login manager, and no double of one."""
    return hasattr(type(found), "get_current_user")
