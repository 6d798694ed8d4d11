"""The errors of the library; those that are Werkzeug's as well are defined here."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import Forbidden, ServiceUnavailable, TooManyRequests
from werkzeug.routing import BuildError

from .core.exceptions import ConfigurationError as ConfigurationError
from .core.exceptions import FlaskLoginError as FlaskLoginError
from .core.exceptions import InvalidUser as InvalidUser
from .core.exceptions import InvalidUserId as InvalidUserId
from .core.exceptions import LoginInSession as LoginInSession
from .core.exceptions import MissingLoader as MissingLoader
from .core.exceptions import MissingLoginManager as MissingLoginManager
from .core.exceptions import NoCurrentUser as NoCurrentUser
from .core.exceptions import UnguardedViewError as UnguardedViewError


class UnknownLoginView(FlaskLoginError, BuildError):
    """A view that callers are sent to is no endpoint, or needs values that nobody gives it.

    It is Werkzeug's `BuildError` as well, because Flask-Login 0.6.3 raised that.

    .. versionadded:: 0.6.90
    """

    reason = "unknown_login_view"
    # Of a `BuildError`.
    values: Any = {}  # noqa: RUF012  # as Werkzeug's, which is not shared either
    method: str | None = None
    adapter: Any = None

    def __init__(self, view: str, cause: str) -> None:
        Exception.__init__(self, view, cause)
        #: The endpoint that was given.
        self.view = view
        #: Why there is no URL for it, in Werkzeug's words.
        self.cause = cause

    @property
    def endpoint(self) -> str:
        """The endpoint that was given."""
        return self.view

    def __str__(self) -> str:
        return (
            "A view that callers are sent to (login_view, refresh_view, redirect_to) must be an"
            " endpoint, a path that begins with / or a URL, instead got:"
            f" '{self.view}'. {self.cause}"
        )


class ImpersonationDenied(FlaskLoginError, Forbidden):
    """Nobody may be impersonated now, or not this user, or not by this one. Flask answers 403.

    .. versionadded:: 0.6.90
    """

    reason = "impersonation_denied"

    def __init__(self, cause: str) -> None:
        super().__init__("You may not act as this user.")
        #: For pickling.
        self.args: tuple[Any, ...] = (cause,)
        #: Why, in words for the application's developers.
        self.cause = cause

    def __str__(self) -> str:
        return self.cause


class SessionStoreUnavailable(FlaskLoginError, ServiceUnavailable):
    """The session store gave no answer in time. Flask answers 503 with ``Retry-After``.

    Nobody is taken for logged in, nor for logged out: the cookies stay as they are.

    .. versionadded:: 0.6.90
    """

    reason = "store_unavailable"

    def __init__(
        self, store: str, cause: BaseException | str | None = None, detail: str | None = None
    ) -> None:
        super().__init__(
            "We can't tell whether you are logged in at the moment. Please try again.",
            retry_after=1,
        )
        #: What kind of store it was, such as ``"redis"``. Never its URL.
        self.store = store
        #: The kind of the client's own error; its text may hold a password.
        self.cause: str | None = type(cause).__name__ if isinstance(cause, BaseException) else cause
        #: What went wrong, in a few words, where that is known: ``"connection refused"``. For the
        #: log and for developers; no part of the client's own text is in it.
        self.detail: str | None = (
            outage_in_words(cause) if isinstance(cause, BaseException) else detail
        )
        #: For pickling.
        self.args: tuple[Any, ...] = (self.store, self.cause, self.detail)

    @property
    def is_unreached(self) -> bool:
        """Whether the back end could not be asked; a full one, for example, can."""
        return self.detail in _UNREACHED

    @property
    def why(self) -> str:
        """The cause and the detail, for the log; a text in any case."""
        cause = self.cause or "it did not say why"
        return f"{cause} ({self.detail})" if self.detail else cause

    def __str__(self) -> str:
        text = f"The session store ({self.store}) gave no answer"
        return f"{text}: {self.why}." if self.cause else f"{text}."


class TooManyLoginAttempts(FlaskLoginError, TooManyRequests):
    """There were too many login attempts. Flask answers 429 with ``Retry-After``.

    The answer is the same whether the account exists or not. API clients get a
    problem document (RFC 9457), browsers a page; to show your own, register an error handler::

        @app.errorhandler(TooManyLoginAttempts)
        def too_many_login_attempts(error):
            page = render_template("login.html", message=error.description)
            return page, 429, {"Retry-After": error.retry_after}

    .. versionadded:: 0.6.90
    """

    reason = "too_many_attempts"

    def __init__(self, retry_after: int, scope: str) -> None:
        text = f"Too many login attempts. Try again {_in_words(retry_after)}."
        TooManyRequests.__init__(self, text, retry_after=retry_after)
        #: For pickling.
        self.args: tuple[Any, ...] = (retry_after, scope)
        #: The limit that was reached: ``"account"``, ``"address"`` or ``"device"``. For your log;
        #: callers are not told.
        self.scope = scope

    def __str__(self) -> str:
        scope, seconds = self.scope, self.retry_after
        return f"Too many login attempts ({scope}): the next ones are refused for {seconds} s."


class ThrottleUnavailable(FlaskLoginError, ServiceUnavailable):
    """The storage of a `LoginThrottle` gave no answer. Flask answers 503 with ``Retry-After``.

    Raised by `LoginThrottle.attempt` and `LoginAttempt.found` with ``on_outage="refuse"``, and by
    `LoginThrottle.unlock`.

    .. versionadded:: 0.6.90
    """

    reason = "throttle_unavailable"

    def __init__(self, cause: str) -> None:
        text = "Logging in is not possible right now. Try again in a moment."
        ServiceUnavailable.__init__(self, text, retry_after=1)
        #: For pickling.
        self.args: tuple[Any, ...] = (cause,)
        #: The kind of the client's own error; its text may hold a password.
        self.cause = cause

    def __str__(self) -> str:
        return f"The login throttle's storage gave no answer: {self.cause}."


#: What clients say of an outage. Each is shown as it stands here, so that nothing else of their
#: texts is: a host, a user name, a password.
_OUTAGES = {
    "connection refused": ("connection refused", "[errno 111]"),
    "no such host": ("name or service not known", "could not translate host", "getaddrinfo"),
    "wrong user name or password": (
        "authentication failed",
        "access denied",
        "wrongpass",
        "noauth",
        "invalid username-password",
        "authentication required",
        "no password supplied",
    ),
    "no answer in time": ("timed out", "timeout", "time out"),
    "connection lost": ("connection closed", "server closed", "gone away", "lost connection"),
    "no such database": ("unknown database", "does not exist"),
    "the file can't be opened": ("unable to open database file",),
    "locked by another connection": ("database is locked", "lock wait"),
    "too many connections": ("too many connections", "too many clients", "max number of clients"),
    "out of memory": ("out of memory", "oom command"),
    "no route to it": ("no route to host", "network is unreachable"),
    "it is starting": ("loading the dataset", "starting up"),
}


_UNREACHED = {
    "connection refused",
    "no such host",
    "wrong user name or password",
    "no answer in time",
    "connection lost",
    "no route to it",
    "it is starting",
}


def outage_in_words(error: BaseException) -> str | None:
    """Return what an error of a client says of an outage, in words of ours, or None."""
    cause: BaseException | None = error
    for _ in range(5):  # a client wraps what its driver raised, and that the socket's error
        if cause is None:
            break
        text = f"{type(cause).__name__} {cause}".lower()
        for words, signs in _OUTAGES.items():
            if any(sign in text for sign in signs):
                return words
        cause = cause.__cause__ or cause.__context__
    return None


def _in_words(seconds: int) -> str:
    if seconds >= 24 * 60 * 60:
        return "later"
    for size, word in ((3600, "hours"), (60, "minutes")):
        if seconds > size:
            return f"in {-(-seconds // size)} {word}"
    return f"in {seconds} seconds" if seconds > 1 else "in a second"
