"""How much may be tried, and how much has been: the counting behind `throttling.LoginThrottle`.

A budget is a number of attempts in a window of time. The windows of one key follow each other
without gaps, by the application's clock; where they begin depends on the key, so that the windows
of all accounts do not end at one moment. All counts only ever go up, which every storage can do
atomically, and an attempt is counted before its outcome is known. So parallel attempts can't get
past a limit together.

In the storage a key stands in front of what is counted for it:

=========================== ================================================================
``KEY:10/900:1963:tried``   attempts in that window, of a limit of 10 in 900 seconds
``KEY:10/900:1963:back``    those of them that no longer count
``... :NAME:logins``        logins by that very spelling of the account's name
``... :NAME:2``             attempts by that spelling since its second login
``... :NAME:2:back``        those of them that no longer count
``... :2:tried``            attempts at an account since its second login, by whatever name
``... :2:NAME:tried``       those of them by that name
=========================== ================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit
from zlib import crc32

from .core.answers import answer_of
from .exceptions import ConfigurationError
from .loaders import resolve
from .optional import library

if TYPE_CHECKING:
    from limits.storage import Storage

P = ParamSpec("P")
R = TypeVar("R")

#: Timeouts for the clients of a URL, so that a silent server does not hold up logins: in seconds,
#: for MongoDB in milliseconds.
_PATIENCE: dict[str, dict[str, Any]] = {
    "redis": {"socket_timeout": 1, "socket_connect_timeout": 1},
    "memcached": {"timeout": 1, "connect_timeout": 1},
    "mongodb": {"serverSelectionTimeoutMS": 1000, "socketTimeoutMS": 1000},
}
#: For how many seconds after its window a count is kept: machines' clocks differ.
_SLACK = 60
#: Control and format characters, such as the zero-width joiner; accents; what encloses a letter.
_IGNORED = ("Cc", "Cf", "Mn", "Me")
#: A Latin letter with a stroke, a hook or a tail, and one that is small and above another.
_LATIN = re.compile(
    r"(?:COMBINING |MODIFIER LETTER )?(?:LATIN )?(?:LETTER )?(?:CAPITAL |SMALL )+"
    r"(?:LETTER |LIGATURE )?(?:DOTLESS )?(?P<letters>[A-Z]{1,2})(?: WITH .+)?"
)
_OF_LATIN_LETTERS = ("LATIN", "COMBINING", "MODIFIER")
#: Memcached takes a greater number of seconds for a date, long past.
_MEMCACHED_LIMIT = 30 * 24 * 60 * 60


class NoAnswer(Exception):
    """The storage of the counts failed. Never leaves `LoginThrottle`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        #: The kind of the client's own error; its text may hold a password.
        self.cause = cause


@dataclass(frozen=True, order=True)
class Limit:
    """A number of attempts in a number of seconds."""

    seconds: int
    amount: int


def limits_library() -> ModuleType:
    """Return the `limits` library.

    :raises ImportError: if it is missing or too old.
    """
    return library("limits", "3", by="LoginThrottle", title="limits", extra="throttle")


def parse(argument: str, text: str | None) -> tuple[Limit, ...]:
    """Return the limits that `text` names, such as ``"10 per 15 minutes; 50 per day"``.

    Raises `ConfigurationError`, which names `argument`, for another text.
    """
    if text is None:
        return ()
    items: Iterable[Any] = ()
    with suppress(ValueError):
        items = limits_library().parse_many(text)
    if not items or any(item.amount < 1 for item in items):
        accepted = "limits such as '10 per 15 minutes; 50 per day', each at least 1, or None"
        raise ConfigurationError(argument, text, accepted)
    # The shortest window first: attempts that it refuses are not counted by the others.
    found = {Limit(item.get_expiry(), item.amount) for item in items}
    return tuple(sorted(found))


