import os

from flask import Flask, abort, redirect, url_for
from flask_dance.consumer import oauth_authorized
from flask_dance.contrib.github import make_github_blueprint
from flask_login import LoginManager, UserMixin, current_user, login_required
from flask_login import login_user, safe_next_url

app = Flask(__name__)
app.config.update(SECRET_KEY="keep this one secret", USE_SESSION_FOR_NEXT=True)
github = make_github_blueprint(
    client_id=os.environ["GITHUB_ID"],
    client_secret=os.environ["GITHUB_SECRET"],
    redirect_to="after_login",
)
app.register_blueprint(github)
login_manager = LoginManager(app)
login_manager.login_view = "github.login"


class User(UserMixin):
    def __init__(self, id):
        self.id = id


users = {}


@login_manager.user_loader
def load_user(user_id):
    return users.get(user_id)


@oauth_authorized.connect_via(github)
def log_in(blueprint, token):
    user_id = str(blueprint.session.get("/user").json()["id"])
    login_user(users.setdefault(user_id, User(user_id)))
    return False  # the token is not needed any more


@app.get("/after-login")
def after_login():
    if not current_user.is_authenticated:
        abort(403)  # cancelled at GitHub
    return redirect(safe_next_url(url_for("home")))


@app.get("/")
@login_required
def home():
    return f"user {current_user.id}"


@app.get("/orders")
@login_required
def orders():
    return "orders"
