"""The portal: a small members' site that shows Flask-Login at work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5  # type: ignore[import-untyped]  # ships no types
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # ships no types

from . import (
    account,
    admin,
    api,
    audit,
    auth,
    cli,
    devices,
    login,
    pages,
    passkeys,
    second_factor,
    security,
    settings,
    throttles,
    times,
)
from .models import create_tables, db

__all__ = ["create_app"]


def create_app(
    overrides: Mapping[str, object] | None = None, *, instance_path: str | None = None
) -> Flask:
    """Build the application.

    :param overrides: settings that win over the environment (tests use this).
    :param instance_path: the folder for the database and the generated key. By default
        ``INSTANCE_PATH`` of the environment, else ``instance`` beside this package.
    """
    folder = instance_path or os.environ.get("INSTANCE_PATH")
    app = Flask(__name__, instance_path=str(Path(folder).resolve()) if folder else None)
    Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
    app.config.from_mapping(settings.from_environment(Path(app.instance_path)))
    app.config.from_mapping(overrides or {})

    security.init_app(app)
    db.init_app(app)
    CSRFProtect(app)
    Bootstrap5(app)
    throttles.init_app(app)
    login.init_app(app)
    audit.init_app()

    for module in (pages, auth, account, second_factor, passkeys, devices, admin, api):
        app.register_blueprint(module.bp)
    pages.init_app(app)
    times.init_app(app)
    cli.init_app(app)

    with app.app_context():
        create_tables()
    return app
