"""What the commands of ``flask login`` act on, and how they end when that is not there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from flask.cli import ScriptInfo

from .cli_output import printable
from .core import settings
from .exceptions import MissingLoginManager
from .flask_internals import get_app
from .sessions.store import SessionStoreUnavailable, named

if TYPE_CHECKING:
    from .ports import Manager, RealmInApp

P = ParamSpec("P")
R = TypeVar("R")

#: Gives a command one more option.
Option = Callable[[Callable[..., None]], Callable[..., None]]


class Unusable(click.ClickException):
    """Ends a command that does not fit the application, realm or store."""

    exit_code = 2


class _NoAnswer(click.ClickException):
    """Ends a command because the store gave no answer."""

    exit_code = 3


def answering(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a store's failure into a line for the operator: which store, where, and why.

    It shows the store's host, or its file, but no user name and no password.
    """

    @functools.wraps(command)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SessionStoreUnavailable as error:
            why = f": {error.why}." if error.cause else "."
            store = _store_of(kwargs.get("realm")) or error.store
            raise _NoAnswer(f"The session store ({store}) gave no answer{why}") from None
        except Exception as error:
            if not _is_of_database(error):
                raise
            store = _store_of(kwargs.get("realm")) or "sqlalchemy"
            raise _NoAnswer(
                f"The session store ({store}) failed: {type(error).__name__}. Do its tables"
                " exist, with all their columns? Make them by a migration or store.create_all()."
            ) from None

    return answered


def _store_of(realm: object) -> str | None:
    """Return what the store of a realm is called in a message: its kind and its address."""
    known = all_realms().get(str(realm))
    logins = known.manager._logins if known else None
    return named(logins.store) if logins else None


def _is_of_database(error: Exception) -> bool:
    """Return whether an error is SQLAlchemy's, which need not be installed."""
    kinds = ((kind.__module__, kind.__name__) for kind in type(error).__mro__)
    return ("sqlalchemy.exc", "SQLAlchemyError") in kinds


def all_realms() -> dict[str, RealmInApp]:
    """Return the application's realms: one at least."""
    app = get_app()
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    if not realms:
        raise Unusable(str(MissingLoginManager(app.name)))
    return realms


def manager_of(realm: str) -> Manager:
    """Return the realm's manager, which has a store that a command can ask."""
    realms = all_realms()
    if realm not in realms:
        known = ", ".join(sorted(realms))
        raise click.BadParameter(
            f"This application has no realm '{printable(realm)}'. It has: {known}.",
            param_hint="'--realm'",
        )
    manager = realms[realm].manager
    if manager._logins is None:
        raise Unusable(
            f"The realm '{realm}' has no session store: its logins are only in the browsers'"
            " cookies, where they can't be listed or ended. See session_store of LoginManager."
        )
    if manager._logins.store.kind == "memory" and not get_app().testing:
        raise Unusable(
            f"The realm '{realm}' keeps its logins in the memory of the process that serves the"
            " application, which a command can't read. Use SQLAlchemySessionStore or"
            " RedisSessionStore."
        )
    return manager


def _realms_to_complete(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Return the realms whose names a shell may complete; none if there is no application."""
    info = context.find_object(ScriptInfo)
    try:
        realms: dict[str, RealmInApp] = info.load_app().extensions.get("login", {}) if info else {}
    except Exception:  # noqa: BLE001  # whatever fails: nobody wants to see it in a line half typed
        return []
    return sorted(realm for realm in realms if realm.startswith(begun))


realm_option: Option = click.option(
    "--realm",
    default=settings.DEFAULT_REALM,
    show_default=True,
    help="Realm to act on.",
    shell_complete=_realms_to_complete,
)
json_option: Option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)
