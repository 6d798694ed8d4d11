# [imports]
from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask_login import LoginManager, confirm_login, current_login, current_user
from flask_login import fresh_login_required, login_required, login_user, logout_user
from flask_login import safe_next_url
from flask_login.sessions import SQLAlchemySessionStore
from flask_wtf import CSRFProtect

from models import User, db

# [app]
app = Flask(__name__)
app.config.update(
    SECRET_KEY="for my machine only",
    SQLALCHEMY_DATABASE_URI="sqlite:///shop.db",
    SESSION_COOKIE_SAMESITE="Lax",
)
db.init_app(app)
CSRFProtect(app)
# [manager]
login_manager = LoginManager[User](app, session_store=SQLAlchemySessionStore(db))
login_manager.login_view = "login"
login_manager.refresh_view = "confirm"


# [loader]
@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


# [init]
@app.cli.command("init")
def init():
    db.create_all()
    if db.session.scalar(db.select(User)) is None:
        ann, ben = User(name="ann", is_admin=True), User(name="ben")
        ann.set_password("correct horse")
        ben.set_password("battery staple")
        db.session.add_all([ann, ben])
        db.session.commit()


# [login]
@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = db.session.scalar(db.select(User).filter_by(name=request.form["name"]))
        if user is not None and user.has_password(request.form["password"]):
            login_user(user, remember="remember" in request.form)
            return redirect(safe_next_url(url_for("home")))
        flash("No user has this name and password.")
    return render_template("login.html")


# [logout]
@app.post("/logout")
def logout():
    logout_user()
    return redirect(url_for("login"))


# [home]
@app.get("/")
@login_required
def home():
    return render_template("home.html")


# [admin]
@app.get("/admin")
@login_required
def admin():
    if not current_user.is_admin:
        abort(403)
    return render_template("admin.html", users=db.session.scalars(db.select(User)))


@app.post("/admin/<int:user_id>")
@fresh_login_required
def make_admin(user_id):
    if not current_user.is_admin:
        abort(403)
    db.get_or_404(User, user_id).is_admin = True
    db.session.commit()
    return redirect(url_for("admin"))


# [confirm]
@app.route("/confirm", methods=["GET", "POST"])
@login_required
def confirm():
    if request.method == "POST":
        if current_user.has_password(request.form["password"]):
            confirm_login()
            return redirect(safe_next_url(url_for("home")))
        flash("This is not your password.")
    return render_template("confirm.html")


# [devices]
@app.get("/devices")
@login_required
def devices():
    logins = login_manager.sessions.list(current_user.get_id())
    return render_template("devices.html", logins=logins, here=current_login.id)


@app.post("/devices/<login_id>/end")
@login_required
def end_device(login_id):
    login_manager.sessions.revoke(login_id, user_id=current_user.get_id())
    return redirect(url_for("devices"))


@app.post("/devices/end-others")
@login_required
def end_others():
    login_manager.sessions.revoke_all(current_user.get_id(), keep_current=True)
    return redirect(url_for("devices"))


# [end]
