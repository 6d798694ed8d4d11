"""The load of `test_faults`: gunicorn, and browsers that each know what answer is right."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from tests.current_keys import sign, unsign
from tests.deadlines import at_most
from tests.stores.fault_app import SECRET_KEY

from flask_login.sessions.records import new_secret

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
WORKERS = 3
#: How long a browser waits before its next request, in seconds.
PAUSE = 0.06
#: What the tests wait for comes sooner, also on a busy machine.
PATIENCE = 30.0

SESSION, REMEMBER = "session", "remember_token"
BOTH = {SESSION, REMEMBER}
_SALT = "flask-login.stored-remember-token.default"


def eventually(what: str, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Ask again and again until it is so; fail when it takes too long."""
    patience = at_most(patience)
    deadline = monotonic() + patience
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, f"waited {patience:.0f} s in vain until {what}"
        pause.wait(0.02)


# ------------------------------------------------------------------- the server


class Gunicorn:
    """Several worker processes that serve `fault_app` on a port of this machine."""

    def __init__(self, log: Path, kind: str, url: str, speed: float) -> None:
        self._path = log
        # Bound here, so that nobody else takes the port in between.
        self._listener = socket.create_server((LOOPBACK, 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        handle = self._listener.fileno()
        command = [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", f"--bind=fd://{handle}"),
            # A thread for each browser: one that waits for the store keeps no other out.
            *(f"--workers={WORKERS}", "--worker-class=gthread", "--threads=40"),
            "tests.stores.fault_app:create()",
        ]
        facts = {"STORE": kind, "URL": url, "EPOCH": str(time()), "SPEED": str(speed)}
        environment = {**os.environ, **{f"FAULT_{name}": fact for name, fact in facts.items()}}
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  # this Python
                command,
                cwd=ROOT,
                env=environment,
                pass_fds=[handle],
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._path.read_text(errors="replace")[-6000:]

    @property
    def workers_begun(self) -> int:
        """How many workers were started, also in place of others that had died."""
        return self._path.read_text(errors="replace").count("Booting worker")

    def wait(self) -> None:
        """Return when every worker has answered."""
        seen: set[str] = set()
        browser = Browser(over_http(self.port))

        def all_seen() -> bool:
            assert self._process.poll() is None, self.log
            seen.add(browser.get("/public").body)
            return len(seen) == WORKERS

        eventually("every worker has answered", all_seen)

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        try:
            self._process.wait(at_most(10))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._listener.close()


# ------------------------------------------------------------------- a browser


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    body: str
    retry_after: str | None = None
    cookies: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """A response, as somebody got it who had waited for it. Times are of `time.monotonic`."""

    path: str
    reply: Reply
    began: float
    ended: float

    def __str__(self) -> str:
        reply = self.reply
        return f"{self.path}: {reply.status}, {reply.body[:80]!r}, {list(reply.cookies)}"

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def body(self) -> str:
        return self.reply.body

    @property
    def took(self) -> float:
        return self.ended - self.began

    @property
    def is_outage(self) -> bool:
        """Whether it says "not now", and leaves every cookie as it is."""
        reply = self.reply
        return reply.status == 503 and bool(reply.retry_after) and not reply.cookies

    def tells(self, body: str) -> bool:
        """Whether it is a good answer with that text."""
        return self.status == 200 and self.body == body


#: Sends a path and headers to an application.
Link = Callable[[str, dict[str, str]], Reply]


def over_http(port: int) -> Link:
    """Return a link to a server of this machine; each request has a connection of its own."""

    def send(path: str, headers: dict[str, str]) -> Reply:
        try:
            with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=20)) as connection:
                connection.request("GET", path, headers={**headers, "Connection": "close"})
                with connection.getresponse() as response:
                    cookies = response.headers.get_all("Set-Cookie", [])
                    retry_after = response.headers["Retry-After"]
                    return Reply(response.status, response.read().decode(), retry_after, cookies)
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, repr(error))

    return send


def in_process(app: Flask) -> Link:
    """Return a link to an application that no server serves."""

    def send(path: str, headers: dict[str, str]) -> Reply:
        response = app.test_client(use_cookies=False).get(path, headers=headers)
        cookies = response.headers.getlist("Set-Cookie")
        return Reply(
            response.status_code, response.text, response.headers.get("Retry-After"), cookies
        )

    return send


