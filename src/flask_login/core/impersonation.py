"""Impersonation: support staff see the site as a user does, and every event says who they are.

The actor stays the one who is logged in: the session, the record in the store, the remember
cookie and every timeout are the actor's. An entry in the session says as whom they act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import events, users, whose
from .state import NOBODY_LOADED
from .users import NOBODY, is_active, says

if TYPE_CHECKING:
    from .visit import Visit


def start(visit: Visit, actor: Any, user: Any) -> str | None:
    """Have `actor` act as `user` from here on; return why that is denied, or None."""
    realm, sess, keys = visit.realm, visit.entries, visit.realm.entry.keys
    if visit.is_late:
        return "The response has begun: this browser can't be told any more."
    if visit.actor is not None:
        return "Somebody who acts as another user can't act as a third."
    if not whose.is_of_session(visit, actor):
        return "Only a user who is logged in in this session may act as another."
    user_id = users.login_id_of(visit, user)
    if user_id is None or str(user_id) in {str(sess[keys.user_id]), *whose.own_ids(visit)}:
        return "There is no other user to act as."
    if not is_active(user, visit.resolve) or not _may(visit, actor, user):
        return "The actor may not act as this user."
    # Forms that were opened as oneself are not sent as somebody else then, nor the reverse.
    visit.change_hands()
    realm.level.renew(visit, sess)
    sess[keys.acting_as] = user_id
    visit.assign(user, "session")
    visit.actor, visit.acted = actor, (user, user_id)
    visit.keep(anew=True)
    _note(visit, "impersonation_started", user_id)
    visit.send(events.impersonation_started, user=user, actor=actor)
    return None


def stop(visit: Visit, user: Any) -> bool:
    """Have the actor be themselves again; return whether anybody was impersonated."""
    actor = visit.actor
    if actor is None:
        return False
    if visit.is_late:
        visit.tell_late("stop_impersonating")
    # Whoever kept the session of before does not begin to act again.
    visit.realm.level.renew(visit, visit.entries)
    end(visit)
    visit.keep(anew=True)
    visit.rotate_form_token()
    visit.assign(actor, "session")
    visit.send(events.impersonation_stopped, user=user, actor=actor)
    return True


def continued(visit: Visit, actor: Any) -> Any:
    """Return the user as whom the session's user goes on to act, or `NOBODY` for no more."""
    sess, keys = visit.entries, visit.realm.entry.keys
    user_id = sess[keys.acting_as]
    user = None if user_id is None else users.find(visit, user_id)
    if user is not None and is_active(user, visit.resolve) and _may(visit, actor, user):
        visit.actor, visit.acted = actor, (user, user_id)
        return user
    # Nobody for this once: what was meant for the user is not for the actor to do.
    end(visit)
    visit.keep()
    visit.rotate_form_token()
    return NOBODY


def end(visit: Visit) -> None:
    """Have nobody act as another any more in this login."""
    sess, key = visit.entries, visit.realm.entry.keys.acting_as
    if not visit.is_late:  # else it is to be ended once more, by the next request
        if sess.get(key) is not None:  # else it was noted when it ended
            _note(visit, "impersonation_stopped", sess[key])
        visit.regenerate()
    visit.realm.entry.remove(sess, key)
    visit.actor, visit.acted = None, NOBODY_LOADED


def _note(visit: Visit, event: str, user_id: Any) -> None:
    """Log who acts as whom: the login's user as another."""
    record = None if visit.stored is None else visit.stored.record
    actor = visit.entries.get(visit.realm.entry.keys.user_id, record and record.user_id)
    events.audit(
        event,
        user_id=str(user_id),
        login_id=None if record is None else record.id,
        ip=visit.realm.host.client().address,
        actor=str(actor),
    )


def _may(visit: Visit, actor: Any, user: Any) -> bool:
    callback = visit.realm.hooks.may_impersonate_callback
    return callback is not None and says(callback(actor, user), visit.resolve)
