"""For administrators, and only while their login is fresh."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from flask_login import fresh_login_required, login_required

from .forms import ActiveForm
from .login import admin_required, signed_in_user
from .models import MAX_ID, User, db

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/")
@login_required
@admin_required
@fresh_login_required
def users() -> str:
    everyone = db.session.scalars(select(User).order_by(User.name, User.id)).all()
    return render_template("admin.html", users=everyone)


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
            user.end_logins()  # opened again, the account has to log in again
        db.session.commit()
        state = "open again" if user.active else "closed: its logins have ended"
        flash(f"The account of {user.name} is {state}.", "success")
    return redirect(url_for("admin.users"))
