"""Your devices: where you are logged in, and how to end it; and why a login ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ua_parser
from flask import Blueprint, Flask, abort, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from flask_login import (
    LoginSession,
    current_login,
    fresh_login_required,
    login_required,
    user_loaded_from_cookie,
)
from flask_login.sessions import records

from .forms import ConfirmForm
from .login import login_sessions, signed_in_user

bp = Blueprint("devices", __name__, url_prefix="/account/devices")

# In Flask's session, under a name of our own: it outlives the login that it names.
THIS_LOGIN = "portal_login"

# Nothing for a logout and for a new login in the same browser: whoever did that knows.
WHY = {
    records.REVOKED: (
        "This device was signed out: from another device of yours, or by an administrator."
    ),
    records.EXPIRED_IDLE: "You were signed out because nothing was done here for a long time.",
    records.EXPIRED_ABSOLUTE: "You were signed out because your login reached its greatest age.",
    records.EVICTED: "You were signed out here because you logged in on too many other devices.",
    records.CREDENTIALS_CHANGED: (
        "You were signed out because the password of your account was changed. "
        "If that was not you, tell an administrator."
    ),
    records.TOKEN_REUSED: (
        "You were signed out because the cookie that keeps you logged in came twice: somebody "
        "may have a copy of it. Log in, look at your devices and change your password."
    ),
}

PHONES = {"Android", "iOS", "KaiOS", "HarmonyOS", "Windows Phone"}


@dataclass(frozen=True)
class Device:
    """A login as the page shows it."""

    id: str
    name: str
    is_phone: bool
    address: str
    began: datetime
    seen: datetime
    remembered: bool
    is_this: bool

    @classmethod
    def of(cls, login: LoginSession) -> Device:
        name, is_phone = describe(login.user_agent)
        return cls(
            id=login.id,
            name=name,
            is_phone=is_phone,
            address=login.ip_address or "unknown",
            began=login.created_at,
            seen=login.last_seen_at,
            remembered=login.remembered,
            is_this=login.id == current_login.id,
        )


def describe(user_agent: str | None) -> tuple[str, bool]:
    """Name browser and system, and tell whether it is a phone. Anybody can claim anything here."""
    found = ua_parser.parse(user_agent or "")
    browser = "Unknown browser"
    if found.user_agent is not None:
        browser = " ".join(filter(None, (found.user_agent.family, found.user_agent.major)))
    if found.os is None:
        return browser, False
    # Without its version, which browsers have stopped to tell truly.
    return f"{browser} on {found.os.family}", found.os.family in PHONES


def ended(count: int) -> str:
    """Say how many logins were ended."""
    return {0: "there was no login to end", 1: "1 login ended"}.get(count, f"{count} logins ended")


@bp.get("/")
@login_required
def devices() -> str:
    found = map(Device.of, login_sessions().list(signed_in_user().get_id()))
    in_order = sorted(found, key=lambda device: (device.is_this, device.seen), reverse=True)
    return render_template("devices.html", devices=in_order, login=current_login)


@bp.post("/<login_id>/end")
@fresh_login_required
def end_device(login_id: str) -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    login = login_sessions().get(login_id)
    if login is None or login.user_id != signed_in_user().get_id():
        abort(404)  # the same answer for no login and for somebody else's
    login_sessions().revoke(login_id)
    flash(f"{describe(login.user_agent)[0]} is signed out.", "success")
    return redirect(url_for("devices.devices"))


@bp.post("/end-others")
@fresh_login_required
def end_others() -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    count = login_sessions().revoke_all(signed_in_user().get_id(), keep_current=True)
    flash(f"All other devices are signed out: {ended(count)}.", "success")
    return redirect(url_for("devices.devices"))


def note_this_login(*_: Any, **__: Any) -> None:
    """Keep the handle of this login, which proves nothing, so that its end can be explained."""
    session[THIS_LOGIN] = current_login.id


def why_signed_out() -> str | None:
    """Why the latest login of this browser ended, or None if nobody needs to be told."""
    login = login_sessions().get(session.get(THIS_LOGIN, ""))
    return WHY.get(login.ended_reason or "") if login is not None else None


def init_app(app: Flask) -> None:
    # A remember token brought somebody back: the session of before may be gone.
    user_loaded_from_cookie.connect(note_this_login, app)
