"""Two-step login: set it up, see it, turn it off. The login's own second step is in `auth`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import pyotp
import segno
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer
from markupsafe import Markup
from sqlalchemy.exc import IntegrityError

from flask_login import confirm_login, current_login, fresh_login_required, safe_next_url

from . import codes, throttles
from .auth import REFUSED, next_or_dashboard
from .forms import ConfirmForm, SetUpForm
from .login import login_sessions, signed_in_user
from .models import User, db

P = ParamSpec("P")
R = TypeVar("R")

bp = Blueprint("second_factor", __name__, url_prefix="/account/two-step")

SET_UP_TIME = timedelta(minutes=15)

#: For what must not be done in a borrowed browser: a code, entered in these minutes.
code_required = fresh_login_required(max_age=timedelta(minutes=10), methods={"otp"})


def authenticator_required(view: Callable[P, R]) -> Callable[P, R]:
    """Send users without a second factor to set one up; use it above ``code_required``."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if codes.authenticator_of(signed_in_user()) is not None:
            return view(*args, **kwargs)
        flash("That page asks for a code, so please set up two-step login first.", "info")
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return cast("R", redirect(url_for("second_factor.two_step", next=back)))

    return guarded


@bp.route("/", methods=["GET", "POST"])
@fresh_login_required
def two_step() -> ResponseReturnValue:
    user = signed_in_user()
    found = codes.authenticator_of(user)
    if found is not None:
        left = codes.recovery_codes_left(user)
        return render_template("two_step.html", authenticator=found, codes_left=left)
    form = SetUpForm()
    key = read_key(form.key.data or "")
    if form.validate_on_submit() and key is not None:
        with throttles.codes().attempt(user.get_id()) as attempt:
            step = codes.step_of(key, form.code.data or "")
            if step is not None:
                attempt.succeeded()
                return turn_on(user, key, step)
        form.refuse("This is not the code that the app shows for this key.")
    elif form.is_submitted() and key is None:
        flash("That took too long: here is a new key.", "warning")
        form = SetUpForm(formdata=None)
    key = key or pyotp.random_base32()
    form.key.data = sign_key(key)
    page = render_template("two_step_set_up.html", form=form, key=key, picture=picture(user, key))
    return page, REFUSED if form.errors else 200


def turn_on(user: User, key: str, step: int) -> ResponseReturnValue:
    try:
        fresh_codes = codes.turn_on(user, key, step)
        db.session.commit()
    except IntegrityError:  # pressed twice, or in two windows: the first one counts
        db.session.rollback()
        return redirect(url_for("second_factor.two_step"))
    # Logins by the password alone end; from now on each needs a code.
    login_sessions().revoke_all(user.get_id(), keep_current=True)
    confirm_login(methods={"otp"})
    flash("Two-step login is on. Every other login has ended.", "success")
    return render_template("recovery_codes.html", codes=fresh_codes, next=next_or_dashboard())


@bp.post("/recovery-codes")
@code_required
def recovery_codes() -> ResponseReturnValue:
    """Make new recovery codes. They are in this one answer, never again."""
    user = signed_in_user()
    if not ConfirmForm().validate_on_submit() or codes.authenticator_of(user) is None:
        abort(400)
    fresh_codes = codes.new_recovery_codes(user)
    db.session.commit()
    page_after = safe_next_url(url_for("second_factor.two_step"))
    return render_template("recovery_codes.html", codes=fresh_codes, next=page_after)


@bp.post("/off")
@code_required
def turn_off() -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    codes.turn_off(signed_in_user())
    db.session.commit()
    flash("Two-step login is off. Your password alone is enough now.", "success")
    return redirect(url_for("account.profile"))


# Until it has shown a code, the key is in the form alone, signed: it is of our making, for this
# login, and young. In the session's cookie it would come with every request.


def sign_key(key: str) -> str:
    return _serializer().dumps([current_login.id, key])


def read_key(signed: str) -> str | None:
    try:
        login_id, key = _serializer().loads(signed, max_age=int(SET_UP_TIME.total_seconds()))
    except BadData:
        return None
    return str(key) if login_id == current_login.id else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="portal.two-step")


def picture(user: User, key: str) -> Markup:
    """Return the key as a QR code: SVG in the page, so that no other site draws it."""
    address = pyotp.TOTP(key).provisioning_uri(name=user.email, issuer_name=codes.ISSUER)
    drawn = segno.make_qr(address).svg_inline(
        scale=5, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704  # nothing in it but squares
