"""What a setting is: a key of ``app.config`` with its default, its meaning and its parser."""

from __future__ import annotations

import logging
from ast import literal_eval
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

from .exceptions import ConfigurationError
from .parsers import REFUSALS

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("flask_login")


class Remark(NamedTuple):
    """Something about a setting of 0.6.3 that stops no application from starting."""

    #: Whether whatever uses the setting fails; otherwise the value only has an odd form.
    is_error: bool
    #: What was found.
    text: str
    #: What to write.
    cure: str


#: Stands for a key that is not in ``app.config``.
_UNSET: Any = object()


class Setting(Generic[T]):
    """One key of ``app.config``: its default, what it accepts, what it means."""

    def __init__(
        self,
        key: str,
        default: T,
        accepted: str,
        meaning: str,
        parse: Callable[[Any], T],
        *,
        tolerate: Callable[[Any], T] | None = None,
    ) -> None:
        self.key = key
        self.default = default
        self.accepted = accepted
        self.meaning = meaning
        self.parse = parse
        #: Reads a value that has another form and only one meaning. Every setting of Flask-Login
        #: 0.6.3 has it, because that release checked nothing: `init_app` does not raise for them.
        #: None for the other settings, for which it does.
        self.tolerate = tolerate

    def read(self, config: Mapping[str, Any]) -> T:
        """Return the setting's value in `config`, or its default.

        Raises `ConfigurationError` for a value that is not accepted.
        """
        if self.key not in config:
            return self.default
        return self.check(config[self.key])

    def check(self, value: object) -> T:
        """Return `value` in its parsed form, or raise `ConfigurationError`."""
        try:
            return self.parse(value)
        except ConfigurationError:
            raise
        except REFUSALS:
            return self._tolerated(value)

    def _tolerated(self, value: object) -> T:
        if self.tolerate is not None:
            text = value.strip() if isinstance(value, str) else value
            if text is None or text == "":
                return self.default  # an empty environment variable counts as not set
            try:
                return self.tolerate(text)
            except REFUSALS:
                pass
        raise ConfigurationError(self.key, value, self.accepted, self._unquoted(value)) from None

    def _unquoted(self, value: object) -> str:
        """Return what to write in place of a text whose quotes are all that is wrong with it."""
        if not isinstance(value, str) or self.tolerate is not None:
            return ""
        try:
            meant = literal_eval(value)
            self.parse(meant)
        except (*REFUSALS, SyntaxError, MemoryError):
            return ""
        return f"Write {self.key} = {meant!r}, without the quotes"

    def remark(self, value: object, name: str | None = None) -> Remark | None:
        """Return what there is to say about `value`, or None when it has the accepted form.

        :param name: what the value was given to, when not to the setting itself.
        """
        name = name or self.key
        try:
            self.parse(value)
        except REFUSALS:
            pass
        else:
            return None
        try:
            read = self.check(value)
        except ConfigurationError:
            error = ConfigurationError(name, value, self.accepted)
            return Remark(True, f"{error}.", f"Set it to {self.accepted}.")
        return Remark(False, f"{name} is {value!r}, read as {read!r}.", f"Write {name} = {read!r}.")


class Settings(Generic[T]):
    """Several settings that are read together; each combination of values is looked at once."""

    def __init__(self, make: Callable[..., T], *rows: Setting[Any]) -> None:
        """Keep what makes the answer of the parsed values, in the order of `rows`."""
        self._keys = tuple(row.key for row in rows)
        self._unset = (_UNSET,) * len(rows)
        #: Where none of these is in ``app.config``, `default` is the answer.
        self.keys: frozenset[str] = frozenset(self._keys)
        self.default = make(*(row.default for row in rows))

        def parsed(*values: Any) -> T:
            known = zip(rows, values, strict=True)
            return make(*(row.default if one is _UNSET else row.check(one) for row, one in known))

        self._parsed = lru_cache(maxsize=128, typed=True)(parsed)

    def read(self, config: Mapping[str, Any]) -> T:
        """Return what `make` makes of the settings in `config`, or of their defaults.

        Raises `ConfigurationError` for a value that is not accepted.
        """
        values = tuple(map(config.get, self._keys, self._unset))
        try:
            return self._parsed(*values)
        except TypeError:  # a list, say, is no key of a cache
            return self._parsed.__wrapped__(*values)


def rows_of(
    module: Mapping[str, object], but: Collection[Setting[Any]] = ()
) -> tuple[Setting[Any], ...]:
    """Return the settings among a module's names, in the order in which they were defined.

    :param but: those to leave out, because another module defines them.
    """
    values = cast("Mapping[str, Any]", module).values()
    found: list[Setting[Any]] = [value for value in values if isinstance(value, Setting)]
    return tuple(setting for setting in found if setting not in but)


def log_remark(remark: Remark) -> None:
    """Log a remark: as an error if whatever uses the setting fails, otherwise as a warning."""
    if remark.is_error:
        logger.error(
            "%s The application starts; whatever uses the setting raises this. %s",
            remark.text,
            remark.cure,
        )
    else:
        logger.warning("%s %s", remark.text, remark.cure)
