"""What everybody is compared with: a Flask application without logins, and one by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, abort, g, redirect, render_template, session
from jinja2 import DictLoader

from .wsgi import Variant, ask, environ

#: For how many reads of the user there is a template.
READS = (1, 20)
USER_ID = "1234"
NAME = "Ada"
API_KEY = "3v9qZ0yK1mX7tWb8"

CONFIG = {
    "SECRET_KEY": "fd6c1ba3b8a2e5f04c0d8a4b1f5e9270",
    # So that keys can be rotated; an older release of Flask does not look.
    "SECRET_KEY_FALLBACKS": ["9a0c3e57d1b84f26a5c8e0b7d3f91462"],
}


class Person:
    """Somebody with a name, for templates that know of no login."""

    id = USER_ID
    name = NAME


def flask_app(name: str, user: str = "person", **config: Any) -> Flask:
    """Return an application with the pages that nobody needs to log in for.

    :param user: what its templates call the user.
    """
    app = Flask(name, root_path=__file__.rpartition("/")[0])
    app.config.update(CONFIG, **config)
    app.jinja_loader = DictLoader({f"reads-{count}": reads(count, user) for count in READS})

    @app.get("/public")
    def public() -> str:
        return "ok"

    return app


def reads(count: int, name: str) -> str:
    """Return a template that reads the user's name so many times."""
    return f"<p>{{{{ {name}.name }}}}</p>\n" * count


def bare_app(work: Callable[[], object] | None = None) -> Flask:
    """Return an application whose views do nothing, or just `work`."""
    app = flask_app("bare")
    person = Person()

    def look(count: int) -> str:
        for _ in range(count):
            assert person.name
        return "ok"

    app.add_url_rule("/look/<int:count>", "look", look)

    if work is None:

        @app.get("/page")
        def page() -> str:
            return "ok"
    else:
        job = work

        @app.get("/page")
        def working_page() -> str:
            job()
            return "ok"

    for count in READS:

        def show(template: str = f"reads-{count}") -> str:
            return render_template(template, person=person)

        app.add_url_rule(f"/reads/{count}", f"reads_{count}", show)
    return app


def by_hand() -> Flask:
    """Return an application that checks the session itself, as briefly as one would."""
    app = flask_app("by_hand")
    people = {USER_ID: Person()}

    def logged_in(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            person = people.get(session.get("_user_id", ""))
            if person is None:
                return redirect("/login")
            g.person = person
            return view(*args, **kwargs)

        return guarded

    @app.get("/login")
    def login() -> str:
        session["_user_id"] = USER_ID
        return "ok"

    @app.get("/page")
    @logged_in
    def page() -> str:
        return "ok" if g.person.name else abort(500)

    @app.get("/look/<int:count>")
    @logged_in
    def look(count: int) -> str:
        for _ in range(count):
            assert g.person.name
        return "ok"

    for count in READS:

        def show(template: str = f"reads-{count}") -> str:
            return render_template(template, person=g.person)

        app.add_url_rule(f"/reads/{count}", f"reads_{count}", logged_in(show))
    return app


def logged_in(app: Any, bare: Any, *names: str) -> Variant:
    """Log in to an application and return it with the requests of somebody logged in.

    :param names: of the cookies that the login is in; by default Flask's session.
    """
    found = ask(app, environ("/login"))
    assert found.status == 200, found
    cookies = {name: found.cookies[name] for name in names or ("session",)}
    made = Variant(app, bare)
    made.requests["page"] = [environ("/page", cookies)]
    for count in READS:
        made.requests[f"template {count}"] = [environ(f"/reads/{count}", cookies)]
        made.requests[f"code {count}"] = [environ(f"/look/{count}", cookies)]
    made.facts["cookie"] = len("; ".join(f"{name}={value}" for name, value in cookies.items()))
    return made


def login_site(app: Any, bare: Any) -> Variant:
    """Return an application of Flask-Login with the requests of every case."""
    made = logged_in(app, bare)
    made.requests["public"] = [environ("/public")]
    made.requests["static"] = [environ("/static/page.css")]
    made.requests["api key"] = [environ("/page", headers={"X-Api-Key": API_KEY})]
    found = ask(app, environ("/login/remember"))
    token = {"remember_token": found.cookies["remember_token"]}
    made.requests["remember"] = [environ("/page", token)]
    made.facts["remember cookie"] = len(f"remember_token={token['remember_token']}")
    made.facts["vary of a public page"] = ask(app, environ("/public")).vary
    return made
