"""Sessions that live on a server, or in another cookie than Flask's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mongomock
import pymemcache
import pytest
import redis
from cachelib import FileSystemCache
from flask import Flask, session
from flask_paseto_extended import PasetoCookieSessionInterface, PasetoLoginManager
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from tests.integrations.conftest import Level
from tests.integrations.flow import Browser, browser_of, doctor, make_site, walk
from tests.processes import accepts, program, running
from tests.stores.servers import LOOPBACK, free_port
from tests.stores.servers_redis import Server, emptied, single

from flask_login import MemorySessionStore
from flask_login.sessions import RedisSessionStore, SQLAlchemySessionStore

#: Each of the two servers starts once.
pytestmark = pytest.mark.xdist_group("session servers")

# Flask-Session, on each of its back ends


class Kept:
    """Where Flask-Session keeps its sessions, and a store of ours at the same place."""

    def __init__(self, app: Flask, kind: str, config: dict[str, Any], store: Any = None) -> None:
        self.app, self.store = app, store
        app.config.update(SECRET_KEY="a key of thirty-two random bytes", SESSION_TYPE=kind)
        app.config.update(config)


@pytest.fixture(scope="module")
def redis_alone() -> Iterator[Server]:
    with single() as server:
        yield server


@pytest.fixture(scope="module")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, folder = free_port(), tmp_path_factory.mktemp("memcached")
    # As root it wants to be told who it is to be.
    command = [program("memcached", "memcached"), "-l", LOOPBACK, "-U", "0", "-u", "nobody"]
    with running([*command, "-p", str(port)], folder, ready=lambda _: accepts(port)):
        yield port


def on_redis(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    server: Server = request.getfixturevalue("redis_alone")
    emptied([server])
    with redis.Redis.from_url(server.url) as client:
        yield Kept(app, "redis", {"SESSION_REDIS": client}, RedisSessionStore(server.url))


def on_memcached(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    client = pymemcache.Client((LOOPBACK, request.getfixturevalue("memcached")))
    client.flush_all()
    yield Kept(app, "memcached", {"SESSION_MEMCACHED": client})
    client.close()


def on_sqlalchemy(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    folder: Path = request.getfixturevalue("tmp_path")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'site.db'}"
    db = SQLAlchemy(app)
    store = SQLAlchemySessionStore(db)
    with app.app_context():
        db.create_all()
    yield Kept(app, "sqlalchemy", {"SESSION_SQLALCHEMY": db}, store)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def on_files(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield Kept(app, "filesystem", {"SESSION_FILE_DIR": str(folder / "sessions")})
    shutil.rmtree(folder / "sessions", ignore_errors=True)


def on_cachelib(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield Kept(app, "cachelib", {"SESSION_CACHELIB": FileSystemCache(str(folder / "cache"))})


def on_mongodb(app: Flask, request: pytest.FixtureRequest) -> Iterator[Kept]:
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    # It takes pymongo's own client alone, and makes one of it otherwise.
    patch.setattr("flask_session.mongodb.mongodb.MongoClient", mongomock.MongoClient)
    yield Kept(app, "mongodb", {"SESSION_MONGODB": mongomock.MongoClient()})


#: By name, and whether a store of ours can lie beside them.
BACK_ENDS: dict[str, tuple[Callable[..., Iterator[Kept]], bool]] = {
    "redis": (on_redis, True),
    "memcached": (on_memcached, False),
    "sqlalchemy": (on_sqlalchemy, True),
    "filesystem": (on_files, False),
    "cachelib": (on_cachelib, False),
    "mongodb": (on_mongodb, False),
}
CASES = [
    (back_end, store)
    for back_end, (_, has_store) in BACK_ENDS.items()
    for store in ("alone", "beside a memory store", "beside a store at the same place")
    if has_store or not store.endswith("place")
]


@pytest.fixture(params=CASES, ids=lambda case: " ".join(case))
def sessions(request: pytest.FixtureRequest) -> Iterator[tuple[Flask, bool]]:
    """Return an application with Flask-Session, and whether it has a store."""
    back_end, how = request.param
    app = Flask("site")
    app.config["SESSION_PERMANENT"] = False
    make: Any = BACK_ENDS[back_end][0](app, request)
    kept = next(make)
    Session(app)
    store = MemorySessionStore() if how.endswith("memory store") else kept.store
    make_site(None if how == "alone" else store, app=app)
    add_cart(app)
    yield app, how != "alone"
    next(make, None)


def add_cart(app: Flask) -> None:
    @app.get("/cart")
    def cart() -> str:
        return str(session.setdefault("cart", "tea"))

    @app.get("/in-cart")
    def in_cart() -> str:
        return str(session.get("cart"))


def test_flask_session(sessions: tuple[Flask, bool]) -> None:
    app, stored = sessions
    browser = browser_of(app)
    walk(browser, stored=stored)
    assert browser.another().get("/public").header("Set-Cookie") == ""
    assert "session_id_kept" not in doctor(app)


def test_flask_session_gives_a_session_a_new_id_whenever_somebody_is_let_in(
    sessions: tuple[Flask, bool],
) -> None:
    app, _ = sessions
    attacker = browser_of(app)
    attacker.get("/cart")
    assert_a_planted_session_is_worthless(attacker, lambda victim: victim.log_in(remember="on"))

    def come_back(victim: Browser) -> None:
        assert victim.get("/guarded").text == "user ann"

    victim = browser_of(app).log_in(remember="on")
    attacker = browser_of(app)
    attacker.get("/cart")
    token = {"remember_token": victim.cookies["remember_token"]}
    assert_a_planted_session_is_worthless(attacker, come_back, **token)


def assert_a_planted_session_is_worthless(
    attacker: Browser, enter: Callable[[Browser], Any], **cookies: str
) -> None:
    planted = dict(attacker.cookies)
    victim = attacker.another({**cookies, **planted})
    enter(victim)
    assert victim.cookies["session"] != planted["session"]
    assert victim.get("/in-cart").text == "tea", "the rest of the session stays"
    assert attacker.get("/").text == "user nobody"
    before = attacker.another(victim.cookies)
    victim.post("/logout")
    del before.cookies["remember_token"]
    assert before.get("/").text == "user nobody", "and so is the one of before the logout"


@pytest.mark.parametrize("option", ["SESSION_USE_SIGNER", "SESSION_PERMANENT"])
def test_flask_session_with_other_options(level: Level, tmp_path: Path, option: str) -> None:
    app = Flask("site")
    cache = FileSystemCache(str(tmp_path))
    Kept(app, "cachelib", {"SESSION_CACHELIB": cache, "SESSION_PERMANENT": False, option: True})
    Session(app)
    make_site(level.store, app=app)
    walk(browser_of(app), stored=level.stored)


# Our own stores on the servers that are there already


def test_a_redis_store_alone(redis_alone: Server) -> None:
    emptied([redis_alone])
    walk(browser_of(make_site(RedisSessionStore(redis_alone.url))), stored=True)


def test_a_redis_py_that_lacks_what_it_imports_is_not_said_to_be_missing() -> None:
    code = (
        "import sys; sys.modules['redis.asyncio'] = None\n"
        "from flask_login.sessions import RedisSessionStore\n"
        "RedisSessionStore('redis://127.0.0.1:1')"
    )
    ran = subprocess.run(  # noqa: S603  # the code above
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    said = ran.stderr.splitlines()[-1]
    assert "found: one that can't be imported" in said
    assert "redis.asyncio" in said


# flask-paseto-extended


def test_flask_paseto_extended_s_sessions(level: Level) -> None:
    app = make_site(level.store)
    app.session_interface = PasetoCookieSessionInterface(paseto_version=4)
    browser = browser_of(app)
    walk(browser, stored=level.stored)
    assert browser.log_in().cookies["session"].startswith("v4.local.")


def test_flask_paseto_extended_s_login_manager_writes_a_remember_cookie_of_its_own() -> None:
    manager = PasetoLoginManager()
    app = make_site(manager=manager, REMEMBER_COOKIE_PASETO_KEY="a key of thirty-two random bytes")
    app.session_interface = PasetoCookieSessionInterface(paseto_version=4)
    browser = browser_of(app)
    walk(browser, stored=False)
    assert browser.log_in(remember="on").cookies["remember_token"].startswith("v4.")
