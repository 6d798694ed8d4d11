"""A manager in an application: what `LoginManager.init_app` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import cli_group, default_guard, finish, first_request
from .core import settings
from .core.exceptions import ConfigurationError
from .migrations import unmigrated
from .ports import Manager, RealmInApp

if TYPE_CHECKING:
    from flask import Flask


def register(manager: Manager, app: Flask, add_context_processor: bool) -> None:
    """Make a manager the one of its realm in `app`, replacing an earlier one."""
    settings.apply_profile(app.config)
    settings.check_settings(app.config)
    _require_store(manager, app)
    realms: dict[str, RealmInApp] = app.extensions.setdefault("login", {})
    _require_own_store(manager, realms)
    first = not realms
    told = {text for known in realms.values() for text in known.told}
    realms[manager.realm] = RealmInApp(manager)
    others = unmigrated(app, realms, is_complete=False)
    first_request.tell_of_settings(app, told, others=others)
    if manager.realm == settings.DEFAULT_REALM:
        app.login_manager = manager  # type: ignore[attr-defined]  # its place since 2012
    if first:
        cli_group.register(app)
        first_request.register(app)
        default_guard.register(app)
        finish.register(app)
    if manager._logins is not None and manager._logins.store.kind == "memory":
        _warn_of_memory(app)
    if add_context_processor:
        app.context_processor(manager._template_context)


def _require_store(manager: Manager, app: Flask) -> None:
    if manager._logins is None and settings.LOGIN_STATE.read(app.config) == "cookie":
        raise ConfigurationError("session_store", None, _ACCEPTED_BY_COOKIE, _CURE_BY_COOKIE)


_ACCEPTED_BY_COOKIE = "given for LOGIN_STATE = 'cookie'"
_CURE_BY_COOKIE = (
    "Give one to the LoginManager of every realm: LoginManager(app,"
    " session_store=MemorySessionStore()), or set LOGIN_STATE = 'session'."
)


def _require_own_store(manager: Manager, realms: dict[str, RealmInApp]) -> None:
    for realm, known in realms.items():
        logins = known.manager._logins
        if manager._logins is None or logins is None or realm == manager.realm:
            continue
        if logins.store is manager._logins.store:
            # The customer "7" would be logged out along with the colleague "7".
            raise ConfigurationError(
                "session_store",
                logins.store,
                f"another store than that of the realm '{realm}'",
                "Give each realm its own, with a table_name or prefix of its own.",
            )


def _warn_of_memory(app: Flask) -> None:
    if not app.debug and not app.testing:
        settings.logger.warning(
            "The application '%s' keeps its logins in the memory of one process: they are gone when"
            " it ends, and other worker processes don't know them. Use SQLAlchemySessionStore or"
            " RedisSessionStore.",
            app.name,
        )
