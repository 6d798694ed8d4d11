"""The audit log: the events of logins, for who has to know afterwards what happened."""

from __future__ import annotations

import logging

logger: logging.Logger = logging.getLogger("flask_login.audit")


def audit(
    event: str,
    *,
    user_id: str | None = None,
    login_id: str | None = None,
    ip: str | None = None,
    reason: str | None = None,
    actor: str | None = None,
) -> None:
    """Log an event at level INFO, with its facts as extra fields; never a secret.

    :param event: its name, a signal's.
    :param user_id: whom it is about.
    :param login_id: the public handle of the login in the session store.
    :param ip: the client's address.
    :param reason: why a login ended.
    :param actor: the user id of who impersonates the user.
    """
    facts = {"event": event, "user_id": user_id, "login_id": login_id}
    facts.update(ip=ip, reason=reason, actor=actor)
    logger.info("%s %s", event, login_id or user_id or "-", extra=facts)