class Browser:
    """A cookie jar at one end of a link."""

    def __init__(self, link: Link, cookies: dict[str, str] | None = None) -> None:
        self._link = link
        self.cookies = dict(cookies or {})

    def get(self, path: str) -> Answer:
        headers = {"User-Agent": "Browser/1"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        began = monotonic()
        reply = self._link(path, headers)
        answer = Answer(path, reply, began, monotonic())
        for cookie in reply.cookies:
            name, _, text = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = text
        return answer


# ----------------------------------------------------------------- the visitors


class Visitor:
    """Somebody who asks again and again, and notes every answer that is not right."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.browser = Browser(over_http(port))
        self.answers: list[Answer] = []
        self.wrong: list[str] = []
        #: How many good answers there were in a row.
        self.streak = 0
        #: When the last request was made that was refused.
        self.refused_at = 0.0

    def act(self) -> None:
        """Do the next thing."""
        raise NotImplementedError

    def get(self, path: str) -> Answer:
        answer = self.browser.get(path)
        self.answers.append(answer)
        return answer

    def check(self, answer: Answer, right: bool) -> None:
        if not right:
            self.wrong.append(f"{self.name}, at {answer.began:.3f}: {answer}")

    def count(self, answer: Answer, good: bool) -> None:
        if good:
            self.streak += 1
        else:
            self.streak, self.refused_at = 0, answer.began

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(PAUSE):
            self.act()


class User(Visitor):
    """Logged in and remembered. Now and then the browser is closed: its session is forgotten."""

    asks: Sequence[str] = (
        *("/me", "/whoami", "/me", "/public", "/me", "/confirm", "/me", "close"),
    )

    def __init__(self, port: int, name: str) -> None:
        super().__init__(port, name)
        self._asks = cycle(self.asks)

    def log_in(self) -> None:
        answer = self.get(f"/login/{self.name}")
        self.check(answer, answer.tells(self.name) and set(self.browser.cookies) == BOTH)

    def act(self) -> None:
        path = next(self._asks)
        if path == "close":
            self.browser.cookies.pop(SESSION, None)
            path = "/me"
        answer = self.get(path)
        if path == "/public":
            self.check(answer, answer.status == 200 and not answer.reply.cookies)
            return
        good = answer.tells(self.name)
        self.check(answer, good or answer.is_outage)
        self.count(answer, good)


class Reader(User):
    """A user who changes nothing in the store that could be missed."""

    asks = ("/me", "/whoami", "/me", "/public", "/me", "close")


class Commuter(Visitor):
    """Logs in, looks, logs out, and puts the cookies back to see whether they still work."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(port, name)
        self._steps = self._days()

    def act(self) -> None:
        next(self._steps)

    def _days(self) -> Iterator[None]:
        while True:
            yield from self._come()
            for _ in range(3):
                answer = self.get("/me")
                self.check(answer, answer.tells(self.name) or answer.is_outage)
                yield
            kept = dict(self.browser.cookies)
            yield from self._leave(kept)
            for cookies in (kept, {SESSION: kept[SESSION]}, {REMEMBER: kept[REMEMBER]}):
                self.browser.cookies = dict(cookies)
                answer = self.get("/me")
                self.check(answer, answer.status == 401 or answer.is_outage)
                yield
            self.browser.cookies = {}

    def _come(self) -> Iterator[None]:
        """Log in; for as long as that fails it must not be half done."""
        while not (answer := self.get(f"/login/{self.name}")).tells(self.name):
            self.check(answer, answer.is_outage and not self.browser.cookies)
            yield
            answer = self.get("/whoami")
            self.check(answer, answer.tells("nobody"))
            yield
        self.check(answer, set(self.browser.cookies) == BOTH)
        yield

    def _leave(self, kept: dict[str, str]) -> Iterator[None]:
        """Log out; for as long as that fails the browser keeps what it has."""
        while not (answer := self.get("/logout")).tells("nobody"):
            self.check(answer, answer.is_outage and self.browser.cookies == kept)
            yield
        self.check(answer, REMEMBER not in self.browser.cookies)
        yield
        answer = self.get("/whoami")
        self.check(answer, answer.tells("nobody"))
        yield


class Newcomer(Visitor):
    """Logs in with an empty browser, again and again."""

    def act(self) -> None:
        self.browser.cookies = {}
        answer = self.get(f"/login/{self.name}")
        self.count(answer, answer.tells(self.name))
        if answer.tells(self.name):
            self.check(answer, set(self.browser.cookies) == BOTH)
            answer = self.get("/me")
            self.check(answer, answer.tells(self.name) or answer.is_outage)
        else:
            self.check(answer, answer.is_outage and not self.browser.cookies)
            answer = self.get("/me")
            self.check(answer, answer.status == 401)


class Anonymous(Visitor):
    """Has no login, and must not notice what becomes of the store."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(port, name)
        self._asks = cycle(["/public", "/whoami"])

    def act(self) -> None:
        answer = self.get(next(self._asks))
        right = answer.status == 200 and (answer.body == "nobody" or answer.path == "/public")
        self.check(answer, right and not answer.reply.cookies)


class Thief(Visitor):
    """Shows the same bad cookies for ever."""

    def __init__(self, port: int, name: str, cookies: dict[str, str], *, asked: bool) -> None:
        super().__init__(port, name)
        self._cookies = cookies
        #: Whether the store has to be asked what they are worth.
        self._asked = asked
        self._asks = cycle(["/me", "/whoami"])

    def act(self) -> None:
        self.browser.cookies = dict(self._cookies)
        answer = self.get(next(self._asks))
        refused = answer.status == 401 if answer.path == "/me" else answer.tells("nobody")
        self.check(answer, refused or (self._asked and answer.is_outage))


class Forger:
    """Reads and makes cookies, with the application's key or another one."""

    def __init__(self, secret_key: str) -> None:
        self._app = Flask("forger")
        self._app.secret_key = secret_key
        signer = SecureCookieSessionInterface().get_signing_serializer(self._app)
        assert signer is not None
        self._signer = signer

    def read(self, cookies: dict[str, str]) -> tuple[dict[str, Any], str]:
        """Return the session, and the credential in the remember cookie."""
        with self._app.app_context():
            return self._signer.loads(cookies[SESSION]), unsign(cookies[REMEMBER], _SALT)[0]

    def write(self, session: dict[str, Any], credential: str) -> dict[str, str]:
        """Return the cookies that hold these."""
        with self._app.app_context():
            return {SESSION: str(self._signer.dumps(session)), REMEMBER: sign(credential, _SALT)}


def thieves(port: int, victim: User, ended: dict[str, str]) -> Sequence[Thief]:
    """Return one of each kind; `ended` are the cookies of a login that is over."""
    owner, stranger = Forger(SECRET_KEY), Forger("another key")
    session, credential = owner.read(victim.browser.cookies)
    login_id, _, generation = credential.split(".")
    guess = f"{login_id}.{new_secret()}.{generation}"
    # A session that names no login was good before there was a store.
    old = {name: entry for name, entry in session.items() if name != "_login"}
    junk = {SESSION: "eyJfdXNlcl9pZCI6InUwIn0.aaaa.bbbb", REMEMBER: f"{victim.name}|0123abcd"}
    return [
        Thief(port, "junk", junk, asked=False),
        Thief(port, "another key", stranger.write(session, credential), asked=False),
        Thief(port, "no login", {SESSION: owner.write(old, "")[SESSION]}, asked=False),
        Thief(port, "another secret", owner.write({**session, "_login": guess}, guess), asked=True),
        Thief(port, "logged out", ended, asked=True),
        Thief(port, "logged out, session", {SESSION: ended[SESSION]}, asked=True),
        Thief(port, "logged out, remembered", {REMEMBER: ended[REMEMBER]}, asked=True),
    ]


# --------------------------------------------------------------------- the load


class Load:
    """Everybody, each in a thread of their own."""

    def __init__(self, gunicorn: Gunicorn, kind: type[User], users: Sequence[str]) -> None:
        port = gunicorn.port
        self.gunicorn = gunicorn
        self.users = [kind(port, name) for name in users]
        gone = User(port, "gone")
        for user in (*self.users, gone):
            user.log_in()
        ended = dict(gone.browser.cookies)
        gone.check(answer := gone.get("/logout"), answer.tells("nobody"))
        self.commuters = [Commuter(port, f"commuter-{number}") for number in range(3)]
        self.newcomers = [Newcomer(port, f"newcomer-{number}") for number in range(2)]
        self.anonymous = [Anonymous(port, f"anonymous-{number}") for number in range(3)]
        self.thieves = thieves(port, self.users[0], ended)
        self.visitors: Sequence[Visitor] = [
            *(*self.users, *self.commuters, *self.newcomers, *self.anonymous, *self.thieves)
        ]
        self.assert_right()

    def assert_right(self) -> None:
        """Fail if anybody ever got a wrong answer."""
        wrong = [line for visitor in self.visitors for line in list(visitor.wrong)]
        assert not wrong, "\n".join([*wrong[:10], f"({len(wrong)} in all)", self.gunicorn.log])

    def all_are_served(self) -> bool:
        """Tell whether each user got some good answers in a row, and people log in again."""
        self.assert_right()
        return all(one.streak >= 5 for one in self.users) and all(
            one.streak >= 2 for one in self.newcomers
        )

    def have_noticed(self, visitors: Sequence[Visitor], since: float) -> bool:
        """Tell whether each of them was refused since that moment."""
        self.assert_right()
        return all(one.refused_at > since for one in visitors)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let everybody ask, all at once."""
        stop = threading.Event()
        threads = [threading.Thread(target=one.run, args=[stop]) for one in self.visitors]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(at_most(PATIENCE))


@contextmanager
def load_on(
    log: Path,
    kind: str,
    url: str,
    users: Sequence[str],
    *,
    speed: float,
    user_class: type[User] = User,
) -> Iterator[Load]:
    """Serve the application with that store, log the users in, and let everybody ask.

    :param speed: how fast the application's clock goes.
    """
    pytest.importorskip("gunicorn")
    with ExitStack() as stack:
        gunicorn = Gunicorn(log, kind, url, speed)
        stack.callback(gunicorn.close)
        gunicorn.wait()
        load = Load(gunicorn, user_class, users)
        with load.running():
            yield load
        load.assert_right()
        assert gunicorn.workers_begun == WORKERS, gunicorn.log
