"""For administrators who have entered a code of their second factor in the last ten minutes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from flask_login import impersonate, login_required
from flask_login.sessions.records import DEACTIVATED

from .devices import counted
from .forms import ActiveForm, ConfirmForm
from .login import login_sessions, may_act_as, signed_in_user
from .models import MAX_ID, User, db
from .second_factor import authenticator_required, code_required

bp = Blueprint("admin", __name__, url_prefix="/admin")


def is_admin(user: User) -> bool:
    return user.is_admin


admin_required = login_required(when=is_admin)  # anybody else who is logged in gets 403


@bp.get("/")
@admin_required
@authenticator_required
@code_required
def users() -> str:
    everyone = db.session.scalars(select(User).order_by(User.name, User.id)).all()
    live = {user.id: len(login_sessions().list(user.get_id())) for user in everyone}
    may_act = {user.id for user in everyone if user.active and may_act_as(signed_in_user(), user)}
    return render_template("admin.html", users=everyone, live=live, may_act=may_act)


@bp.post(f"/users/<int(max={MAX_ID}):user_id>/active")
@admin_required
@authenticator_required
@code_required
def set_active(user_id: int) -> ResponseReturnValue:
    """Open or close an account, as the form says: sent twice, it does the same twice."""
    form = ActiveForm()
    if not form.validate_on_submit():
        abort(400)
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    if user is signed_in_user():
        flash("You cannot close your own account here.", "warning")
    else:
        user.active = form.active.data == "yes"
        if not user.active:
            user.change_stamp()  # opened again, the account has to log in again
        db.session.commit()
        if not user.active:
            login_sessions().end_all(user.get_id(), DEACTIVATED)
        state = "open again" if user.active else "closed: its logins have ended"
        flash(f"The account of {user.name} is {state}.", "success")
    return redirect(url_for("admin.users"))


@bp.get(f"/users/<int(max={MAX_ID}):user_id>/end-logins")
@admin_required
@authenticator_required
@code_required
def ask_to_end_logins(user_id: int) -> str:
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    count = len(login_sessions().list(user.get_id()))
    return render_template(
        "question.html",
        title=f"End {counted(count, 'login')} of {user.name}?",
        text="They are logged out on every device, and can log in again.",
        yes="End logins",
        back=url_for("admin.users"),
    )


@bp.post(f"/users/<int(max={MAX_ID}):user_id>/end-logins")
@admin_required
@authenticator_required
@code_required
def end_logins(user_id: int) -> ResponseReturnValue:
    """End every login of a user, but for the one that does it."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    count = login_sessions().revoke_all(user.get_id(), keep_current=True)
    flash(f"Ended {counted(count, 'login')} of {user.name}.", "success")
    return redirect(url_for("admin.users"))


@bp.post(f"/users/<int(max={MAX_ID}):user_id>/act-as")
@admin_required
@authenticator_required
@code_required
def act_as(user_id: int) -> ResponseReturnValue:
    """See the site as a member does. `may_act_as` is asked, now and on each request."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    impersonate(user)  # answers 403 if `may_act_as` says no
    return redirect(url_for("account.dashboard"))
