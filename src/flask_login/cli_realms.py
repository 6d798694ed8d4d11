"""What the commands of ``flask login`` act on, and how they end when that is not there."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from .cli_output import printable
from .core import settings
from .exceptions import MissingLoginManager
from .flask_internals import get_app
from .sessions.store import SessionStoreUnavailable

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
    """Turn a store's failure into a line for the operator that shows no URL and no password."""

    @functools.wraps(command)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SessionStoreUnavailable as error:
            raise _NoAnswer(str(error)) from None
        except Exception as error:
            if not _is_of_database(error):
                raise
            raise _NoAnswer(
                f"The session store (sqlalchemy) failed: {type(error).__name__}. Do its tables"
                " exist, with all their columns? Make them by a migration or store.create_all()."
            ) from None

    return answered


def _is_of_database(error: Exception) -> bool:
    # The code that raises it has imported SQLAlchemy.
    sqlalchemy: Any = sys.modules.get("sqlalchemy.exc")
    return sqlalchemy is not None and isinstance(error, sqlalchemy.SQLAlchemyError)


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


realm_option: Option = click.option(
    "--realm", default=settings.DEFAULT_REALM, show_default=True, help="Realm to act on."
)
json_option: Option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)
