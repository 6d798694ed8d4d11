"""A realm: what of its logins is settled once, for every application and request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import settings
from .entry import Entry
from .exceptions import ConfigurationError
from .level import Level
from .ports import Hooks, Host

if TYPE_CHECKING:
    from .logins import StoredLogins
    from .visit import Source


class Realm:
    """One independent login of an application: its level, its sources, and where it asks."""

    #: Where a login lives.
    level: Level

    def __init__(
        self,
        name: str,
        clock: Callable[[], datetime],
        *,
        hooks: Hooks,
        own: Mapping[str, Any],
        host: Host,
        sources: tuple[Source, ...],
    ) -> None:
        self.name = name
        #: Whether this is the realm of a manager without a name.
        self.is_default: bool = name == settings.DEFAULT_REALM
        self.clock = clock
        self.hooks = hooks
        #: The hooks that the library brings itself, as methods: another one was put there where
        #: `hooks` has no equal one, be it in a subclass, on the class or on the manager.
        self.own = own
        self.host = host
        #: Where the user is looked for, in this order.
        self.sources = sources
        self.entry: Entry = Entry(name)
        #: Where a request keeps what this realm knows of it. Another manager may meet the same.
        self.key: str = f"_login_visit_{id(self):x}"
        #: What is done with the records of a session store; None without one.
        self.logins: StoredLogins | None = None

    def require_store(self, what: str) -> StoredLogins:
        """Return what is done with the records.

        Raises `ConfigurationError` without a session store.
        """
        if self.logins is None:
            raise ConfigurationError(
                "session_store",
                None,
                f"given for {what}",
                "Without one a login lives in the browser's cookie and can't be listed or revoked:"
                " LoginManager(app, session_store=MemorySessionStore()).",
            )
        return self.logins
