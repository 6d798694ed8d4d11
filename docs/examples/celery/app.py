import os

from celery import Celery
from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required

app = Flask(__name__)
app.secret_key = "keep this one secret"
login_manager = LoginManager(app)
celery = Celery(app.name, broker=os.environ.get("BROKER", "redis://localhost:6379/0"))


class User(UserMixin):
    def __init__(self, id):
        self.id = id


users = {"ann": User("ann")}


@login_manager.user_loader
def load_user(user_id):
    return users.get(user_id)


@celery.task
def send_report(user_id):
    with app.app_context():
        user = load_user(user_id)
        if user is None or not user.is_active:
            return  # deleted or banned since
        print(f"report for {user.id}")


@app.post("/report")
@login_required
def report():
    send_report.delay(current_user.get_id())
    return "", 202
