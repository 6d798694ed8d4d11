"""Register, log in, prove it again, log out."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from flask_login import (
    begin_login,
    complete_login,
    confirm_login,
    current_login,
    current_user,
    login_fresh,
    login_required,
    login_user,
    logout_user,
    pending_user,
    safe_next_url,
    stop_impersonating,
)

from . import codes, passwords, throttles
from .forms import CodeForm, ConfirmForm, LoginForm, ReauthenticateForm, RegisterForm
from .login import signed_in_user
from .models import User, authenticate, db, find_user

bp = Blueprint("auth", __name__)

# 422: the form was understood and its content refused.
REFUSED = 422

WRONG_CODE = "This code is wrong or was used before. Enter the next one that the app shows."


def next_or_dashboard() -> str:
    return safe_next_url(url_for("account.dashboard"))


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_or_dashboard())
    form = RegisterForm()
    form.person = (form.email.data or "", form.name.data or "")
    if form.validate_on_submit():
        # Counted, and never judged: a good one is one more account too.
        throttles.registrations().attempt(form.email.data)
        user = User(
            email=form.email.data or "",
            name=form.name.data or "",
            password=form.password.data or "",
        )
        db.session.add(user)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            form.email.errors = ["There is an account with this email address already."]
        else:
            login_user(user, methods={"pwd"})
            user.note_login()
            db.session.commit()
            flash("Your account is ready, and you are logged in.", "success")
            return redirect(next_or_dashboard())
    return render_template("register.html", form=form), REFUSED if form.errors else 200


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_or_dashboard())
    form = LoginForm()
    if form.validate_on_submit():
        email, remember = form.email.data or "", bool(form.remember.data)
        with throttles.passwords().attempt(email) as attempt:
            user = find_user(email)
            attempt.found(user)  # counted, by whatever spelling the database has found it
            user = authenticate(user, form.password.data or "")
            if user is not None and user.is_active:
                attempt.succeeded()
                if codes.authenticator_of(user) is not None:
                    begin_login(user, remember, methods={"pwd"})
                    # The way back goes along in the address, and is checked where it is used.
                    way_back = safe_next_url("") or None
                    return redirect(url_for("auth.login_code", next=way_back))
                login_user(user, remember, methods={"pwd"})
                user.note_login()
                db.session.commit()
                return redirect(next_or_dashboard())
        # One message for every reason: it must not tell which accounts exist.
        form.password.errors = ["Email address and password do not match."]
    return render_template("login.html", form=form), REFUSED if form.errors else 200


@bp.route("/login/code", methods=["GET", "POST"])
def login_code() -> ResponseReturnValue:
    """Take the second step. Nobody is logged in yet, so the page shows nothing of the account."""
    if current_user.is_authenticated:
        return redirect(next_or_dashboard())
    user = pending_user()
    if user is None:
        flash("Please start with your password.", "info")
        return redirect(url_for("auth.login", next=safe_next_url("") or None))
    form = CodeForm()
    if form.validate_on_submit():
        with throttles.codes().attempt(user.get_id()) as attempt:
            if codes.spend(user, form.code.data or "") and complete_login(methods={"otp"}):
                attempt.succeeded()
                user.note_login()
                db.session.commit()
                return redirect(next_or_dashboard())
        form.refuse(WRONG_CODE)
    return render_template("login_code.html", form=form), REFUSED if form.errors else 200


@bp.route("/reauthenticate", methods=["GET", "POST"])
@login_required
def reauthenticate() -> ResponseReturnValue:
    """Ask for the password, the code or both: no less than the login itself asked for."""
    if current_login.actor is not None:
        abort(403)  # an administrator who acts as a member can't prove to be that member
    user = signed_in_user()
    form = ReauthenticateForm()
    has_codes = codes.authenticator_of(user) is not None
    if not has_codes:
        del form.code
    elif login_fresh():
        del form.password  # it, or a passkey, was given in this very login
    if form.validate_on_submit() and is_proved(user, form):
        names = {"password": "pwd", "code": "otp"}  # of RFC 8176
        confirm_login(methods={name for field, name in names.items() if field in form})
        return redirect(next_or_dashboard())
    return render_template("reauthenticate.html", form=form), REFUSED if form.errors else 200


def is_proved(user: User, form: ReauthenticateForm) -> bool:
    """Look at what was given; the code last, because a good one is used up by that."""
    if "password" in form:
        with throttles.passwords().attempt(user.email) as attempt:
            attempt.found(user)
            if passwords.verify(user.password_hash, form.password.data or ""):
                attempt.succeeded()
            else:
                form.password.errors = ["This is not your password."]
                return False
    if "code" in form:
        with throttles.codes().attempt(user.get_id()) as attempt:
            if codes.spend(user, form.code.data or ""):
                attempt.succeeded()
            else:
                form.refuse(WRONG_CODE)
                return False
    return True


@bp.post("/stop-acting")
@login_required
def stop_acting() -> ResponseReturnValue:
    """Be the administrator again."""
    if ConfirmForm().validate_on_submit() and stop_impersonating():
        return redirect(url_for("admin.users"))
    return redirect(url_for("pages.home"))


@bp.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    if ConfirmForm().validate_on_submit():
        logout_user()
        flash("You are logged out.", "success")
    return redirect(url_for("pages.home"))
