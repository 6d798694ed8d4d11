"""An application of Flask-AppBuilder: its views, its interface with tokens, and views of ours."""

# ruff: noqa: S106  # passwords of nobody; the programs are the application's own

from __future__ import annotations

from pathlib import Path

from browser import Browser, play, served


def application(folder: Path):
    """An application with views, an interface, and two people."""
    from flask import Flask, g, jsonify, request
    from flask_appbuilder import AppBuilder, BaseView, expose, has_access
    from flask_appbuilder.api import BaseApi, protect, safe
    from flask_appbuilder.api import expose as expose_api
    from flask_appbuilder.models.sqla.base import SQLA
    from flask_wtf.csrf import CSRFProtect

    from flask_login import current_user, login_required, login_user

    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a key of this application that is long enough",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/app.db",
        AUTH_ROLE_PUBLIC="Public",
        FAB_API_SWAGGER_UI=True,
        RATELIMIT_ENABLED=False,
    )
    db = SQLA(app)
    CSRFProtect(app)

    class PageView(BaseView):
        route_base = "/page"

        @expose("/of-a-role/")
        @has_access
        def of_a_role(self):
            return f"page of {g.user}"

        # The guard below: what is registered is a bound method.
        @expose("/guarded/")
        @login_required
        def guarded(self):
            return f"guarded for {current_user.username}"

        @expose("/public/")
        def public(self):
            return "public"

    class PlainApi(BaseApi):
        resource_name = "plain"
        allow_browser_login = True

        @expose_api("/protected", methods=["GET"])
        @protect()
        @safe
        def protected(self):
            return self.response(200, user=str(g.user))

    with app.app_context():
        appbuilder = AppBuilder(app, db.session)
        appbuilder.add_view_no_menu(PageView)
        appbuilder.add_api(PlainApi)

        @app.get("/bound")
        def bound():
            return jsonify(user=getattr(current_user, "username", None))

        app.add_url_rule("/method", view_func=login_required(PageView().public), endpoint="method")

        @app.post("/remember")
        def remember():
            login_user(appbuilder.sm.find_user(request.form["username"]), remember=True)
            return "remembered"

        manager = appbuilder.sm
        # The name that it sets itself, "login", is no endpoint of it.
        manager.lm.login_view = "AuthDBView.login"
        if not manager.find_user("ann"):
            role = manager.find_role("Admin")
            for name in ("ann", "bob"):
                manager.add_user(name, name, "X", f"{name}@example.org", role, "secret")
    return app


def look(person: Browser) -> None:
    """Look at public pages, guarded ones, and a static file."""
    person.get("/", "/logout/", "/login/")
    person.get("/login/")
    person.get("/users/list/")
    person.get("/users/userinfo/")
    person.get("/page/of-a-role/")
    person.get("/page/guarded/")
    person.get("/page/public/")
    person.get("/method")
    person.get("/bound", '"ann"', '"bob"')
    person.get("/api/v1/plain/protected", '"ann X"', '"bob X"')
    person.get("/api/v1/security/roles/")
    person.get("/static/appbuilder/css/ab.css")
    person.get("/does-not-exist")


def log_in(person: Browser, csrf: str, **more: str) -> None:
    """Send the login form."""
    form = {"csrf_token": csrf, "username": person.name, "password": "secret", **more}
    person.post("/login/?next=/users/list/", form)


def first(folder: Path) -> None:
    """Look as nobody, log in with two tabs, remember, log out, call with a token."""
    with served(application(folder), folder) as base:
        nobody = Browser("nobody", base)
        look(nobody)
        nobody.get("/page/guarded/", Authorization="Bearer junk")
        ann = Browser("ann", base)
        one, two = ann.get("/login/").csrf, ann.get("/login/").csrf
        ann.say("two tokens", [bool(one), bool(two)])
        log_in(ann, "wrong")
        log_in(ann, one, password="wrong")
        log_in(ann, one)
        look(ann)
        log_in(ann, two)
        look(ann)
        ann.save(folder)
        bob = Browser("bob", base)
        log_in(bob, bob.get("/login/").csrf)
        form = bob.get("/resetmypassword/form").csrf
        look(bob)
        bob.post(
            "/resetmypassword/form", {"csrf_token": form, "password": "a", "conf_password": "b"}
        )
        bob.save(folder)
        bob.get("/logout/")
        look(bob)
        log_in(bob, form)
        look(bob)
        bob.restart()
        look(bob)
        eve = Browser("eve", base)
        csrf = eve.get("/login/").csrf
        eve.post("/remember", {"csrf_token": csrf, "username": "bob"})
        eve.restart()
        eve.save(folder)
        look(eve)
        eve.get("/logout/")
        look(eve)
        api = Browser("api", base)
        given = {"username": "ann", "password": "secret", "provider": "db", "refresh": True}
        token = api.post_json("/api/v1/security/login", given).find(r'"access_token": ?"([^"]+)')
        api.get("/api/v1/plain/protected", '"ann X"', Authorization=f"Bearer {token}")
        api.get("/page/guarded/", Authorization=f"Bearer {token}")


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with served(application(folder), folder) as base:
        eve = Browser.load("eve", base, folder)
        eve.get("/bound", '"bob"')
        eve.get("/page/guarded/")
        eve.get("/logout/")
        look(eve)
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            look(person)
            person.get("/logout/")
            look(person)
            log_in(person, person.get("/login/").csrf)
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
