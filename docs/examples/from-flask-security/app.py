# [setup]
import base64
import hashlib
import hmac

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from flask import Flask, abort, request
from flask_login import LoginManager, MemorySessionStore, UserMixin, current_user
from flask_login import login_required, login_user

app = Flask(__name__)
app.config.update(
    SECRET_KEY="the one that Flask-Security had",
    SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
)
login_manager = LoginManager(app, session_store=MemorySessionStore())


# [user]
class User(UserMixin):
    def __init__(self, email, password, fs_uniquifier):
        self.email, self.password, self.fs_uniquifier = email, password, fs_uniquifier

    def get_id(self):
        return self.fs_uniquifier

    def get_session_auth_hash(self):
        return self.password


# [users]
users = [
    User(
        "ann@example.com",
        "$argon2id$v=19$m=65536,t=3,p=4$ZYwRAoDwPscYo9Raq1VK6Q$ZmTs44gHZvXjtyeEknoml/0NPI8KrLQ90WTR3a3lZ10",
        "ae39e4d4705c4d46815ac8826e0f81dd",
    )
]


# [loader]
@login_manager.user_loader
def load_user(user_id):
    return next((user for user in users if user.fs_uniquifier == user_id), None)


# [password]
def has_password(user, password):
    salt = app.config["SECURITY_PASSWORD_SALT"].encode()
    digest = hmac.new(salt, password.encode(), hashlib.sha512).digest()
    try:
        return PasswordHasher().verify(user.password, base64.b64encode(digest))
    except Argon2Error:
        return False


# [views]
@app.post("/login")
def login():
    user = next((user for user in users if user.email == request.form["email"]), None)
    if user is None or not has_password(user, request.form["password"]):
        abort(403)
    login_user(user)
    return ""


@app.get("/")
@login_required
def home():
    return current_user.email


# [end]
