"""An old import path: the signals of logins, which are defined in `core.events`."""

from __future__ import annotations

import sys
import warnings

from blinker import NamedSignal

from .core.events import _signals as _signals
from .core.events import (
    _user_loaded_from_header as _user_loaded_from_header,
)
from .core.events import (
    impersonation_started as impersonation_started,
)
from .core.events import (
    impersonation_stopped as impersonation_stopped,
)
from .core.events import (
    login_session_ended as login_session_ended,
)
from .core.events import (
    login_session_started as login_session_started,
)
from .core.events import (
    remember_token_reused as remember_token_reused,
)
from .core.events import (
    session_protected as session_protected,
)
from .core.events import (
    session_store_unavailable as session_store_unavailable,
)
from .core.events import (
    user_accessed as user_accessed,
)
from .core.events import (
    user_loaded_from_cookie as user_loaded_from_cookie,
)
from .core.events import (
    user_loaded_from_request as user_loaded_from_request,
)
from .core.events import (
    user_logged_in as user_logged_in,
)
from .core.events import (
    user_logged_out as user_logged_out,
)
from .core.events import (
    user_login_confirmed as user_login_confirmed,
)
from .core.events import (
    user_login_failed as user_login_failed,
)
from .core.events import (
    user_needs_refresh as user_needs_refresh,
)
from .core.events import (
    user_unauthorized as user_unauthorized,
)


def loaded_from_header(level: int) -> NamedSignal:
    """Return the signal of the `header_loader` to somebody who knows it by its name of 0.6.

    :param level: how many frames away that is, counted from the caller.
    """
    # `from package import name` looks twice: at first whether there is something to import.
    if sys._getframe(level).f_globals.get("__name__") != "importlib._bootstrap":
        warnings.warn(
            "'user_loaded_from_header' is deprecated since 0.6.90 and goes in 0.7: use"
            " request_loader or bearer_loader, and user_loaded_from_request",
            DeprecationWarning,
            stacklevel=level + 1,
        )
    return _user_loaded_from_header


def __getattr__(name: str) -> NamedSignal:
    if name == "user_loaded_from_header":
        return loaded_from_header(2)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