def open_storage(storage: Storage | str) -> Storage:
    """Return the storage that a URL of the `limits` library means, or `storage` itself.

    Raises `ConfigurationError` for what `limits` can't make a storage of, and whatever a client
    raises that connects at once.
    """
    limits = limits_library()
    from limits.storage import Storage, storage_from_string

    made: object = storage
    if isinstance(storage, str):
        made = None
        # Their own errors show the URL.
        with suppress(limits.errors.ConfigurationError, ValueError):
            made = storage_from_string(storage, **_options(storage))
    if isinstance(made, Storage):
        return made
    raise ConfigurationError(
        "storage",
        "another URL, not shown because it may hold a password"
        if isinstance(storage, str)
        else type(storage).__name__,
        "a limits.storage.Storage, or a URL that the limits library knows, such as"
        " redis://HOST:6379, memcached://HOST:11211, mongodb://HOST:27017 or memory://",
        'Redis needs its client: pip install "Flask-Login[redis]"; Memcached needs pymemcache,'
        " MongoDB needs pymongo",
    )


def _options(url: str) -> dict[str, Any]:
    kind = urlsplit(url).scheme.partition("+")[0]
    family = "redis" if kind in ("rediss", "valkey", "valkeys") else kind
    options = dict(_PATIENCE.get(family, {}))
    if family == "redis":
        client = "valkey" if kind.startswith("valkey") else "redis"
        options.update(_without_retries(client))
    return options


def _without_retries(client: str) -> dict[str, Any]:
    """Return the option that makes a Redis client give up at the first failure."""
    try:
        retry = import_module(f"{client}.retry").Retry
        backoff = import_module(f"{client}.backoff").NoBackoff
    except ImportError:
        return {}  # `limits` says what is missing
    return {"retry": retry(backoff(), 0)}


def plain_name(name: str) -> str:
    """Return an account's name as `LoginThrottle` counts it, so that no spelling gets around it.

    Letter case, accents, strokes through letters, width, the script of digits, invisible characters
    and surrounding space are ignored, because some databases ignore them too.

    :param name: the name, as it was typed.

    .. versionadded:: 0.6.90
    """
    text = unicodedata.normalize("NFKD", name)
    text = unicodedata.normalize("NFKD", text.casefold())
    plain = {ord(c): _plain(c) for c in set(text)}
    return unicodedata.normalize("NFKC", text.translate(plain)).strip()


def _plain(character: str) -> str:
    """Return what a database may take a character for, nothing where it may ignore it."""
    kind = unicodedata.category(character)
    if character.isascii():
        return "" if kind == "Cc" else character
    if kind[0] in "LM":
        name = unicodedata.name(character, "")
        letter = _LATIN.fullmatch(name) if name.startswith(_OF_LATIN_LETTERS) else None
        if letter is not None:
            return letter["letters"].lower()
    if kind[0] == "N":
        number = unicodedata.numeric(character, -1)
        if number in range(10):
            return str(int(number))
    return "" if kind in _IGNORED else character


def spelled_by(normalize: Callable[[str], str]) -> Callable[[str], str]:
    """Return the application's function, with what it gives awaited where it is ``async def``.

    Each attempt would be counted under another name otherwise. What the function returned raises
    `TypeError` for what is no text.
    """

    def spelled(name: str) -> str:
        found = answer_of(normalize(name), resolve)
        if not isinstance(found, str):
            raise TypeError(f"normalize must return a text, not {type(found).__name__}.")
        return found

    return normalize if normalize is plain_name else spelled


def network_of(address: str) -> str:
    """Return what an address is counted by: itself, or the /64 of an IPv6 address.

    An IPv4 address may be written as an IPv6 one (``::ffff:192.0.2.1``).
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))


class Counters:
    """Counts in a storage of the `limits` library; every failure is a `NoAnswer`."""

    def __init__(self, storage: Storage) -> None:
        from limits.storage import MemcachedStorage, MemoryStorage

        self._storage = storage
        # The storage in memory loses counts when threads add to a new key at once.
        in_memory = isinstance(storage, MemoryStorage)
        self._lock: AbstractContextManager[Any] = Lock() if in_memory else nullcontext()
        self._longest = _MEMCACHED_LIMIT if isinstance(storage, MemcachedStorage) else float("inf")

    def get(self, name: str) -> int:
        """Return a count."""
        return self._ask(self._storage.get, name)

    def add(self, name: str, amount: int, seconds: int) -> int:
        """Add to a count, atomically, and return it; a new one is kept for `seconds`."""
        kept = int(min(seconds, self._longest))
        return self._ask(self._storage.incr, name, kept, amount=amount)

    def forget(self, name: str) -> None:
        """Reset a count."""
        self._ask(self._storage.clear, name)

    def _ask(self, question: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            try:
                return question(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  # clients raise other libraries' errors too
                cause = no_answer(error)
        raise cause  # outside of the handler: the client's own error may show a password


def no_answer(error: Exception) -> NoAnswer:
    """Return the failure without the client's error: only its kind is kept."""
    return NoAnswer(type(getattr(error, "storage_error", error)).__name__)


