# [imports]
from flask import Flask, flash, redirect, render_template, request, url_for
from flask_login import LoginManager, login_required, login_user, logout_user, safe_next_url
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
login_manager = LoginManager[User](app)
login_manager.login_view = "login"


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


# [end]
