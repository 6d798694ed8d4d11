# [setup]
from functools import wraps

from flask import Flask
from flask_login import LoginManager, UserMixin, current_login, current_user
from flask_login import login_session_ended, login_user, logout_user
from flask_login.sessions import MemorySessionStore
from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, emit, join_room

app = Flask(__name__)
app.secret_key = "keep this one secret"
login_manager = LoginManager(app, session_store=MemorySessionStore())
socketio = SocketIO(app)


class User(UserMixin):
    def __init__(self, id):
        self.id = id


login_manager.user_loader(User)


@app.post("/login/<name>")
def login(name):
    login_user(User(name))  # after you checked who it is
    return ""


@app.post("/logout")
def logout():
    logout_user()
    return ""


# [connect]
@socketio.on("connect")
def connect():
    if not current_user.is_authenticated:
        raise ConnectionRefusedError("login_required")
    join_room(f"login:{current_login.id}")


# [events]
def logged_in(handler):
    @wraps(handler)
    def guarded(*args):
        if not current_user.is_authenticated:
            disconnect()
            return None
        return handler(*args)

    return guarded


@socketio.on("say")
@logged_in
def say(text):
    emit("said", f"{current_user.id}: {text}", broadcast=True)


# [ended]
@login_session_ended.connect_via(app)
def close_its_sockets(sender, login, **extra):
    room = f"login:{login.id}"
    socketio.emit("logged_out", to=room)
    socketio.close_room(room)


# [end]
