"""The events of a login's life, as blinker signals.

Every signal is sent with the application as sender. Receivers may read `current_user`.
"""

from __future__ import annotations

import sys
import warnings

from blinker import NamedSignal, Namespace

_signals = Namespace()

#: Sent by `login_user`. Arguments: ``user``.
user_logged_in: NamedSignal = _signals.signal("logged-in")

#: Sent by `login_failed`, and when an attempt of a `LoginThrottle` has failed. Arguments:
#: ``identity``, the account's name as it was typed; it need not exist.
#:
#: .. versionadded:: 0.6.90
user_login_failed: NamedSignal = _signals.signal("login-failed")

#: Sent by `logout_user`, while `current_user` is still the user. Arguments: ``user``.
user_logged_out: NamedSignal = _signals.signal("logged-out")

#: Sent when a remember token logged the user in again. Arguments: ``user``.
user_loaded_from_cookie: NamedSignal = _signals.signal("loaded-from-cookie")

#: Sent when a request loader named the user of this request. Arguments: ``user``.
user_loaded_from_request: NamedSignal = _signals.signal("loaded-from-request")

#: Sent when a `header_loader` named the user. Arguments: ``user``. Its public name is deprecated.
_user_loaded_from_header: NamedSignal = _signals.signal("loaded-from-header")

#: Sent by `confirm_login`: the login is fresh again. No arguments.
user_login_confirmed: NamedSignal = _signals.signal("login-confirmed")

#: Sent when a caller who is not logged in is refused. No arguments.
user_unauthorized: NamedSignal = _signals.signal("unauthorized")

#: Sent when a caller is refused because the login is not fresh. No arguments.
user_needs_refresh: NamedSignal = _signals.signal("needs-refresh")

#: Sent once a request, when somebody first asked who the user is. No arguments.
user_accessed: NamedSignal = _signals.signal("accessed")

#: Sent when session protection found another client. No arguments.
session_protected: NamedSignal = _signals.signal("session-protected")

#: Sent when a login session begins in the store. Arguments: ``login``, a `LoginSession`.
#:
#: .. versionadded:: 0.6.90
login_session_started: NamedSignal = _signals.signal("login-session-started")

#: Sent when a login session ends, for whatever reason. Arguments: ``login``, ``reason``.
#:
#: .. versionadded:: 0.6.90
login_session_ended: NamedSignal = _signals.signal("login-session-ended")

#: Sent when a remember token came that had been used before: somebody has a copy. That login
#: has ended. Arguments: ``login``.
#:
#: .. versionadded:: 0.6.90
remember_token_reused: NamedSignal = _signals.signal("remember-token-reused")

#: Sent when somebody begins to act as another user. Arguments: ``user``, ``actor``.
#:
#: .. versionadded:: 0.6.90
impersonation_started: NamedSignal = _signals.signal("impersonation-started")

#: Sent when somebody stops acting as another user. Arguments: ``user``, ``actor``.
#:
#: .. versionadded:: 0.6.90
impersonation_stopped: NamedSignal = _signals.signal("impersonation-stopped")

#: Sent when the session store gave a request no answer. Arguments: ``error``, a
#: `SessionStoreUnavailable`.
#:
#: .. versionadded:: 0.6.90
session_store_unavailable: NamedSignal = _signals.signal("session-store-unavailable")


def loaded_from_header(level: int) -> NamedSignal:
    """Return the signal of the `header_loader` to somebody who knows it by its deprecated name.

    :param level: how many frames away that is, counted from the caller.
    """
    # `from package import name` looks twice: at first whether there is something to import.
    if sys._getframe(level).f_globals.get("__name__") != "importlib._bootstrap":
        warnings.warn(
            "'user_loaded_from_header' is deprecated, as header_loader is. Use a request_loader or"
            " a bearer_loader, and 'user_loaded_from_request'.",
            DeprecationWarning,
            stacklevel=level + 1,
        )
    return _user_loaded_from_header


def __getattr__(name: str) -> NamedSignal:
    if name == "user_loaded_from_header":
        return loaded_from_header(2)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
