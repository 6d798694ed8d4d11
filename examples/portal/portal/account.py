"""What belongs to one person: dashboard, profile, password, API keys."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from flask_login import confirm_login, current_login, fresh_login_required, login_required
from flask_login.sessions.records import CREDENTIALS_CHANGED

from . import codes, passkeys, passwords, throttles
from .auth import REFUSED
from .forms import ApiKeyForm, ChangePasswordForm, ProfileForm
from .login import login_sessions, signed_in_user
from .models import MAX_ID, ApiKey, db

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
@login_required
def dashboard() -> str:
    user = signed_in_user()
    return render_template(
        "dashboard.html",
        login=current_login,
        two_step=codes.authenticator_of(user) is not None,
        codes_left=codes.recovery_codes_left(user),
        passkeys=len(passkeys.passkeys_of(user)),
    )


@bp.route("/profile", methods=["GET", "POST"])
@login_required
def profile() -> ResponseReturnValue:
    user = signed_in_user()
    form = ProfileForm(obj=user)
    if form.validate_on_submit():
        user.name = form.name.data or user.name
        db.session.commit()
        flash("Your profile is saved.", "success")
        return redirect(url_for("account.profile"))
    two_step = codes.authenticator_of(user) is not None
    page = render_template("profile.html", form=form, two_step=two_step)
    return page, REFUSED if form.errors else 200


@bp.route("/password", methods=["GET", "POST"])
@fresh_login_required
def change_password() -> ResponseReturnValue:
    user = signed_in_user()
    form = ChangePasswordForm()
    form.person = (user.email, user.name)
    if form.validate_on_submit():
        with throttles.passwords().attempt(user.email) as attempt:
            attempt.found(user)
            good = passwords.verify(user.password_hash, form.current.data or "")
            if good:
                attempt.succeeded()
        if good:
            user.set_password(form.password.data or "")
            db.session.commit()
            # This login goes on with new cookies; a copy of the old ones is worth nothing. The new
            # stamp would let no other login in again, but one that has ended is off the list.
            confirm_login()
            here = current_login.id
            login_sessions().end_all(user.get_id(), CREDENTIALS_CHANGED, keep=here)
            flash("Your password is changed. Every other login has ended.", "success")
            return redirect(url_for("account.profile"))
        form.current.errors = ["This is not your current password."]
    return render_template("change_password.html", form=form), REFUSED if form.errors else 200


@bp.route("/keys", methods=["GET", "POST"])
@fresh_login_required
def api_keys() -> ResponseReturnValue:
    """List the keys and make one. The new key is in this one answer, never again."""
    user = signed_in_user()
    form = ApiKeyForm()
    secret = None
    if form.validate_on_submit():
        record, secret = ApiKey.create(user, form.name.data or "")
        db.session.add(record)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            secret = None
            form.name.errors = ["You have a key with this name already."]
        else:
            form = ApiKeyForm(formdata=None)
    page = render_template("api_keys.html", form=form, keys=user.api_keys, secret=secret)
    return page, REFUSED if form.errors else 200


@bp.post(f"/keys/<int(max={MAX_ID}):key_id>/delete")
@fresh_login_required
def delete_api_key(key_id: int) -> ResponseReturnValue:
    record = db.session.get(ApiKey, key_id)
    if record is None or record.user_id != signed_in_user().id:
        abort(404)  # the same answer for no key and for somebody else's
    db.session.delete(record)
    db.session.commit()
    flash(f"The key “{record.name}” is deleted.", "success")
    return redirect(url_for("account.api_keys"))
