"""One attempt to log in, counted: what `throttling.LoginThrottle` hands to a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from werkzeug.exceptions import HTTPException

from . import device_cookie
from .budgets import AccountBudget, Budget, Counters, Limit, NoAnswer, network_of
from .core import settings
from .core.events import audit
from .core.signing import digest_by, secret_keys, signing_key
from .core.users import is_unsaved, raise_lack
from .exceptions import ThrottleUnavailable, TooManyLoginAttempts
from .flask_internals import get_config, get_request
from .loaders import resolve, unwrap
from .responses import audience, problem, problem_response

if TYPE_CHECKING:
    from .ports import Manager

#: Longer names of accounts are cut to this many characters before they are counted.
_MOST_OF_A_NAME = 1024
_DAY = 24 * 60 * 60


@dataclass
class ThrottleTerms:
    """What a throttle is set to."""

    counters: Callable[[], Counters]
    limits: dict[str, tuple[Limit, ...]]
    refuses: bool
    normalize: Callable[[str], str]
    name: str
    cookie_name: str
    cookie_lifetime: timedelta
    _warned: bool = False

    def log(self, outage: NoAnswer) -> None:
        """Tell the log that the storage gave no answer."""
        done = "refused" if self.refuses else "not counted"
        settings.logger.error(
            "The login throttle's storage gave no answer (%s): attempts are %s.",
            outage.cause,
            done,
        )

    def warn_of_no_address(self) -> None:
        """Tell the log, once, that nothing is limited by address."""
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

    def __init__(self, terms: ThrottleTerms, identity: str, manager: Manager) -> None:
        #: The account's name, as it was typed.
        self.identity = identity
        self._terms = terms
        self._manager = manager
        self._salt = f"flask-login.throttle.{manager.realm}.{terms.name}"
        self._now: datetime = manager._clock()
        self._open = True
        self._refusal: HTTPException | None = None
        #: None while the storage gives no answer: what follows is not counted either.
        self._counters: Counters | None = None
        #: The known browser that it comes from, while it counts for that browser alone.
        self._device: str | None = None
        #: What it was counted by: the address, the name, and the account that was found.
        self._address: list[Budget] = []
        self._name: list[Budget] = []
        self._account: list[AccountBudget] = []
        self._found: tuple[str, str] | None = None
        # JSON can hold a lone surrogate, which UTF-8 cannot encode.
        text = identity[:_MOST_OF_A_NAME].encode("utf-8", "backslashreplace").decode()
        self._typed = text

    def found(self, user: Any) -> None:
        """Report whose account it is, *before* the password is looked at: it is counted as well.

        A database may find one account by endless spellings of its name, and an account may have
        several: a user name, an address, a number. By `found` they have one count: by the
        user's id. What was typed is counted besides. Call it for names that belong to nobody too,
        so that they take the same time and leave the same traces. A second call for the same
        account counts nothing; one for another account takes the place of the first, and one for
        nobody that of nobody alone: a name may be looked up in two ways.

        :param user: the user object, or None for an unknown name. A user without an id, such as
            one that lends an unknown name its password hash, is nobody too.

        Raises `TooManyLoginAttempts` over the limit ``per_account``; `ThrottleUnavailable` while
        the storage gives no answer with ``on_outage="refuse"``; `InvalidUser` for what is no user
        object, such as an id; and `RuntimeError` after `succeeded` or `failed`, because it is too
        late then.
        """
        if self._refusal is not None:
            raise self._refusal
        if not self._open:
            raise RuntimeError("Call found() before succeeded() or failed(), and before the check.")
        found = self._key_of(user)
        counters = self._counters
        if found[0] == "nobody" and self._found is not None:
            return  # the account that was found stays counted
        if counters is not None and found != self._found:
            self._count(lambda: self._take_account(counters, found))

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
                self._forgive(self._counters)
        except NoAnswer as outage:
            # The login is good; that it stays counted as an attempt is no reason to refuse it.
            self._terms.log(outage)
        if self._terms.limits["device"]:
            device_cookie.set_after_request(*self._cookie(), self._terms.cookie_lifetime)

    def failed(self) -> None:
        """Report that the login failed. The attempt stays counted; sends `user_login_failed`.

        After `succeeded`, after it was refused, and the second time, it does nothing.
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

    def _begin(self) -> None:
        """Count the attempt by what was typed, or raise the refusal."""
        self._count(self._take)

    def _unlock(self, user: Any) -> None:
        counters = self._terms.counters()
        budgets = self._budgets(counters, "account", self._plain())
        if user is not None:
            budgets += self._accounts(counters, self._key_of(user))
        for budget in budgets:
            budget.reset()

    def _count(self, count: Callable[[], None]) -> None:
        """Count, or raise the refusal and keep it: what was refused once is refused for good."""
        try:
            count()
        except TooManyLoginAttempts as refusal:
            self._open, self._refusal = False, refusal
            raise
        except NoAnswer as outage:
            self._counters = None
            self._terms.log(outage)
            if self._terms.refuses:
                self._open, self._refusal = False, ThrottleUnavailable(outage.cause)
                raise self._refusal from None

    def _take(self) -> None:
        self._counters = counters = self._terms.counters()
        device = device_cookie.read(*self._cookie()) if self._terms.limits["device"] else None
        if device is not None:
            self._take_all("device", self._budgets(counters, "device", device))
            if self._is_within_devices(self._budgets(counters, "devices", self._plain())):
                self._device = device
                return
        self._take_name(counters)

    def _take_name(self, counters: Counters) -> None:
        """Count by the address and by what was typed."""
        # The address first: an address over its limit does not use up the account's attempts.
        address = self._network()
        if address is not None:
            budgets = self._budgets(counters, "address", address)
            self._take_all("address", budgets)
            self._address = budgets
        budgets = self._budgets(counters, "account", self._plain())
        self._take_all("account", budgets)
        self._name = budgets
        for budget in budgets:
            budget.note(self._spelling())

    def _take_account(self, counters: Counters, found: tuple[str, str]) -> None:
        """Count by the account that was found, and no longer by one that was found before."""
        for budget in self._account:
            budget.give_back(1)
        self._account, self._found = [], found
        if self._device is not None:
            devices = self._budgets(counters, "devices", found[1], of=f"devices.{found[0]}")
            if self._is_within_devices(devices):
                return
            self._device = None
            self._take_name(counters)
        budgets = self._accounts(counters, found)
        self._take_all("account", budgets)
        self._account = budgets

    def _forgive(self, counters: Counters) -> None:
        """Give back what a login makes good."""
        for budget in self._address:
            budget.give_back(1)
        for budget in self._budgets(counters, "account", self._plain()):
            budget.forgive(self._spelling())
        if self._found is not None:
            for account in self._accounts(counters, self._found):
                account.reset()

    @staticmethod
    def _is_within_devices(budgets: list[Budget]) -> bool:
        """Return whether the known browsers of an account together have attempts left.

        An attacker who once knew the password may have collected any number of device cookies.
        """
        return all(budget.take() for budget in budgets)

    def _take_all(self, scope: str, budgets: list[Any]) -> None:
        for number, budget in enumerate(budgets):
            if not budget.take():
                # What is refused counts nowhere, so that it does not prolong the wait.
                for taken in (*budgets[:number], *self._address):
                    taken.give_back(1)
                for noted in self._name:
                    noted.withdraw(self._spelling())
                raise self._refusal_of(scope, min(budget.left, _DAY))

    # What it is counted by

    def _spelling(self) -> str:
        return self._digest("spelling", self._typed)

    def _plain(self) -> str:
        return self._terms.normalize(self._typed)

    def _key_of(self, user: Any) -> tuple[str, str]:
        """Return what a user is counted by; for an unknown name, something that looks like it."""
        user = unwrap(user)
        if user is not None:
            name = self._manager.id_attribute
            try:
                get_id = getattr(user, name)
            except AttributeError as error:
                raise_lack("user", user, name, error)
            user_id = None if is_unsaved(get_id) else resolve(get_id())
            if user_id is not None:
                return "user", str(user_id)
        return "nobody", self._plain()

    def _accounts(self, counters: Counters, found: tuple[str, str]) -> list[AccountBudget]:
        kind, value = found
        key = f"login-throttle:account:{self._digest(f'account.{kind}', value)}"
        name = self._digest("account", self._plain())
        limits = self._terms.limits["account"]
        return [AccountBudget(counters, key, limit, self._now, name) for limit in limits]

    def _budgets(
        self, counters: Counters, scope: str, value: str, *, of: str | None = None
    ) -> list[Budget]:
        key = f"login-throttle:{scope}:{self._digest(of or scope, value)}"
        limits = self._terms.limits[scope]
        return [Budget(counters, key, limit, self._now) for limit in limits]

    def _digest(self, purpose: str, value: str) -> str:
        """Return the digest that something is counted by: the storage shows no names.

        It is made with the application's oldest key, so that counts survive a new key.
        """
        keys = secret_keys(get_config()) or (signing_key(get_config()),)
        return digest_by(keys[-1], value, f"{self._salt}.{purpose}")

    def _cookie(self) -> tuple[str, str, str, datetime]:
        terms = self._terms
        name = device_cookie.cookie_name(terms.cookie_name, self._manager.realm, terms.name)
        return name, self._typed, self._salt, self._now

    def _network(self) -> str | None:
        if not self._terms.limits["address"]:
            return None
        address = get_request().remote_addr
        if not address:
            self._terms.warn_of_no_address()
            return None
        return network_of(address)

    def _refusal_of(self, scope: str, retry_after: int) -> TooManyLoginAttempts:
        kind, value = self._found or ("", self._plain())
        account = self._digest("account.user" if kind == "user" else "account", value)
        audit("login_throttled", reason=scope, account=account, ip=get_request().remote_addr)
        refusal = TooManyLoginAttempts(retry_after, scope)
        if audience(self._manager) == "program":
            document = problem(refusal.reason, str(refusal.description), status=429)
            refusal.response = problem_response({**document, "retry_after": retry_after}, 429)
            refusal.response.headers["Retry-After"] = str(retry_after)
        return refusal
