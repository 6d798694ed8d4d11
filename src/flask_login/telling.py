"""What a visit tells the log: once, so that nobody reads it a thousand times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core.settings import logger

if TYPE_CHECKING:
    from flask import Flask

_LATE = (
    "%s() was called after the response had begun (in a stream, or at the end of a request): the"
    " session and the cookies of this browser stay as they are. A logout still ends what is in a"
    " session store. Call it in the view."
)


def tell_once(app: Flask, realm: str, what: str, user: object, text: str) -> None:
    """Log a warning, once per application and class of users; see `Ports.tell_once`."""
    known = app.extensions.get("login", {}).get(realm)
    told = set[tuple[str, str]]() if known is None else known.told_of_users
    of_class = f"{type(user).__module__}.{type(user).__qualname__}"
    if (what, of_class) not in told:
        told.add((what, of_class))
        logger.warning(text, of_class)


def tell_late(function: str) -> None:
    """Warn that a function was called when the response had begun."""
    logger.warning(_LATE, function)