class Budget:
    """What is left of one limit for one key, in the window of this moment."""

    def __init__(self, counters: Counters, key: str, limit: Limit, now: datetime) -> None:
        number, gone = divmod(int(now.timestamp()) + crc32(key.encode()), limit.seconds)
        self._counters = counters
        self._amount = limit.amount
        self._name = f"{key}:{limit.amount}/{limit.seconds}:{number}"
        self._noted = ""
        #: Seconds until the window ends, at least 1.
        self.left: int = limit.seconds - gone

    def take(self) -> bool:
        """Count an attempt; return whether it is within the limit.

        What was given back is read *before* the attempt is counted, so it belongs to attempts
        that were counted earlier. However many run at once, no more than the limit pass.
        """
        back = self._counters.get(f"{self._name}:back")
        if self._add("tried") - back <= self._amount:
            return True
        self.give_back(1)
        return False

    def give_back(self, attempts: int) -> None:
        """Stop counting a number of attempts."""
        if attempts > 0:
            self._add("back", attempts)

    def note(self, spelling: str) -> None:
        """Remember that the attempt was made by this very spelling of the account's name."""
        self._noted = self._round_of(spelling)
        self._add(self._noted)

    def withdraw(self, spelling: str) -> None:
        """Stop counting the noted attempt, unless a login by this spelling has given it back."""
        if self._noted == self._round_of(spelling):
            self._add(f"{self._noted}:back")
            self.give_back(1)

    def forgive(self, spelling: str) -> None:
        """Give back the attempts by this spelling, because it has logged in.

        Attempts by other spellings of the same count stay: to the application ``alice`` and
        ``Alice`` may be two users, and the owner of one must not clear the other's count. Each
        login gets another number, so two at once do not give the same attempts back.
        """
        round_ = self._add(f"{spelling}:logins") - 1
        noted = f"{self._name}:{spelling}:{round_}"
        own = self._counters.get(noted) - self._counters.get(f"{noted}:back")
        self.give_back(min(own, self._used()))

    def reset(self) -> None:
        """Reset the count."""
        self._counters.forget(f"{self._name}:back")
        self._counters.forget(f"{self._name}:tried")

    def _round_of(self, spelling: str) -> str:
        return f"{spelling}:{self._counters.get(f'{self._name}:{spelling}:logins')}"

    def _used(self, name: str = "") -> int:
        tried = self._counters.get(f"{self._name}:{name}tried")
        return tried - self._counters.get(f"{self._name}:{name}back")

    def _add(self, what: str, amount: int = 1) -> int:
        return self._counters.add(f"{self._name}:{what}", amount, self.left + _SLACK)


class AccountBudget(Budget):
    """What is left of one limit for one account, which may be found by many names.

    The names have budgets of their own. So an account that is tried by one name only is refused by
    that name's budget, at the same moments as a name without an account; this one counts for the
    others, and tells nobody that there is an account. Each login begins new counts.
    """

    def __init__(
        self, counters: Counters, key: str, limit: Limit, now: datetime, name: str
    ) -> None:
        super().__init__(counters, key, limit, now)
        self._window: str = self._name
        self._name: str = f"{self._window}:{counters.get(f'{self._window}:logins')}"
        self._found_by = name

    def take(self) -> bool:
        """Count an attempt; return whether it is within the limit, or no other name was tried.

        Each attempt is counted under its name first. So attempts at once by one name never look as
        if there were another.
        """
        back = self._counters.get(f"{self._name}:back")
        self._add(f"{self._found_by}:tried")
        tried = self._add("tried") - back
        if tried <= self._amount or tried <= self._used(f"{self._found_by}:"):
            return True
        self.give_back(1)
        return False

    def give_back(self, attempts: int) -> None:
        """Stop counting a number of attempts by this name."""
        super().give_back(attempts)
        self._add(f"{self._found_by}:back", attempts)

    def reset(self) -> None:
        """Begin new counts."""
        self._name = self._window
        self._add("logins")
