"""Passkeys (WebAuthn): register, log in, delete. A key pair of this site's own, on a device.

The browser signs for the host that it shows, so a page that imitates this one gets nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import webauthn
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
    structs,
)
from webauthn.helpers.exceptions import WebAuthnException

from flask_login import fresh_login_required, login_user

from .auth import next_or_dashboard
from .forms import ConfirmForm
from .login import signed_in_user
from .models import MAX_ID, Base, User, UtcDateTime, db, login_time, utcnow

bp = Blueprint("passkeys", __name__)

CHALLENGE = "_passkey_challenge"
CHALLENGE_LIFETIME = timedelta(minutes=5)
MOST = 20
# Whom the device has looked at: a PIN, a finger, a face. Then it stands for both factors.
VERIFIED = structs.UserVerificationRequirement.REQUIRED


class Passkey(Base):
    """The public half of a key pair; nothing in here is a secret."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    credential_digest: Mapped[str] = mapped_column(String(64), unique=True)  # the id may be long
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    # A passkey that is copied between devices is software-secured, whatever it lives on now.
    synced: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UsedChallenge(Base):
    """A challenge that was answered: a copy of the answer, with the cookie, is good for nothing."""

    __tablename__ = "used_challenge"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


def passkeys_of(user: User) -> list[Passkey]:
    return list(db.session.scalars(select(Passkey).filter_by(user_id=user.id).order_by(Passkey.id)))


def delete_all(user: User) -> None:
    db.session.execute(delete(Passkey).where(Passkey.user_id == user.id))


# Logging in


@bp.post("/login/passkey/options")
def login_options() -> Response:
    """What the browser is to sign. It names no account: the device knows which it has."""
    options = webauthn.generate_authentication_options(rp_id=host(), user_verification=VERIFIED)
    return answer_with(options)


@bp.post("/login/passkey")
def login() -> ResponseReturnValue:
    challenge = take_challenge()
    try:
        answer = parse_authentication_credential_json(request.get_json())
    except (WebAuthnException, ValueError):
        return refused()
    passkey = db.session.scalar(select(Passkey).filter_by(credential_digest=digest(answer.raw_id)))
    user = db.session.get(User, passkey.user_id) if passkey else None
    if challenge is None or passkey is None or user is None or not user.is_active:
        return refused()
    if answer.response.user_handle not in (None, handle(user)):
        return refused()
    try:
        proof = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host(),
            expected_origin=origin(),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return refused()
    if not use_up(challenge):
        return refused()
    # RFC 8176: a key in hardware or in software, somebody was there, and it was two factors.
    login_user(user, methods={"swk" if passkey.synced else "hwk", "user", "mfa"})
    user.note_login()
    passkey.sign_count, passkey.last_used_at = proof.new_sign_count, login_time()
    db.session.commit()
    return jsonify(next=next_or_dashboard())


# Registering


@bp.get("/account/passkeys/")
@fresh_login_required
def passkeys() -> str:
    return render_template("passkeys.html", passkeys=passkeys_of(signed_in_user()))


@bp.post("/account/passkeys/options")
@fresh_login_required
def register_options() -> Response:
    user = signed_in_user()
    known = [
        structs.PublicKeyCredentialDescriptor(id=passkey.credential_id)
        for passkey in passkeys_of(user)
    ]
    options = webauthn.generate_registration_options(
        rp_id=host(),
        rp_name="Portal",
        user_id=handle(user),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
        ),
        exclude_credentials=known,
    )
    return answer_with(options)


@bp.post("/account/passkeys/")
@fresh_login_required
def register() -> ResponseReturnValue:
    user, challenge = signed_in_user(), take_challenge()
    if challenge is None or len(passkeys_of(user)) >= MOST:
        return refused()
    try:
        proof = webauthn.verify_registration_response(
            credential=parse_registration_credential_json(request.get_json()),
            expected_challenge=challenge,
            expected_rp_id=host(),
            expected_origin=origin(),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return refused()
    if not use_up(challenge):
        return refused()
    passkey = Passkey(
        user_id=user.id,
        credential_digest=digest(proof.credential_id),
        credential_id=proof.credential_id,
        public_key=proof.credential_public_key,
        sign_count=proof.sign_count,
        synced=proof.credential_device_type is structs.CredentialDeviceType.MULTI_DEVICE,
    )
    db.session.add(passkey)
    try:
        db.session.commit()
    except IntegrityError:  # somebody has it already; whoever that is
        db.session.rollback()
        return refused()
    flash("The passkey is ready. You can log in with it next time.", "success")
    return jsonify(next=url_for("passkeys.passkeys"))


@bp.post(f"/account/passkeys/<int(max={MAX_ID}):passkey_id>/delete")
@fresh_login_required
def delete_passkey(passkey_id: int) -> ResponseReturnValue:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    passkey = db.session.get(Passkey, passkey_id)
    if passkey is None or passkey.user_id != signed_in_user().id:
        abort(404)  # the same answer for none and for somebody else's
    db.session.delete(passkey)
    db.session.commit()
    flash("The passkey is deleted.", "success")
    return redirect(url_for("passkeys.passkeys"))


# Challenges: in this browser's session, for minutes, and good once.


def answer_with(
    options: structs.PublicKeyCredentialRequestOptions | structs.PublicKeyCredentialCreationOptions,
) -> Response:
    session[CHALLENGE] = [bytes_to_base64url(options.challenge), int(login_time().timestamp())]
    return current_app.response_class(
        webauthn.options_to_json(options), mimetype="application/json"
    )


def take_challenge() -> bytes | None:
    text, at = session.pop(CHALLENGE, None) or ("", 0)
    young = login_time().timestamp() - at <= CHALLENGE_LIFETIME.total_seconds()
    return base64url_to_bytes(text) if text and young else None


def use_up(challenge: bytes) -> bool:
    """Whether this challenge is answered for the first time.

    A session is a cookie, and may come again: what was answered is kept for as long as that counts.
    """
    now = login_time()
    db.session.execute(
        delete(UsedChallenge).where(UsedChallenge.used_at < now - 2 * CHALLENGE_LIFETIME)
    )
    db.session.add(UsedChallenge(digest=digest(challenge), used_at=now))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def refused() -> ResponseReturnValue:
    """One answer for every reason: it tells nobody which passkeys there are."""
    return jsonify(error="That did not work. Please try again, or use your password."), 422


def host() -> str:
    """The name that passkeys are bound to. Set ``TRUSTED_HOSTS`` where the server takes any."""
    return request.host.rpartition(":")[0] or request.host


def origin() -> str:
    return request.host_url.rstrip("/")


def handle(user: User) -> bytes:
    """The account as the device knows it: says nothing, and stays when the address changes."""
    return hashlib.sha256(f"portal-account-{user.id}".encode()).digest()


def digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
