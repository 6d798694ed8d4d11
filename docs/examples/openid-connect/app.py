# [setup]
import os
import time
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, abort, redirect, request, url_for
from flask_login import LoginManager, UserMixin, confirm_login, current_user
from flask_login import fresh_login_required, login_required, login_user, logout_user
from flask_login import safe_next_url
from flask_login.sessions import SQLAlchemySessionStore
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

app = Flask(__name__)
app.config.update(
    SECRET_KEY="keep this one secret",
    SESSION_COOKIE_SAMESITE="Lax",
    USE_SESSION_FOR_NEXT=True,  # the page to return to survives the way to the provider
)
oauth = OAuth(app)
oauth.register(
    "provider",
    server_metadata_url=os.environ["PROVIDER"] + "/.well-known/openid-configuration",
    client_id="shop",
    client_secret=os.environ["PROVIDER_SECRET"],
    client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
)
store = SQLAlchemySessionStore("sqlite:///logins.db")
store.create_all()
login_manager = LoginManager(app, session_store=store)
login_manager.login_view = "login"
login_manager.refresh_view = "confirm"


# [users]
class User(UserMixin):
    def __init__(self, id):
        self.id = id


users = {}


@login_manager.user_loader
def load_user(user_id):
    return users.get(user_id)


# [login]
@app.get("/login")
def login():
    back = url_for("callback", _external=True)
    return oauth.provider.authorize_redirect(back, max_age=24 * 60 * 60)


@app.get("/callback")
def callback():
    claims = answer_of_the_provider()
    user = users.setdefault(claims["sub"], User(claims["sub"]))
    login_user(
        user,
        external_id=claims.get("sid"),
        methods=claims.get("amr", ()),
        fresh=time.time() - claims.get("auth_time", 0) < 300,
    )
    return redirect(safe_next_url(url_for("home")))


def answer_of_the_provider():
    try:
        return oauth.provider.authorize_access_token()["userinfo"]
    except (OAuthError, JoseError) as error:
        abort(403, error.description)  # cancelled, or not what the provider signed for us


# [confirm]
@app.get("/confirm")
@login_required
def confirm():
    back = url_for("confirmed", _external=True)
    return oauth.provider.authorize_redirect(back, prompt="login", max_age=0)


@app.get("/confirmed")
@login_required
def confirmed():
    claims = answer_of_the_provider()
    if claims["sub"] != current_user.id or time.time() - claims.get("auth_time", 0) > 60:
        abort(403)
    confirm_login(methods=claims.get("amr", ()))
    return redirect(safe_next_url(url_for("home")))


# [logout]
@app.post("/logout")
def logout():
    logout_user()
    end_session = oauth.provider.load_server_metadata()["end_session_endpoint"]
    back = {
        "client_id": oauth.provider.client_id,
        "post_logout_redirect_uri": url_for("logged_out", _external=True),
    }
    return redirect(f"{end_session}?{urlencode(back)}")


@app.get("/logged-out")
def logged_out():
    return "You are logged out, here and at the provider."


# [back-channel-logout]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@app.post("/back-channel-logout")
def back_channel_logout():
    metadata = oauth.provider.load_server_metadata()
    wanted = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": oauth.provider.client_id},
        iat={"essential": True},
        exp={"essential": True},
    )
    try:
        keys = KeySet.import_key_set(oauth.provider.fetch_jwk_set(force=True))
        token = jwt.decode(request.form["logout_token"], keys, algorithms=["RS256"])
        wanted.validate(token.claims)
    except (JoseError, ValueError):
        abort(400)
    claims = token.claims
    if LOGOUT_EVENT not in claims.get("events", ()) or "nonce" in claims:
        abort(400)
    if "sid" in claims:
        login_manager.sessions.revoke_external(claims["sid"])
    elif "sub" in claims:
        login_manager.sessions.revoke_all(claims["sub"])
    else:
        abort(400)
    return "", 200, {"Cache-Control": "no-store"}


# [home]
@app.get("/")
@login_required
def home():
    return f"Hello, {current_user.id}!"


@app.get("/orders")
@login_required
def orders():
    return "orders"


@app.get("/address")
@fresh_login_required
def address():
    return "a new address"


# [end]
