"""Your devices: where you are logged in, and how to end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ua_parser
from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from flask_login import (
    LoginSession,
    current_login,
    fresh_login_required,
    login_required,
    no_activity,
)

from .forms import ConfirmForm
from .login import login_sessions, signed_in_user

bp = Blueprint("devices", __name__, url_prefix="/account/devices")

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


def counted(count: int, noun: str) -> str:
    """Return a number and what it counts."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


@bp.get("/")
@login_required
def devices() -> str:
    found = map(Device.of, login_sessions().list(signed_in_user().get_id()))
    in_order = sorted(found, key=lambda device: (device.is_this, device.seen), reverse=True)
    return render_template("devices.html", devices=in_order, login=current_login)


@bp.get("/live")
@no_activity
@login_required
def live() -> str:
    """A part of the dashboard, which asks for it again and again: that keeps no login alive.

    When the login has ended, Flask-Login answers htmx 401 with ``HX-Redirect``, and the whole page
    goes to the login.
    """
    logins = login_sessions().list(signed_in_user().get_id())
    seen = max((login.last_seen_at for login in logins), default=None)
    return render_template("_live.html", live=len(logins), seen=seen)


@bp.post("/<login_id>/end")
@fresh_login_required
def end_device(login_id: str) -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    if login_sessions().revoke(login_id, user_id=signed_in_user().get_id()):
        flash("The login on that device has ended.", "success")
    else:
        # The same answer if it has ended, never was or is somebody else's.
        flash("That login had ended already.", "info")
    return redirect(url_for("devices.devices"))


@bp.get("/end-others")
@fresh_login_required
def ask_to_end_others() -> str:
    """Ask first: every other device has to log in again."""
    found = login_sessions().list(signed_in_user().get_id())
    others = sum(login.id != current_login.id for login in found)
    return render_template(
        "question.html",
        title=f"End {counted(others, 'other login')}?",
        text="Those devices are logged out at their next click. This one stays logged in.",
        yes="End all other logins",
        back=url_for("devices.devices"),
    )


@bp.post("/end-others")
@fresh_login_required
def end_others() -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    count = login_sessions().revoke_all(signed_in_user().get_id(), keep_current=True)
    flash(f"Ended {counted(count, 'other login')}.", "success")
    return redirect(url_for("devices.devices"))
