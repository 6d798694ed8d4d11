"""For administrators, and only while their login is fresh."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from flask_login import fresh_login_required, login_required

from .devices import ended
from .forms import ActiveForm, ConfirmForm
from .login import admin_required, login_sessions, signed_in_user
from .models import MAX_ID, User, db

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/")
@login_required
@admin_required
@fresh_login_required
def users() -> str:
    everyone = db.session.scalars(select(User).order_by(User.name, User.id)).all()
    live = {user.id: len(login_sessions().list(user.get_id())) for user in everyone}
    return render_template("admin.html", users=everyone, live=live)


@bp.post(f"/users/<int(max={MAX_ID}):user_id>/active")
@login_required
@admin_required
@fresh_login_required
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
            login_sessions().revoke_all(user.get_id())
        state = "open again" if user.active else "closed: its logins have ended"
        flash(f"The account of {user.name} is {state}.", "success")
    return redirect(url_for("admin.users"))


@bp.post(f"/users/<int(max={MAX_ID}):user_id>/end-logins")
@login_required
@admin_required
@fresh_login_required
def end_logins(user_id: int) -> ResponseReturnValue:
    """End every login of somebody; of one's own, every other."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    count = login_sessions().revoke_all(user.get_id(), keep_current=True)
    flash(f"{user.name}: {ended(count)}.", "success")
    return redirect(url_for("admin.users"))
