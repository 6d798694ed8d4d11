from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required
from flask_login import login_user, logout_user
from flask_principal import Identity, Permission, Principal, RoleNeed

app = Flask(__name__)
app.secret_key = "keep this one secret"
login_manager = LoginManager(app)
principals = Principal(app, use_sessions=False)
admins = Permission(RoleNeed("admin"))


class User(UserMixin):
    def __init__(self, id, roles):
        self.id, self.roles = id, roles


users = {"ann": User("ann", ["admin"]), "ben": User("ben", [])}
login_manager.user_loader(users.get)


@principals.identity_loader
def identity_of_the_current_user():
    if not current_user.is_authenticated:
        return None
    identity = Identity(current_user.id)
    identity.provides.update(RoleNeed(role) for role in current_user.roles)
    return identity


@app.get("/admin")
@login_required
@admins.require(http_exception=403)
def admin():
    return "for administrators"


@app.post("/login/<name>")
def login(name):
    login_user(users[name])  # after you checked who it is
    return ""


@app.post("/logout")
def logout():
    logout_user()
    return ""
