# [imports]
import os
import secrets
import time
from datetime import timedelta
from urllib.parse import urlsplit

import webauthn
from flask import Flask, Response, abort, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, begin_login, complete_login, confirm_login
from flask_login import current_login, current_user, fresh_login_required, get_current_user
from flask_login import login_required, login_user, pending_user, safe_next_url
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, structs
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from werkzeug.security import check_password_hash, generate_password_hash

# [app]
app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ.get("SECRET_KEY", "for my machine only"))
app.config.update(SESSION_COOKIE_SAMESITE="Lax", SITE="http://localhost:5000")
login_manager = LoginManager(app)
login_manager.login_view = "login"
login_manager.refresh_view = "confirm"


# [users]
class User(UserMixin):
    def __init__(self, id, password):
        self.id, self.password_hash = id, generate_password_hash(password)
        self.handle = secrets.token_bytes(16)  # the account as the device knows it
        self.passkeys = {}


class Passkey:
    def __init__(self, proof):
        self.id, self.public_key = proof.credential_id, proof.credential_public_key
        self.sign_count = proof.sign_count
        copied = proof.credential_device_type is structs.CredentialDeviceType.MULTI_DEVICE
        self.method = "swk" if copied else "hwk"


users = {"ann": User("ann", "correct horse"), "ben": User("ben", "battery staple")}
login_manager.user_loader(users.get)


# [challenge]
CHALLENGE, LIFETIME = "_passkey_challenge", 300
used = {}


def ask(options):
    session[CHALLENGE] = [bytes_to_base64url(options.challenge), time.time()]
    return Response(webauthn.options_to_json(options), mimetype="application/json")


def taken():
    """Return what this browser was asked to sign, and what else the check needs."""
    text, asked_at = session.pop(CHALLENGE, ("", 0))
    now = time.time()
    for old in [old for old, at in used.items() if at + 2 * LIFETIME < now]:
        del used[old]
    if not text or now - asked_at > LIFETIME or text in used:
        abort(400)
    used[text] = now
    return {
        "expected_challenge": base64url_to_bytes(text),
        "expected_rp_id": urlsplit(app.config["SITE"]).hostname,
        "expected_origin": app.config["SITE"],
        "require_user_verification": True,
    }


# [register]
VERIFIED = structs.UserVerificationRequirement.REQUIRED


@app.post("/passkeys/options")
@fresh_login_required
def register_options():
    user = get_current_user()
    known = [structs.PublicKeyCredentialDescriptor(id=key) for key in user.passkeys]
    options = webauthn.generate_registration_options(
        rp_id=urlsplit(app.config["SITE"]).hostname,
        rp_name="Shop",
        user_id=user.handle,
        user_name=user.id,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
        ),
        exclude_credentials=known,
    )
    return ask(options)


@app.post("/passkeys")
@fresh_login_required
def register():
    try:
        proof = webauthn.verify_registration_response(credential=request.get_json(), **taken())
    except WebAuthnException:
        abort(400)
    if any(proof.credential_id in user.passkeys for user in users.values()):
        abort(400)
    get_current_user().passkeys[proof.credential_id] = Passkey(proof)
    return {"next": url_for("home")}


# [prove]
@app.post("/passkey/options")
def prove_options():
    host = urlsplit(app.config["SITE"]).hostname
    return ask(webauthn.generate_authentication_options(rp_id=host, user_verification=VERIFIED))


def proved():
    """Return the user whose passkey signed what this browser was asked, and the passkey."""
    asked = taken()
    try:
        answer = parse_authentication_credential_json(request.get_json())
        user = next(user for user in users.values() if answer.raw_id in user.passkeys)
        passkey = user.passkeys[answer.raw_id]
        proof = webauthn.verify_authentication_response(
            credential=answer,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            **asked,
        )
    except (StopIteration, WebAuthnException):
        abort(400)
    passkey.sign_count = proof.new_sign_count
    return user, passkey


@app.post("/passkey")
def prove():
    user, passkey = proved()
    if current_user.is_authenticated:
        if user.id != current_user.id:
            abort(400)
        confirm_login(methods={passkey.method, "user"})
    elif pending_user() is not None:
        if user.id != pending_user().id:
            abort(400)
        complete_login(methods={passkey.method, "user"})
    else:
        login_user(user, methods={passkey.method, "user", "mfa"})
    return {"next": safe_next_url(url_for("home"))}


# [login]
@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = users.get(request.form["name"])
        if user is None or not check_password_hash(user.password_hash, request.form["password"]):
            abort(403)
        target = safe_next_url(url_for("home"))
        if user.passkeys:
            begin_login(user, methods={"pwd"})
            return redirect(url_for("second_step", next=target))
        login_user(user, methods={"pwd"})
        return redirect(target)
    return render_template("login.html")


@app.get("/login/passkey")
def second_step():
    if pending_user() is None:
        return redirect(url_for("login"))
    return render_template("passkey.html")


@app.get("/confirm")
@login_required
def confirm():
    return render_template("passkey.html")


# [views]
@app.get("/")
@login_required
def home():
    return render_template("home.html", methods=sorted(current_login.methods))


@app.get("/keys")
@fresh_login_required(max_age=timedelta(minutes=5), methods={"hwk"})
def keys():
    return "The keys of the shop."
