"""The files under docs/examples are applications that work, and the pages show them as they are."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from tests.chromium import chromium, press, serve, wait_until
from tests.deadlines import at_most
from tests.redirect_status import REDIRECT

from flask_login import FlaskLoginClient, LoginManager, current_user
from flask_login.core.signed import SignedLevel
from flask_login.testing import FrozenClock

# pytester, in test_docs.py, forgets what was first imported in a test of its own, and SQLAlchemy
# can't be imported twice.
for client in ("sqlalchemy", "flask_sqlalchemy"):
    with suppress(ImportError):
        importlib.import_module(client)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cheap_hashes")]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
CACHES = {"__pycache__", ".ruff_cache", ".pytest_cache"}

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Give a function that copies folders of examples, one over the other, and imports one."""
    known = set(sys.modules)

    def load(*folders: str, name: str = "app") -> ModuleType:
        for folder in folders:
            shutil.copytree(EXAMPLES / folder, tmp_path, dirs_exist_ok=True)
        own = {file.stem for file in tmp_path.glob("*.py")}
        for each in own - known:
            sys.modules.pop(each, None)
        return importlib.import_module(name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield load
    for each in set(sys.modules) - known:
        if getattr(sys.modules[each], "__file__", None) in {str(f) for f in tmp_path.glob("*.py")}:
            del sys.modules[each]


def token_in(page: str) -> str:
    """Return the CSRF token of a page, as the browser sends it with the form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def post(client: FlaskClient, form: str, action: str | None = None, **data: str) -> Any:
    """Open a page and send its form, to itself or to where the form says."""
    token = token_in(client.get(form).text)
    return client.post(action or form, data={"csrf_token": token, **data})


ANN = {"name": "ann", "password": "correct horse"}
BEN = {"name": "ben", "password": "battery staple"}


# The pages


def test_a_page_shows_the_files_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(ROOT / "scripts/docs_examples.py"))
    assert script["main"](["--check"]) == 0, capsys.readouterr().out


def test_a_block_between_tildes_says_which_file_it_is_from() -> None:
    script = runpy.run_path(str(ROOT / "scripts/docs_examples.py"))
    for page in DOCS.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        taken = {found["language"]: found for found in script["BLOCK"].finditer(text)}
        rest = script["BLOCK"].sub("", text)
        others = re.findall(r"^~~~(\S+)$", rest, re.MULTILINE)
        assert set(others) <= {"sh", "mermaid"}, f"{page.name}: {others}, {taken.keys()}"


def test_a_file_of_an_example_is_shown_on_a_page_or_is_a_step_between() -> None:
    script = runpy.run_path(str(ROOT / "scripts/docs_examples.py"))
    pages = [page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md")]
    shown = {found["file"] for page in pages for found in script["BLOCK"].finditer(page)}
    files = {
        file.relative_to(DOCS).as_posix()
        for file in EXAMPLES.rglob("*.*")
        if file.is_file() and file.suffix != ".toml" and not CACHES.intersection(file.parts)
    }
    assert files == shown


# The tutorial


STEPS = [f"tutorial/step-{number}" for number in range(1, 6)]


def tutorial(load: Load, step: int) -> flask.Flask:
    pytest.importorskip("flask_sqlalchemy", reason="the tutorial uses Flask-SQLAlchemy")
    pytest.importorskip("flask_wtf", reason="the tutorial uses Flask-WTF")
    app: flask.Flask = load(*STEPS[:step]).app
    app.testing = True
    # Flask tells only once where the application is.
    result = app.test_cli_runner().invoke(args=["init"])
    assert result.exit_code == 0, result.output
    return app


@pytest.fixture
def steps(load: Load) -> Iterator[Callable[[int], flask.Flask]]:
    apps = []

    def make(step: int) -> flask.Flask:
        apps.append(tutorial(load, step))
        return apps[-1]

    yield make
    for app in apps:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


Steps = Callable[[int], flask.Flask]


def test_whoever_follows_the_tutorial_sees_each_line_that_a_step_adds() -> None:
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    parts = re.split(r"^## Step \d.*$", page, flags=re.MULTILINE)[1:]
    before: dict[str, str] = {}
    for step, part in zip(STEPS, parts, strict=True):
        for file in (EXAMPLES / step).rglob("*.*"):
            name, text = file.relative_to(EXAMPLES / step).as_posix(), file.read_text()
            text = re.sub(r"^\W*\[[\w-]+\]\W*\n", "", text, flags=re.MULTILINE)
            new = set(text.splitlines()) - set(before.get(name, "").splitlines())
            assert not [line for line in new if line not in part.splitlines()], f"{step}/{name}"
            gone = set(before.get(name, "").splitlines()) - set(text.splitlines())
            # What is replaced: imports, the manager, the line that logs in.
            assert len(gone) <= 3, f"{step}/{name}: {gone}"
            before[name] = text


@pytest.mark.parametrize("step", STEPS)
def test_a_reader_who_replaces_the_imports_by_those_of_a_step_loses_no_name(step: str) -> None:
    script = runpy.run_path(str(ROOT / "scripts/docs_examples.py"))
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    file = EXAMPLES / step / "app.py"
    needed = imports_of(file.read_text(encoding="utf-8"))
    for found in script["BLOCK"].finditer(page):
        if found["file"] == f"examples/{step}/app.py" and "imports" in found["parts"].split():
            assert imports_of(found["text"]) == needed


def imports_of(code: str) -> list[str]:
    return re.findall(r"^(?:from \S+ )?import .*$", code, re.MULTILINE)


@pytest.mark.parametrize("step", range(1, 6))
def test_in_each_step_of_the_tutorial_one_logs_in_and_out(steps: Steps, step: int) -> None:
    client = steps(step).test_client()
    answer = client.get("/")
    assert answer.location == "/login?next=%2F"
    assert "No user has this name" in post(client, "/login", **{**ANN, "password": "x"}).text
    assert "No user has this name" in post(client, "/login", name="x", password="x").text
    assert post(client, answer.location, **ANN).location == "/"
    assert "Hello, ann!" in client.get("/").text
    assert post(client, "/", "/logout").location == "/login"
    assert client.get("/").location == "/login?next=%2F"


@pytest.mark.parametrize("step", range(1, 6))
def test_in_each_step_of_the_tutorial_a_post_needs_the_token_of_its_form(
    steps: Steps, step: int
) -> None:
    app = steps(step)
    client = app.test_client()
    post(client, "/login", **ANN)
    for rule in app.url_map.iter_rules():
        if rule.methods is not None and "POST" in rule.methods:
            path = rule.rule.replace("<int:user_id>", "2").replace("<login_id>", "x")
            assert client.post(path).status_code == 400, path


@pytest.mark.parametrize("step", range(2, 6))
def test_the_tutorial_s_users_are_remembered_if_they_want(steps: Steps, step: int) -> None:
    app = steps(step)
    for form, known in ({"remember": "on"}, True), ({}, False):
        client = app.test_client()
        post(client, "/login", **ANN, **form)
        client.delete_cookie("session")
        assert ("Hello, ann!" in client.get("/").text) is known


@pytest.mark.parametrize("step", range(3, 6))
def test_the_tutorial_s_page_for_administrators_is_theirs_alone(steps: Steps, step: int) -> None:
    app = steps(step)
    ann, ben, stranger = (app.test_client() for _ in range(3))
    post(ann, "/login", **ANN)
    post(ben, "/login", **BEN)
    assert stranger.get("/admin").location == "/login?next=%2Fadmin"
    assert ben.get("/admin").status_code == 403
    token = token_in(ben.get("/").text)
    assert ben.post("/admin/2", data={"csrf_token": token}).status_code == 403
    assert post(ann, "/admin", "/admin/2").location == "/admin"
    assert ben.get("/admin").status_code == 200


@pytest.mark.parametrize("step", range(3, 6))
def test_in_the_tutorial_a_remembered_browser_is_asked_for_the_password(
    steps: Steps, step: int
) -> None:
    app = steps(step)
    client = app.test_client()
    post(client, "/login", **ANN, remember="on")
    client.delete_cookie("session")
    token = token_in(client.get("/admin").text)
    referer = {"Referer": "http://localhost/admin"}
    answer = client.post("/admin/2", data={"csrf_token": token}, headers=referer)
    assert answer.location == "/confirm?next=%2Fadmin"
    assert "not your password" in post(client, answer.location, password="x").text
    assert post(client, answer.location, password=ANN["password"]).location == "/admin"
    assert post(client, "/admin", "/admin/2").location == "/admin"
    assert client.get("/admin").text.count("(admin)") == 2


@pytest.mark.parametrize(("step", "good"), [(3, True), (4, False), (5, False)])
def test_in_the_tutorial_a_copied_cookie_is_good_after_the_logout_until_there_is_a_store(
    steps: Steps, step: int, good: bool
) -> None:
    app = steps(step)
    client, thief = app.test_client(), app.test_client()
    post(client, "/login", **ANN)
    cookie = client.get_cookie("session")
    assert cookie is not None
    post(client, "/", "/logout")
    thief.set_cookie("session", cookie.value)
    assert ("Hello, ann!" in thief.get("/").text) is good


def test_the_tutorial_s_logins_go_on_when_the_store_comes(steps: Steps) -> None:
    client = steps(3).test_client()
    post(client, "/login", **ANN)
    cookie = client.get_cookie("session")
    assert cookie is not None
    client = steps(4).test_client()
    client.set_cookie("session", cookie.value)
    assert "Hello, ann!" in client.get("/").text


def test_the_tutorial_s_users_end_the_logins_of_their_own_devices_only(steps: Steps) -> None:
    app = steps(5)
    phone, laptop, ben = (app.test_client() for _ in range(3))
    phone.environ_base["HTTP_USER_AGENT"] = "the phone"
    post(phone, "/login", **ANN)
    post(laptop, "/login", **ANN)
    post(ben, "/login", **BEN)
    page = laptop.get("/devices").text
    assert page.count("(this one)") == 1
    assert "the phone, from 127.0.0.1" in page
    assert page.index("this one") < page.index("the phone")  # the newest first
    found = re.findall(r'action="(/devices/[^"]+/end)"', page)
    assert len(found) == 2
    post(ben, "/devices", found[1])
    assert "Hello, ann!" in phone.get("/").text
    post(laptop, "/devices", found[1])
    assert phone.get("/").status_code == REDIRECT
    assert "Hello, ann!" in laptop.get("/").text


def test_the_tutorial_s_button_ends_all_other_devices(steps: Steps) -> None:
    app = steps(5)
    phone, laptop = app.test_client(), app.test_client()
    for client in (phone, laptop):
        post(client, "/login", **ANN)
    post(laptop, "/devices", "/devices/end-others")
    assert phone.get("/").status_code == REDIRECT
    assert "Hello, ann!" in laptop.get("/").text


def commands_of(page: str) -> list[str]:
    blocks = re.findall(r"^~~~sh\n(.*?)^~~~$", page, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_tutorial_s_commands_do_what_it_says(tmp_path: Path, unused_tcp_port: int) -> None:
    pytest.importorskip("flask_sqlalchemy", reason="the tutorial uses Flask-SQLAlchemy")
    pytest.importorskip("flask_wtf", reason="the tutorial uses Flask-WTF")
    commands = commands_of((DOCS / "tutorial.md").read_text(encoding="utf-8"))
    clone = commands.pop(6)
    make, install, run = commands[:6], commands[4], commands[6:8]
    assert make == [
        "mkdir shop",
        "cd shop",
        "python -m venv .venv",
        ". .venv/bin/activate",
        'pip install "Flask-Login[sqlalchemy]>=0.6.90" Flask-SQLAlchemy Flask-WTF',
        "mkdir templates",
    ]
    assert clone == install.replace("Flask-Login[sqlalchemy]>=0.6.90", "../flask-login[sqlalchemy]")
    assert run == commands[8:] == ["flask init", "flask run --debug"]
    shop = tmp_path / "shop"
    for step in STEPS:
        shutil.copytree(EXAMPLES / step, shop, dirs_exist_ok=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *filter(None, sys.path)])}
    flask_ = [sys.executable, "-m", "flask"]
    subprocess.run([*flask_, "init"], cwd=shop, env=env, check=True)  # noqa: S603  # the tutorial
    with sqlite3.connect(shop / "instance/shop.db") as database:
        names = database.execute("select name from user").fetchall()
    database.close()
    assert names == [("ann",), ("ben",)]
    # The reloader would be a process of its own.
    command = [*flask_, "run", "--debug", "--no-reload", "--port", str(unused_tcp_port)]
    with subprocess.Popen(command, cwd=shop, env=env, stderr=subprocess.DEVNULL) as server:  # noqa: S603  # the same
        try:
            assert "<h1>Log in</h1>" in answer_of(f"http://127.0.0.1:{unused_tcp_port}/")
        finally:
            server.terminate()


def answer_of(url: str) -> str:
    deadline = time.monotonic() + at_most(20)
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
                return str(answer.read().decode())
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def unused_tcp_port() -> int:
    return int(runpy.run_path(str(ROOT / "scripts/free_port.py"))["free_port"](0))


# Flask-SQLAlchemy


@pytest.fixture
def notes_app(load: Load) -> Iterator[flask.Flask]:
    pytest.importorskip("flask_sqlalchemy", reason="the page is about Flask-SQLAlchemy")
    app: flask.Flask = load("flask-sqlalchemy").app
    app.testing = True
    db = app.extensions["sqlalchemy"]
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_model_registers_logs_in_and_owns_its_notes(notes_app: flask.Flask) -> None:
    ann, again = notes_app.test_client(), notes_app.test_client()
    form = {"name": "ann", "password": "correct horse"}
    assert ann.post("/register", data=form).status_code == 201
    assert ann.post("/notes", data={"text": "milk"}).status_code == 201
    assert again.get("/notes").status_code == 401
    assert again.post("/login", data={**form, "password": "x"}).status_code == 403
    assert again.post("/login", data=form).status_code == 200
    assert again.get("/notes").json == ["milk"]


def test_a_model_that_is_banned_is_out_at_its_next_request(notes_app: flask.Flask) -> None:
    ann, admin = notes_app.test_client(), notes_app.test_client()
    form = {"name": "ann", "password": "correct horse"}
    ann.post("/register", data=form)
    admin.post("/register", data={"name": "admin", "password": "x"})
    assert ann.post("/users/admin/ban").status_code == 403
    assert admin.post("/users/ann/ban").status_code == 200
    assert ann.get("/notes").status_code == 401
    assert ann.post("/login", data=form).status_code == 403
    assert admin.get("/notes").status_code == 200


def test_an_id_that_is_no_uuid_is_nobody(notes_app: flask.Flask) -> None:
    client = notes_app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "7"
    assert client.get("/notes").status_code == 401


# A single-page app


def spa(load: Load) -> flask.Flask:
    pytest.importorskip("flask_wtf", reason="the page uses Flask-WTF")
    app: flask.Flask = load("spa").app
    app.testing = True
    return app


@pytest.mark.parametrize("rotates", [False, True])
def test_the_single_page_app_logs_in_with_a_token_and_is_told_why_it_is_refused(
    load: Load, rotates: bool
) -> None:
    app = spa(load)
    app.config["LOGIN_ROTATE_CSRF_TOKEN"] = rotates
    client: Any = app.test_client()
    assert client.get("/api/orders", headers={"Sec-Fetch-Mode": "cors"}).json == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Log in to access this resource.",
        "reason": "login_required",
    }
    assert client.post("/api/session", json=ANN).json == {
        "reason": "csrf",
        "detail": "The CSRF token is missing.",
    }
    headers = {"X-CSRFToken": client.get("/api/session").json["csrf_token"]}
    wrong = client.post("/api/session", json={**ANN, "password": "x"}, headers=headers)
    assert wrong.status_code == 403
    answer = client.post("/api/session", json=ANN, headers=headers)
    assert answer.json["user"] == "ann"
    assert client.get("/api/orders").json == ["tea"]
    older = client.post("/api/orders", json={"text": "w"}, headers=headers)
    assert older.status_code == (400 if rotates else 201)
    headers = {"X-CSRFToken": answer.json["csrf_token"]}
    orders = client.post("/api/orders", json={"text": "x"}, headers=headers).json
    assert orders == (["tea", "x"] if rotates else ["tea", "w", "x"])
    assert client.delete("/api/session", headers=headers).json["user"] is None
    assert client.get("/api/orders").status_code == 401


def test_the_single_page_app_over_https_from_another_origin_needs_the_setting_the_page_names(
    load: Load,
) -> None:
    app = spa(load)
    client: Any = app.test_client()
    there = {"base_url": "https://api.shop.example"}
    origin = {"Origin": "https://shop.example", "Referer": "https://shop.example/"}
    token = client.get("/api/session", **there).json["csrf_token"]
    headers = {**origin, "X-CSRFToken": token}
    assert client.post("/api/session", json=ANN, headers=headers, **there).status_code == 400
    app.config["WTF_CSRF_SSL_STRICT"] = False
    answer = client.post("/api/session", json=ANN, headers=headers, **there)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    foreign = client.get("/api/session", headers={"Origin": "https://evil.example"}, **there)
    assert "Access-Control-Allow-Origin" not in foreign.headers


@pytest.mark.browser
@pytest.mark.parametrize("other_origin", [False, True])
def test_the_single_page_app_works_in_a_browser(
    load: Load, tmp_path: Path, other_origin: bool
) -> None:
    module = load("spa")
    pages = flask.Flask("pages", static_folder=str(tmp_path / "static"))

    @pages.get("/")
    def index() -> flask.Response:
        return pages.send_static_file("index.html")

    with (
        serve(module.app, "localhost") as api,
        serve(pages, "localhost") as site,
        chromium(tmp_path / "profile") as browser,
    ):
        if other_origin:
            module.OUR_ORIGINS.add(site)
            script = tmp_path / "static/api.js"
            script.write_text(script.read_text().replace("fetch(path", f"fetch('{api}' + path"))
        browser.get(site if other_origin else api)

        def shown(text: str, where: str = "user") -> None:
            wait_until(browser, lambda b: b.find_element("id", where).text == text)

        shown("nobody")
        press(browser, "id", "order")
        shown("log in: login_required")
        browser.find_element("name", "name").send_keys("ann")
        browser.find_element("name", "password").send_keys("correct horse")
        press(browser, "css selector", "form button")
        shown("ann")
        press(browser, "id", "order")
        shown("tea,coffee", "orders")
        assert browser.execute_script("return document.cookie") == ""
        press(browser, "id", "logout")
        shown("nobody")
        press(browser, "id", "order")
        shown("log in: login_required")


# Flask-Principal


def test_with_flask_principal_the_rights_are_those_of_the_current_user(load: Load) -> None:
    pytest.importorskip("flask_principal", reason="the page is about Flask-Principal")
    client = load("principal").app.test_client()
    assert client.get("/admin").status_code == 401
    client.post("/login/ben")
    assert client.get("/admin").status_code == 403
    client.post("/login/ann")
    assert client.get("/admin").text == "for administrators"
    client.post("/logout")
    assert client.get("/admin").status_code == 401


# Celery


def test_a_job_gets_the_id_of_the_user_who_asked_for_it(
    load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("celery", reason="the page is about Celery")
    module = load("celery")
    module.celery.conf.task_always_eager = True
    module.app.test_client_class = FlaskLoginClient
    assert module.app.test_client().post("/report").status_code == 401
    client = module.app.test_client(user=module.users["ann"])
    assert client.post("/report").status_code == 202
    assert capsys.readouterr().out == "report for ann\n"
    module.users.clear()
    module.send_report.delay("ann")
    assert capsys.readouterr().out == ""


# Flask-SocketIO


def sockets(load: Load) -> tuple[ModuleType, Callable[..., Any]]:
    pytest.importorskip("flask_socketio", reason="the page is about Flask-SocketIO")
    module = load("socketio")
    module.app.testing = True

    def connect(client: FlaskClient) -> Any:
        return module.socketio.test_client(module.app, flask_test_client=client)

    return module, connect


def test_a_socket_of_nobody_is_refused_and_one_of_a_user_knows_them(load: Load) -> None:
    module, connect = sockets(load)
    client = module.app.test_client()
    assert not connect(client).is_connected()
    client.post("/login/ann")
    socket = connect(client)
    assert socket.is_connected()
    socket.emit("say", "hello")
    assert socket.get_received()[0]["args"] == ["ann: hello"]


def test_a_socket_is_told_when_its_login_ends_and_may_say_nothing_more(load: Load) -> None:
    module, connect = sockets(load)
    ann, again = module.app.test_client(), module.app.test_client()
    for client in (ann, again):
        client.post("/login/ann")
    socket, other = connect(ann), connect(again)
    ann.post("/logout")
    assert [event["name"] for event in socket.get_received()] == ["logged_out"]
    socket.emit("say", "am I still here?")
    assert not socket.is_connected()
    assert other.is_connected()
    assert other.get_received() == []


def test_a_socket_without_a_store_does_not_see_the_logout(load: Load) -> None:
    module, connect = sockets(load)
    realm = module.login_manager._realm
    realm.level, realm.logins = SignedLevel(realm), None  # as without a session store
    client = module.app.test_client()
    client.post("/login/ann")
    socket = connect(client)
    client.post("/logout")
    socket.emit("say", "hello")
    assert socket.get_received()[0]["args"] == ["ann: hello"]


def test_an_event_of_a_socket_counts_as_activity(load: Load) -> None:
    module, connect = sockets(load)
    clock = FrozenClock()
    module.login_manager._realm.clock = module.login_manager._logins.clock = clock
    module.app.config["LOGIN_IDLE_TIMEOUT"] = timedelta(minutes=10)
    client = module.app.test_client()
    client.post("/login/ann")
    socket = connect(client)
    for _ in range(3):
        clock.advance(timedelta(minutes=9))
        socket.emit("say", "still here")
    assert len(socket.get_received()) == 3
    clock.advance(timedelta(minutes=11))
    socket.emit("say", "hello")
    assert not socket.is_connected()


# OpenID Connect


@cache
def signing_key(owner: str = "provider") -> Any:
    """Return a key, the same one each time: making it takes longer than a test."""
    jwk = pytest.importorskip("joserfc.jwk", reason="the page uses Authlib")
    return jwk.RSAKey.generate_key(2048, parameters={"kid": "1"}, private=True)


class Provider:
    """An identity provider that asks nothing: it says what the test tells it to say."""

    def __init__(self) -> None:
        self.key = signing_key()
        self.url = ""
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.app = app = flask.Flask("provider")

        @app.get("/.well-known/openid-configuration")
        def metadata() -> dict[str, Any]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "end_session_endpoint": f"{self.url}/end",
                "id_token_signing_alg_values_supported": ["RS256"],
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token")
        def token() -> dict[str, Any]:
            assert flask.request.form["code_verifier"]
            claims = {"nonce": self.asked["nonce"], **self.claims}
            claims = {name: value for name, value in claims.items() if value is not None}
            return {"access_token": "x", "token_type": "Bearer", "id_token": self.sign(claims)}

    def sign(self, claims: dict[str, Any], key: Any = None) -> str:
        jwt = pytest.importorskip("joserfc.jwt", reason="the page uses Authlib")
        now = int(time.time())
        known = {"iss": self.url, "aud": "shop", "iat": now, "exp": now + 120}
        header = {"alg": "RS256", "kid": "1"}
        signed: str = jwt.encode(header, {**known, **claims}, key or self.key)
        return signed

    def visit(self, browser: FlaskClient, path: str, **claims: Any) -> Any:
        """Send the browser to the provider and back, as a redirect does."""
        there = urllib.parse.urlsplit(browser.get(path).location)
        assert there.path == "/authorize"
        self.asked = dict(urllib.parse.parse_qsl(there.query))
        self.claims = {"sub": "ann", "sid": "s1", "auth_time": int(time.time()), **claims}
        back = urllib.parse.urlsplit(self.asked["redirect_uri"]).path
        return browser.get(back, query_string={"code": "c", "state": self.asked["state"]})


@pytest.fixture
def provider(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Provider, ModuleType]]:
    pytest.importorskip("authlib", reason="the page uses Authlib")
    pytest.importorskip("sqlalchemy", reason="the page uses SQLAlchemy")
    provider = Provider()
    monkeypatch.chdir(tmp_path)
    with serve(provider.app) as provider.url:
        monkeypatch.setenv("PROVIDER", provider.url)
        monkeypatch.setenv("PROVIDER_SECRET", "secret")
        module = load("openid-connect")
        module.app.testing = True
        yield provider, module
        module.store._get_engine().dispose()


Connect = tuple[Provider, ModuleType]


def test_who_comes_back_from_the_provider_is_logged_in_where_they_wanted_to_go(
    provider: Connect,
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    assert browser.get("/orders").location == "/login"
    assert idp.visit(browser, "/login", amr=["pwd", "otp"]).location == "/orders"
    assert browser.get("/").text == "Hello, ann!"
    record = module.store.list("ann")[0]
    assert (record.external_id, record.methods) == ("s1", {"pwd", "otp"})


def test_who_comes_back_with_another_state_is_not_logged_in(provider: Connect) -> None:
    module = provider[1]
    browser = module.app.test_client()
    browser.get("/login")
    assert browser.get("/callback?code=c&state=forged").status_code == 403
    assert browser.get("/").location == "/login"


def test_a_login_that_the_provider_did_not_ask_for_is_not_fresh_until_it_does(
    provider: Connect,
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login", auth_time=int(time.time()) - 3600)
    assert browser.get("/address").location == "/confirm"
    answer = idp.visit(browser, "/confirm")
    assert (idp.asked["prompt"], idp.asked["max_age"]) == ("login", "0")
    assert answer.location == "/address"
    assert browser.get("/address").text == "a new address"


@pytest.mark.parametrize("claims", [{"sub": "ben"}, {"auth_time": int(time.time()) - 3600}])
def test_a_confirmation_by_somebody_else_or_of_an_hour_ago_confirms_nothing(
    provider: Connect, claims: dict[str, Any]
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login", auth_time=0)
    assert idp.visit(browser, "/confirm", **claims).status_code == 403
    assert browser.get("/address").status_code == REDIRECT


def test_a_provider_that_does_not_say_when_it_asked_makes_no_login_fresh_and_confirms_nothing(
    provider: Connect,
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login", auth_time=None)
    assert idp.asked["max_age"] == "86400"  # with it a provider has to say so
    assert browser.get("/address").location == "/confirm"
    assert idp.visit(browser, "/confirm", auth_time=None).status_code == 403


@pytest.mark.parametrize("way", ["/login", "/confirm"])
@pytest.mark.parametrize("answer", ["cancelled", "of another question", "for another client"])
def test_an_answer_of_the_provider_that_proves_nothing_is_403_and_changes_no_login(
    provider: Connect, way: str, answer: str
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login", auth_time=int(time.time()) - 3600)
    if answer == "cancelled":
        back = {"/login": "/callback", "/confirm": "/confirmed"}[way]
        denied = {"error": "access_denied", "error_description": "<b>cancelled</b>"}
        refused = browser.get(back, query_string=denied)
        assert "&lt;b&gt;cancelled" in refused.text
    else:
        claims = {"of another question": {"nonce": "n"}, "for another client": {"aud": "x"}}
        refused = idp.visit(browser, way, **claims[answer])
    assert refused.status_code == 403
    assert browser.get("/").text == "Hello, ann!"
    assert browser.get("/address").location == "/confirm"


def test_a_logout_goes_on_to_the_provider_and_names_the_way_back(provider: Connect) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login")
    there = urllib.parse.urlsplit(browser.post("/logout").location)
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{idp.url}/end"
    back = {"client_id": "shop", "post_logout_redirect_uri": "http://localhost/logged-out"}
    assert dict(urllib.parse.parse_qsl(there.query)) == back
    assert browser.get("/logged-out").status_code == 200
    assert browser.get("/").location == "/login"


EVENT: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}


@pytest.mark.parametrize(("told", "left"), [({"sid": "s1"}, ["s2"]), ({"sub": "ann"}, [])])
def test_the_provider_ends_one_login_or_all_of_a_user(
    provider: Connect, told: dict[str, str], left: list[str]
) -> None:
    idp, module = provider
    for sid in ("s1", "s2"):
        idp.visit(module.app.test_client(), "/login", sid=sid)
    token = idp.sign({"events": EVENT, **told})
    answer = module.app.test_client().post("/back-channel-logout", data={"logout_token": token})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    with module.app.app_context():
        logins = module.login_manager.sessions.list("ann")
    assert [login.external_id for login in logins] == left


@pytest.mark.parametrize(
    "claims",
    [
        {},  # an id token is no logout token
        {"events": EVENT, "nonce": "n"},
        {"events": EVENT, "aud": "another"},
        {"events": EVENT, "iss": "https://evil.example"},
        {"events": EVENT, "exp": 1},
        {"events": EVENT, "exp": None},
        {"events": EVENT, "sid": None},
        "another key",
        "no token",
    ],
    ids=str,
)
def test_a_logout_that_the_provider_did_not_sign_for_this_is_refused(
    provider: Connect, claims: Any
) -> None:
    idp, module = provider
    browser = module.app.test_client()
    idp.visit(browser, "/login")
    if claims == "no token":
        token = "no token"
    elif claims == "another key":
        token = idp.sign({"events": EVENT, "sid": "s1"}, key=signing_key("thief"))
    else:
        given = {"sid": "s1", **claims}
        token = idp.sign({name: value for name, value in given.items() if value is not None})
        if "exp" in claims and claims["exp"] is None:
            token = idp.sign({**given, "exp": "never"})
    answer = browser.post("/back-channel-logout", data={"logout_token": token})
    assert answer.status_code == 400
    assert browser.get("/").status_code == 200


# Flask-Dance


@pytest.fixture
def dance(load: Load, monkeypatch: pytest.MonkeyPatch) -> Iterator[flask.Flask]:
    """Give the page's application, and a GitHub that knows one user and asks nothing."""
    pytest.importorskip("flask_dance", reason="the page uses Flask-Dance")
    hub = flask.Flask("github")
    hub.add_url_rule("/token", "token", lambda: {"access_token": "x"}, methods=["POST"])
    hub.add_url_rule("/user", "user", lambda: {"id": 7, "login": "ann"})
    monkeypatch.setenv("GITHUB_ID", "shop")
    monkeypatch.setenv("GITHUB_SECRET", "secret")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    module = load("flask-dance")
    with serve(hub) as url:
        module.github.token_url = f"{url}/token"
        module.github.base_url = url
        module.app.testing = True
        yield module.app


def test_flask_dance_leads_back_to_the_page_that_was_wanted(dance: flask.Flask) -> None:
    browser = dance.test_client()
    assert browser.get("/orders").location == "/github"
    there = urllib.parse.urlsplit(browser.get("/github").location)
    assert there.netloc == "github.com"
    state = dict(urllib.parse.parse_qsl(there.query))["state"]
    back = browser.get("/github/authorized", query_string={"code": "c", "state": state})
    assert back.location == "/after-login"
    assert browser.get("/after-login").location == "/orders"
    assert browser.get("/").text == "user 7"
    # It was kept for once, and what the URL says is looked at like everywhere.
    assert browser.get("/after-login?next=https://evil.example/").location == "/"


def test_who_cancels_on_the_way_of_flask_dance_is_told_so(dance: flask.Flask) -> None:
    browser = dance.test_client()
    browser.get("/orders")
    back = browser.get("/github/authorized?error=access_denied")
    assert (back.location, browser.get("/after-login").status_code) == ("/after-login", 403)


# Sentry


#: Runs the page's application, where Sentry's changes to Flask end with the process.
SENTRY = """
import functools, json, sys
import sentry_sdk
from sentry_sdk.transport import Transport

events = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event is not None:
            events.append(event.get("user"))

options = json.loads(sys.argv[1])
sentry_sdk.init = functools.partial(sentry_sdk.init, transport=Kept, **options)

from app import User, app, login_manager
from flask import g
from flask_login import FlaskLoginClient, LoginManager, current_user

if "tenants" in sys.argv:
    app.before_request(lambda: setattr(g, "tenant", "shop"))
    login_manager.user_loader(lambda user_id: User(user_id) if "tenant" in g else None)
app.test_client_class = FlaskLoginClient
client = app.test_client(user=User("ann"))
answers = []
for path in ("/orders", "/imprint", "/static/a.css"):
    answer = client.get(path)
    answers.append([answer.status_code, answer.headers.get("Vary")])
print(json.dumps({"events": events, "answers": answers}))
"""


def with_sentry(tmp_path: Path, *arguments: str, **options: Any) -> dict[str, Any]:
    pytest.importorskip("sentry_sdk", reason="the page is about Sentry")
    shutil.copytree(EXAMPLES / "sentry", tmp_path, dirs_exist_ok=True)
    (tmp_path / "static").mkdir(exist_ok=True)
    (tmp_path / "static/a.css").write_text("")
    env = {**os.environ, "SENTRY_DSN": "http://key@127.0.0.1:1/1"}
    command = [sys.executable, "-c", SENTRY, json.dumps(options), *arguments]
    ran = subprocess.run(  # noqa: S603  # the page's application
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def test_sentry_is_told_who_it_was_by_the_pages_that_ask_and_by_no_other(tmp_path: Path) -> None:
    said = with_sentry(tmp_path)
    assert said["events"] == [{"id": "ann"}, None]
    assert said["answers"] == [[500, "Cookie"], [500, None], [200, None]]


def test_sentry_that_may_send_personal_data_asks_on_every_page_as_the_page_warns(
    tmp_path: Path,
) -> None:
    said = with_sentry(tmp_path, send_default_pii=True)
    assert [user["id"] for user in said["events"]] == ["ann", "ann"]
    assert said["answers"] == [[500, "Cookie"], [500, "Cookie"], [200, "Cookie"]]


def test_sentry_that_may_send_personal_data_asks_too_early_for_a_loader_that_waits_for_a_tenant(
    tmp_path: Path,
) -> None:
    assert with_sentry(tmp_path, "tenants")["answers"][0][0] == 500
    said = with_sentry(tmp_path / "2", "tenants", send_default_pii=True)
    assert said["answers"][0][0] == 401


# MongoDB


def test_an_id_of_another_database_is_nobody_for_a_loader_that_asks_mongodb() -> None:
    mongoengine = pytest.importorskip("mongoengine", reason="the page is about MongoDB")
    from bson import ObjectId

    class Person(mongoengine.Document):  # type: ignore[misc, name-defined]  # it has no types
        meta = {"auto_create_index": False}  # noqa: RUF012  # as mongoengine wants it

    mongoengine.connect(
        "shop",
        host="mongodb://127.0.0.1:1",  # nobody: no query gets so far
        serverSelectionTimeoutMS=1,
        uuidRepresentation="standard",
    )
    loaders: list[Callable[[str], Any]] = [
        ObjectId,
        lambda user_id: Person.objects(id=user_id).first(),
        lambda user_id: Person.objects.get(id=user_id),
    ]
    try:
        for loader in loaders:
            app = flask.Flask("shop")
            app.config.update(SECRET_KEY="a key", TESTING=True)
            LoginManager[Any](app).user_loader(loader)
            app.add_url_rule("/", view_func=lambda: str(current_user.get_id()))
            client = app.test_client()
            with client.session_transaction() as session:
                session["_user_id"] = "7"
            assert client.get("/").text == "None"
    finally:
        mongoengine.disconnect()


# Flask-Security


def test_who_was_logged_in_by_flask_security_still_is_and_so_is_the_password(load: Load) -> None:
    pytest.importorskip("argon2", reason="Flask-Security's passwords are hashed by argon2")
    module = load("from-flask-security")
    module.app.testing = True
    client = module.app.test_client()
    with client.session_transaction() as session:
        # What Flask-Security 5.9 writes.
        session.update(
            _user_id="ae39e4d4705c4d46815ac8826e0f81dd",
            _fresh=True,
            _id="zEAEx8l4",
            fs_cc="set",
            fs_paa=1795254650.076814,
        )
    assert client.get("/").text == "ann@example.com"
    form = {"email": "ann@example.com", "password": "correct horse"}
    assert module.app.test_client().post("/login", data=form).status_code == 200
    form["password"] = "correct horsf"
    assert module.app.test_client().post("/login", data=form).status_code == 403


# Flask-Session


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_login_moves_from_flask_session_to_a_store_as_the_page_says(
    load: Load, tmp_path: Path
) -> None:
    pytest.importorskip("flask_session", reason="the page is about Flask-Session")
    pytest.importorskip("cachelib", reason="the page uses cachelib")
    module, cache = load("from-flask-session"), str(tmp_path / "cache")
    store = module.MemorySessionStore()

    def moved(client: FlaskClient, app: flask.Flask, *names: str) -> FlaskClient:
        app.testing = True
        new = app.test_client()
        for name in names or ("session", "remember_token"):
            cookie = client.get_cookie(name)
            assert cookie is not None
            new.set_cookie(name, cookie.value)
        return new

    client = module.create_app(cache, None).test_client()
    client.post("/login")
    both = moved(client, module.create_app(cache, store))
    assert both.get("/").json == {"user": "ann", "cart": ["tea"]}
    assert len(store.list("ann")) == 1
    after = moved(both, module.create_app(cache, store, flask_session=False))
    assert after.get("/").json == {"user": "ann", "cart": []}
    gone = moved(both, module.create_app(cache, store, flask_session=False), "session")
    assert gone.get("/").json == {"user": None, "cart": []}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("with_store", "user"), [(False, "ann"), (True, None)])
def test_with_flask_session_alone_a_remember_cookie_outlives_the_logout(
    load: Load, tmp_path: Path, with_store: bool, user: str | None
) -> None:
    pytest.importorskip("flask_session", reason="the page is about Flask-Session")
    pytest.importorskip("cachelib", reason="the page uses cachelib")
    module = load("from-flask-session")
    store = module.MemorySessionStore() if with_store else None
    app = module.create_app(str(tmp_path / "cache"), store)
    app.testing = True
    client, copy = app.test_client(), app.test_client()
    client.post("/login")
    cookie = client.get_cookie("remember_token")
    assert cookie is not None
    client.post("/logout")
    copy.set_cookie("remember_token", cookie.value)
    assert copy.get("/").json == {"user": user, "cart": []}
