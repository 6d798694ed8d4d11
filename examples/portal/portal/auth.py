"""Register, log in, prove it again, log out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from flask_login import (
    confirm_login,
    current_user,
    login_required,
    login_user,
    logout_user,
    safe_next_url,
)

from . import passwords
from .devices import note_this_login, why_signed_out
from .forms import ConfirmForm, LoginForm, ReauthenticateForm, RegisterForm
from .login import signed_in_user
from .models import User, authenticate, db

bp = Blueprint("auth", __name__)

# 422: the form was understood and its content refused.
REFUSED = 422


def next_or_dashboard() -> str:
    return safe_next_url(url_for("account.dashboard"))


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_or_dashboard())
    form = RegisterForm()
    if form.validate_on_submit():
        db.session.add(
            User(
                email=form.email.data or "",
                name=form.name.data or "",
                password=form.password.data or "",
            )
        )
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            form.email.errors = ["There is an account with this email address already."]
        else:
            flash("Your account is ready. Please log in.", "success")
            return redirect(url_for("auth.login", next=safe_next_url("") or None))
    return render_template("register.html", form=form), REFUSED if form.errors else 200


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_or_dashboard())
    form = LoginForm()
    if form.validate_on_submit():
        user = authenticate(form.email.data or "", form.password.data or "")
        if user is not None and login_user(user, remember=bool(form.remember.data)):
            note_this_login()
            user.note_login()
            db.session.commit()
            return redirect(next_or_dashboard())
        # One message for every reason: it must not tell which accounts exist.
        form.password.errors = ["Email address and password do not match."]
    page = render_template("login.html", form=form, notice=why_signed_out())
    return page, REFUSED if form.errors else 200


@bp.route("/reauthenticate", methods=["GET", "POST"])
@login_required
def reauthenticate() -> ResponseReturnValue:
    form = ReauthenticateForm()
    if form.validate_on_submit():
        if passwords.verify(signed_in_user().password_hash, form.password.data or ""):
            confirm_login()
            return redirect(next_or_dashboard())
        form.password.errors = ["This is not your password."]
    return render_template("reauthenticate.html", form=form), REFUSED if form.errors else 200


@bp.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    if ConfirmForm().validate_on_submit():
        logout_user()
        flash("You are logged out.", "success")
    return redirect(url_for("pages.home"))
