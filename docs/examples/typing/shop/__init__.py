from flask import Flask

from .logins import login_manager
from .pages import pages


def create_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "for my machine only"
    app.register_blueprint(pages)
    login_manager.init_app(app)
    return app
