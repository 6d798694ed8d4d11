from cachelib import FileSystemCache
from flask import Flask, session
from flask_login import LoginManager, MemorySessionStore, UserMixin, current_user
from flask_login import login_user, logout_user
from flask_session import Session


class User(UserMixin):
    def __init__(self, id):
        self.id = id


def create_app(cache, store, *, flask_session=True):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="keep this one secret",
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(cache),
    )
    if flask_session:
        Session(app)
    login_manager = LoginManager(app, session_store=store)
    login_manager.user_loader(User)

    @app.post("/login")
    def login():
        session["cart"] = ["tea"]
        login_user(User("ann"), remember=True)
        return ""

    @app.post("/logout")
    def logout():
        logout_user()
        return ""

    @app.get("/")
    def home():
        return {"user": current_user.get_id(), "cart": session.get("cart", [])}

    return app


app = create_app("sessions", MemorySessionStore())
