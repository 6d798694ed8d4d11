"""The events of logins: blinker signals, and the audit log.

Every signal is sent with the application as sender. Receivers may read `current_user`.
"""

from __future__ import annotations

import logging

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

#: Sent when a credential came that the browser has left behind, or one and the same again and
#: again: a copy of the login was used. It has ended. Arguments: ``login``.
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

logger: logging.Logger = logging.getLogger("flask_login.audit")


def audit(
    event: str,
    *,
    user_id: str | None = None,
    login_id: str | None = None,
    ip: str | None = None,
    reason: str | None = None,
    actor: str | None = None,
    account: str | None = None,
    text: str = "",
) -> None:
    """Log an event at level INFO, with its facts as extra fields; never a secret.

    :param event: its name, a signal's.
    :param user_id: the user id of the user it is about.
    :param login_id: the public handle of the login in the session store.
    :param ip: the client's address.
    :param reason: why a login ended, or an attempt was refused.
    :param actor: the user id of the user who impersonates that one.
    :param account: a keyed digest of the name of the account that was tried.
    :param text: what the message says of it.
    """
    facts = {"event": event, "user_id": user_id, "login_id": login_id}
    facts.update(ip=ip, reason=reason, actor=actor, account=account)
    about = login_id or user_id or reason or "-"
    logger.info("%s %s%s", event, about, text and f": {text}", extra=facts)
