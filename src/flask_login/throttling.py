"""`LoginThrottle`: limits how often a login may be tried.

Three things are counted, each with separate limits: attempts at an account, from any address;
attempts from an address, at any account; and attempts at an account from a browser that has
logged in to it before, which a signed cookie shows (OWASP: "Slow Down Online Guessing Attacks
with Device Cookies"). The last ones count nowhere else, so an attacker cannot lock the owner out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .attempts import LoginAttempt as LoginAttempt
from .attempts import ThrottleTerms
from .budgets import (
    Counters,
    Limit,
    NoAnswer,
    limits_library,
    no_answer,
    open_storage,
    parse,
    plain_name,
    spelled_by,
)
from .core import settings
from .current import default_manager
from .exceptions import ConfigurationError
from .exceptions import ThrottleUnavailable as ThrottleUnavailable
from .exceptions import TooManyLoginAttempts as TooManyLoginAttempts
from .flask_internals import get_app

if TYPE_CHECKING:
    from limits.storage import Storage

    from .ports import Manager

#: Browsers keep no cookie for longer (RFC 6265bis).
_COOKIE_LIMIT = timedelta(days=400)
#: All known browsers of an account together get this many times the limit of one.
_DEVICES = 3


class LoginThrottle:
    """Limits how often a login may be tried: per account, per address, per known browser.

    ::

        throttle = LoginThrottle(storage="redis://localhost:6379")


        @app.post("/login")
        def login():
            with throttle.attempt(request.form["username"]) as attempt:
                user = User.query.filter_by(name=request.form["username"]).first()
                attempt.found(user)
                if user is not None and user.has_password(request.form["password"]):
                    attempt.succeeded()
                    login_user(user)
                    return redirect(safe_next_url("/"))
            return render_template("login.html", message="Wrong name or password."), 401

    Needs the `limits` library: ``pip install "Flask-Login[throttle]>=0.6.90"``. One throttle
    serves any number of applications.

    A limit is a text: ``"10 per 15 minutes"``, or several: ``"10 per 15 minutes; 50 per day"``.
    Windows are fixed: after 15 minutes at the latest there are 10 more.
    For the number of guesses that is as good as a sliding window, and every storage can count it
    in one atomic step.

    :param per_account: limits of attempts at one account, from all addresses together. None for no
        limit.
    :param per_address: limits of failed attempts from one address (``request.remote_addr``,
        never a header), at all accounts together. IPv6 addresses count by /64, the least that a
        customer gets. Generous, because many users may share one. None for no limit.
    :param per_device: limits of attempts at one account from one browser that has logged in to it
        before. They count nowhere else. None sets no cookie.
    :param storage: where the counts are: a URL of the `limits` library (``redis://``,
        ``redis+cluster://``, ``redis+sentinel://``, ``valkey://``, ``memcached://``,
        ``mongodb://``), or one of its storages. By default the memory of this process, which other
        workers do not see. Clients of a URL give up after a second.
    :param on_outage: what happens to an attempt while the storage gives no answer: ``"allow"`` lets
        it pass, uncounted, and logs an error, because users want to work; ``"refuse"`` raises
        `ThrottleUnavailable`.
    :param normalize: maps all spellings of an account's name to one: a function of text to text.
        May be ``async def``.
    :param name: tells throttles of one application apart, such as one for passwords and one for
        codes. Lower-case letters, digits and ``_``.
    :param login_manager: the manager of the realm. By default the application's default realm.
    :param cookie_name: the name of the device cookie. A named realm and a named throttle append
        theirs. Its attributes are those of the remember cookie.
    :param cookie_lifetime: how long a browser is known after a login; at most 400 days.
    :raises ConfigurationError: if an argument has a value that is not accepted.
    :raises ImportError: if `limits` is missing or too old.

    .. versionadded:: 0.6.90
    """

    #: For `per_account`: at most 100 failed attempts since the last success, however long that is
    #: ago (NIST SP 800-63B-4, section 3.2.2), and slowly. `unlock` resets it.
    NIST_SP_800_63B: ClassVar[str] = "10 per 15 minutes; 100 per 1000 years"

    def __init__(
        self,
        *,
        per_account: str | None = "10 per 15 minutes; 50 per day",
        per_address: str | None = "100 per hour",
        per_device: str | None = "10 per 15 minutes",
        storage: Storage | str = "memory://",
        on_outage: Literal["allow", "refuse"] = "allow",
        normalize: Callable[[str], str] = plain_name,
        name: str = "login",
        login_manager: Manager | None = None,
        cookie_name: str = "login_device",
        cookie_lifetime: timedelta = timedelta(days=365),
    ) -> None:
        limits_library()
        if on_outage not in ("allow", "refuse"):
            raise ConfigurationError("on_outage", on_outage, "'allow' or 'refuse'")
        if not (name.isascii() and name.isidentifier() and name.islower()):
            raise ConfigurationError("name", name, "lower-case letters, digits and '_'")
        is_time = isinstance(cookie_lifetime, timedelta)
        if not (is_time and timedelta(0) < cookie_lifetime <= _COOKIE_LIMIT):
            accepted = "a datetime.timedelta greater than 0, of at most 400 days"
            raise ConfigurationError("cookie_lifetime", cookie_lifetime, accepted)
        try:
            cookie_name = settings.REMEMBER_COOKIE_NAME.parse(cookie_name)
        except ValueError:
            accepted = settings.REMEMBER_COOKIE_NAME.accepted
            raise ConfigurationError("cookie_name", cookie_name, accepted) from None
        device = parse("per_device", per_device)
        self._terms = ThrottleTerms(
            counters=self._counters,
            limits={
                "account": parse("per_account", per_account),
                "address": parse("per_address", per_address),
                "device": device,
                "devices": tuple(Limit(limit.seconds, _DEVICES * limit.amount) for limit in device),
            },
            refuses=on_outage == "refuse",
            normalize=spelled_by(normalize),
            name=name,
            cookie_name=cookie_name,
            cookie_lifetime=cookie_lifetime,
        )
        self._manager = login_manager
        self._storage = storage
        self._in_memory = storage == "memory://"
        self._shared: Counters | None = None
        if not self._in_memory:
            try:
                self._open()
            except NoAnswer as outage:
                self._terms.log(outage)  # it may be back before the first login

    def attempt(self, identity: str | None) -> LoginAttempt:
        """Count an attempt to log in to an account, *before* the password is looked at.

        Use what it returns in a ``with`` statement, or call its `LoginAttempt.succeeded` or
        `LoginAttempt.failed`. It must be the first thing that the view does: an attempt that is
        counted later can be made many times at once.

        Call `LoginAttempt.found` as soon as you have looked for the account.

        :param identity: the account's name, as it was typed; it need not exist. None, as of a
            form without that field, is the empty name.

        Raises `TooManyLoginAttempts` over a limit, and `ThrottleUnavailable` while the storage
        gives no answer with ``on_outage="refuse"``.
        """
        attempt = LoginAttempt(self._terms, str(identity or ""), self._manager or default_manager())
        attempt._begin()
        return attempt

    def unlock(self, identity: str, *, user: Any = None) -> None:
        """Reset an account's counters, because the owner has proved their identity in another way.

        For a password reset, and for support staff. Works outside of a request, in an
        application context. The counters of addresses stay.

        :param identity: the account's name, in any spelling.
        :param user: the account's user, whom `LoginAttempt.found` is told of; None where the views
            don't call it.

        Raises `ThrottleUnavailable` while the storage gives no answer.
        """
        attempt = LoginAttempt(self._terms, identity, self._manager or default_manager())
        try:
            attempt._unlock(user)
        except NoAnswer as outage:
            raise ThrottleUnavailable(outage.cause) from None

    def _counters(self) -> Counters:
        if self._in_memory:
            # One for each application: in tests many have the same accounts.
            app = get_app()
            kept: dict[LoginThrottle, Counters] = app.extensions.setdefault("login_throttle", {})
            if self not in kept:
                _warn_of_memory(app.name, quiet=app.debug or app.testing)
                # The first requests may arrive at once: all take the one that was put there first.
                kept.setdefault(self, Counters(open_storage("memory://")))
            return kept[self]
        return self._shared or self._open()

    def _open(self) -> Counters:
        try:
            self._shared = Counters(open_storage(self._storage))
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  # a cluster's client connects at once
            cause = no_answer(error)
        else:
            return self._shared
        raise cause  # outside of the handler: the client's own error may show a password


def _warn_of_memory(app_name: str, *, quiet: bool) -> None:
    if not quiet:
        settings.logger.warning(
            "The application '%s' counts login attempts in the memory of one process: other worker"
            " processes count separately, and a restart forgets. Give LoginThrottle a storage,"
            " such as 'redis://localhost:6379'.",
            app_name,
        )
