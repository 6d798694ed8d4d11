# [setup]
import uuid

from flask import Flask, abort, request
from flask_login import LoginManager, current_user, get_current_user
from flask_login import login_required, login_user
from flask_login.sessions import SQLAlchemySessionStore
from werkzeug.security import check_password_hash, generate_password_hash

from models import Note, User, db

app = Flask(__name__)
app.config.update(SECRET_KEY="keep this one secret", SQLALCHEMY_DATABASE_URI="sqlite:///notes.db")
db.init_app(app)
login_manager = LoginManager(app, session_store=SQLAlchemySessionStore(db))


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, uuid.UUID(user_id))


# [register]
@app.post("/register")
def register():
    user = User(name=request.form["name"])
    user.password_hash = generate_password_hash(request.form["password"])
    db.session.add(user)
    db.session.commit()  # now the user has an id
    login_user(user)
    return "", 201


# [login]
@app.post("/login")
def login():
    user = db.session.scalar(db.select(User).filter_by(name=request.form["name"]))
    if user is None or not check_password_hash(user.password_hash, request.form["password"]):
        abort(403)
    if not login_user(user, remember=True):
        abort(403)  # is_active is false
    return ""


# [notes]
@app.post("/notes")
@login_required
def add_note():
    db.session.add(Note(text=request.form["text"], author=get_current_user()))
    db.session.commit()
    return "", 201


@app.get("/notes")
@login_required
def notes():
    return [note.text for note in current_user.notes]


# [ban]
@app.post("/users/<name>/ban")
@login_required
def ban(name):
    if current_user.name != "admin":
        abort(403)
    user = db.first_or_404(db.select(User).filter_by(name=name))
    user.is_active = False
    db.session.commit()
    return ""


# [end]
