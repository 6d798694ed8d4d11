import os

import sentry_sdk
from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required, user_accessed

sentry_sdk.init(dsn=os.environ.get("SENTRY_DSN"))  # without send_default_pii
app = Flask(__name__)
app.secret_key = "keep this one secret"
login_manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, id):
        self.id = id


login_manager.user_loader(User)


@user_accessed.connect_via(app)
def name_the_user(sender, **extra):
    if current_user.is_authenticated:
        sentry_sdk.set_user({"id": current_user.get_id()})


@app.get("/orders")
@login_required
def orders():
    return f"{1 / 0} orders"


@app.get("/imprint")
def imprint():
    return f"{1 / 0}"
