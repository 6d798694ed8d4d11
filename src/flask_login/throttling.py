"""`LoginThrottle`: limits how often a login may be tried.

Three things are counted, each with separate limits: attempts at an account, from any address;
attempts from an address, at any account; and attempts at an account from a browser that has
logged in to it before, which a signed cookie shows (OWASP: "Slow Down Online Guessing Attacks
with Device Cookies"). The last ones count nowhere else, so an attacker cannot lock the owner out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal, final

from werkzeug.exceptions import HTTPException

from . import device_cookie
from .budgets import (
    Budget,
    Counters,
    Limit,
    NoAnswer,
    limits_library,
    network_of,
    no_answer,
    open_storage,
    parse,
    plain_name,
    spelled_by,
)
from .core import settings
from .core.events import audit
from .core.signing import digest_by, secret_keys, signing_key
from .current import default_manager
from .exceptions import ConfigurationError
from .exceptions import ThrottleUnavailable as ThrottleUnavailable
from .exceptions import TooManyLoginAttempts as TooManyLoginAttempts
from .flask_internals import get_app, get_config, get_request
from .responses import audience, problem, problem_response

if TYPE_CHECKING:
    from limits.storage import Storage

    from .ports import Manager

#: Longer names of accounts are cut to this many characters before they are counted.
_MOST_OF_A_NAME = 1024
#: Browsers keep no cookie for longer (RFC 6265bis).
_COOKIE_LIMIT = timedelta(days=400)
_DAY = 24 * 60 * 60
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
                if user is not None and user.has_password(request.form["password"]):
                    attempt.succeeded()
                    login_user(user)
                    return redirect(safe_next_url("/"))
            return render_template("login.html", message="Wrong name or password."), 401

    Needs the `limits` library: ``pip install "Flask-Login[throttle]"``. One throttle serves any
    number of applications.

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
            self._cookie_name = settings.REMEMBER_COOKIE_NAME.parse(cookie_name)
        except ValueError:
            accepted = settings.REMEMBER_COOKIE_NAME.accepted
            raise ConfigurationError("cookie_name", cookie_name, accepted) from None
        device = parse("per_device", per_device)
        self._limits: dict[str, tuple[Limit, ...]] = {
            "account": parse("per_account", per_account),
            "address": parse("per_address", per_address),
            "device": device,
            "devices": tuple(Limit(limit.seconds, _DEVICES * limit.amount) for limit in device),
        }
        self._refuses = on_outage == "refuse"
        self._normalize = spelled_by(normalize)
        self._name = name
        self._manager = login_manager
        self._cookie_lifetime = cookie_lifetime
        self._storage = storage
        self._in_memory = storage == "memory://"
        self._shared: Counters | None = None
        self._warned = False
        if not self._in_memory:
            try:
                self._open()
            except NoAnswer as outage:
                self._log(outage)  # it may be back before the first login

    def attempt(self, identity: str | None) -> LoginAttempt:
        """Count an attempt to log in to an account, *before* the password is looked at.

        Use what it returns in a ``with`` statement, or call its `LoginAttempt.succeeded` or
        `LoginAttempt.failed`. It must be the first thing that the view does: an attempt that is
        counted later can be made many times at once.

        :param identity: the account's name, as it was typed; it need not exist. None, as of a
            form without that field, is the empty name.

        Raises `TooManyLoginAttempts` over a limit, and `ThrottleUnavailable` while the storage
        gives no answer with ``on_outage="refuse"``.
        """
        attempt = LoginAttempt(self, str(identity or ""), self._manager or default_manager())
        try:
            attempt._take(self._counters())
        except NoAnswer as outage:
            self._log(outage)
            if self._refuses:
                raise ThrottleUnavailable(outage.cause) from None
        return attempt

    def unlock(self, identity: str) -> None:
        """Reset an account's counters, because the owner has proved their identity in another way.

        For a password reset, and for support staff. Works outside of a request, in an
        application context. The counters of addresses stay.

        :param identity: the account's name, in any spelling.

        Raises `ThrottleUnavailable` while the storage gives no answer.
        """
        attempt = LoginAttempt(self, identity, self._manager or default_manager())
        try:
            for budget in attempt._account(self._counters()):
                budget.reset()
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

    def _log(self, outage: NoAnswer) -> None:
        done = "refused" if self._refuses else "not counted"
        settings.logger.error(
            "The login throttle's storage gave no answer (%s): attempts are %s.",
            outage.cause,
            done,
        )

    def _warn_of_no_address(self) -> None:
        if not self._warned:
            self._warned = True
            settings.logger.warning(
                "A request has no remote_addr, so login attempts are not limited by address. Behind"
                " a proxy on a Unix socket, use werkzeug.middleware.proxy_fix.ProxyFix."
            )


@final
class LoginAttempt:
    """One attempt to log in, which `LoginThrottle.attempt` has counted.

    At the end of its ``with`` statement it has failed, unless `succeeded` was called.

    .. versionadded:: 0.6.90
    """

    def __init__(self, throttle: LoginThrottle, identity: str, manager: Manager) -> None:
        #: The account's name, as it was typed.
        self.identity = identity
        self._throttle = throttle
        self._manager = manager
        self._salt = f"flask-login.throttle.{manager.realm}.{throttle._name}"
        self._now: datetime = manager._clock()
        self._counters: Counters | None = None
        self._given_back: list[Budget] = []
        self._open = True
        # JSON can hold a lone surrogate, which UTF-8 cannot encode.
        text = identity[:_MOST_OF_A_NAME].encode("utf-8", "backslashreplace").decode()
        self._typed = text

    def succeeded(self) -> None:
        """Report that the password was right.

        Earlier attempts at this account no longer count, and neither does this attempt from this
        address. The browser is known from now on. A second call does nothing.
        """
        if not self._open:
            return
        self._open = False
        try:
            if self._counters is not None:
                for budget in self._given_back:
                    budget.give_back(1)
                for budget in self._account(self._counters):
                    budget.forgive(self._digest("spelling", self._typed))
        except NoAnswer as outage:
            # The login is good; that it stays counted as an attempt is no reason to refuse it.
            self._throttle._log(outage)
        if self._throttle._limits["device"]:
            lifetime = self._throttle._cookie_lifetime
            device_cookie.set_after_request(*self._cookie(), lifetime)

    def failed(self) -> None:
        """Report that the login failed. The attempt stays counted; sends `user_login_failed`.

        After `succeeded`, and the second time, it does nothing.
        """
        if self._open:
            self._open = False
            self._manager.login_failed(self.identity)

    def __enter__(self) -> LoginAttempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Any other error is a defect, which says nothing about the password.
        if error is None or isinstance(error, HTTPException):
            self.failed()

    # The counts

    def _take(self, counters: Counters) -> None:
        """Count the attempt, or raise `TooManyLoginAttempts`."""
        limits = self._throttle._limits
        device = device_cookie.read(*self._cookie()) if limits["device"] else None
        if device is not None:
            self._take_all("device", self._budgets(counters, "device", device))
        if device is None or not self._is_within_devices(counters):
            # The address first: an address over its limit does not use up the account's attempts.
            address = self._address()
            if address is not None:
                budgets = self._budgets(counters, "address", address)
                self._take_all("address", budgets)
                self._given_back = budgets
            account = self._account(counters)
            self._take_all("account", account)
            for budget in account:
                budget.note(self._digest("spelling", self._typed))
        self._counters = counters

    def _is_within_devices(self, counters: Counters) -> bool:
        """Return whether the known browsers of an account together have attempts left.

        An attacker who once knew the password may have collected any number of device cookies.
        """
        typed = self._throttle._normalize(self._typed)
        budgets = self._budgets(counters, "devices", typed)
        return all(budget.take() for budget in budgets)

    def _take_all(self, scope: str, budgets: list[Budget]) -> None:
        for number, budget in enumerate(budgets):
            if not budget.take():
                for taken in budgets[:number]:
                    taken.give_back(1)
                raise self._refusal(scope, min(budget.left, _DAY))

    def _account(self, counters: Counters) -> list[Budget]:
        return self._budgets(counters, "account", self._throttle._normalize(self._typed))

    def _budgets(self, counters: Counters, scope: str, value: str) -> list[Budget]:
        key = f"login-throttle:{scope}:{self._digest(scope, value)}"
        limits = self._throttle._limits[scope]
        return [Budget(counters, key, limit, self._now) for limit in limits]

    def _digest(self, purpose: str, value: str) -> str:
        """Return the digest that something is counted by: the storage shows no names.

        It is made with the application's oldest key, so that counts survive a new key.
        """
        keys = secret_keys(get_config()) or (signing_key(get_config()),)
        return digest_by(keys[-1], value, f"{self._salt}.{purpose}")

    def _cookie(self) -> tuple[str, str, str, datetime]:
        throttle = self._throttle
        name = device_cookie.cookie_name(throttle._cookie_name, self._manager.realm, throttle._name)
        return name, self._typed, self._salt, self._now

    def _address(self) -> str | None:
        if not self._throttle._limits["address"]:
            return None
        address = get_request().remote_addr
        if not address:
            self._throttle._warn_of_no_address()
            return None
        return network_of(address)

    def _refusal(self, scope: str, retry_after: int) -> TooManyLoginAttempts:
        account = self._digest("account", self._throttle._normalize(self._typed))
        audit("login_throttled", reason=scope, account=account, ip=get_request().remote_addr)
        refusal = TooManyLoginAttempts(retry_after, scope)
        if audience(self._manager) == "program":
            document = problem(refusal.reason, str(refusal.description), status=429)
            refusal.response = problem_response({**document, "retry_after": retry_after}, 429)
            refusal.response.headers["Retry-After"] = str(retry_after)
        return refusal


def _warn_of_memory(app_name: str, *, quiet: bool) -> None:
    if not quiet:
        settings.logger.warning(
            "The application '%s' counts login attempts in the memory of one process: other worker"
            " processes count separately, and a restart forgets. Give LoginThrottle a storage,"
            " such as 'redis://localhost:6379'.",
            app_name,
        )
