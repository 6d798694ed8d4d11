"""For administrators, and only while their login is fresh."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from flask_login import fresh_login_required, login_required

from .login import admin_required, signed_in_user
from .models import User, db

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/")
@login_required
@admin_required
@fresh_login_required
def users() -> str:
    everyone = db.session.scalars(select(User).order_by(User.name, User.id)).all()
    return render_template("admin.html", users=everyone)


@bp.post("/users/<int:user_id>/active")
@login_required
@admin_required
@fresh_login_required
def toggle_active(user_id: int) -> ResponseReturnValue:
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    if user is signed_in_user():
        flash("You cannot close your own account here.", "warning")
    else:
        user.active = not user.active
        db.session.commit()
        state = "open again" if user.active else "closed: its logins have ended"
        flash(f"The account of {user.name} is {state}.", "success")
    return redirect(url_for("admin.users"))
