"""The id of a session that lives on the server: a login gives it a new one (session fixation)."""

from __future__ import annotations

from flask.sessions import SecureCookieSessionInterface


def keeps_its_id(interface: object, sess: object) -> bool:
    """Tell whether a session on the server has the same id after a login as before it.

    :param sess: a session of this interface, or None where there is none at hand.
    """
    if isinstance(interface, SecureCookieSessionInterface):
        return False
    holders = (interface, getattr(interface, "session_class", None), sess)
    return not any(callable(getattr(holder, "regenerate", None)) for holder in holders)


def how_to_renew(interface: object) -> str:
    """Return how a session's interface comes to give sessions a new id."""
    if type(interface).__module__.partition(".")[0] == "flask_session":
        return "Upgrade to Flask-Session 0.6 or later."
    return (
        "Give the interface a method regenerate(session), or its sessions a method regenerate(),"
        " that gives the session a new id and forgets the old one."
    )
