"""What is looked at when the first request comes: the application is complete by then."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from . import default_guard, finish
from .core import settings
from .decorator_order import check_decorator_order
from .flask_internals import (
    leave_out,
    note_request,
    opened_session,
    request_context,
    shares_g,
)
from .migrations import unmigrated
from .session_ids import how_to_renew, keeps_its_id
from .shared_g import leave_g_after_requests
from .spelling import misspellings, unknown_views

if TYPE_CHECKING:
    from flask import Flask

    from .findings import Finding
    from .ports import RealmInApp


def register(app: Flask) -> None:
    """Have an application looked at before its first request."""

    def check() -> None:
        # Those that were set after `init_app`; the views are all there only now.
        realms = app.extensions["login"]
        tell_of_settings(app, others=(*unknown_views(app, realms), *unmigrated(app, realms)))
        check_decorator_order(app)
        finish.be_last(app)
        _warn_of_kept_id(app)
        default_guard.step_aside(app)
        context = request_context.get(None)
        kept = "werkzeug.debug.preserve_context" in context.request.environ
        if app.testing or kept or shares_g(context):
            leave_g_after_requests(app)
        leave_out(app.before_request_funcs, check)

    app.before_request(check)
    note_request(app)


def tell_of_settings(
    app: Flask, told: Collection[str] = (), *, others: Iterable[Finding] = ()
) -> None:
    """Log odd or wrong settings of 0.6.3, and misspelt names, each once for an application.

    :param others: what else there is to tell.
    """
    realms: dict[str, RealmInApp] = app.extensions["login"]
    before = {text for known in realms.values() for text in known.told}
    now = set(settings.tell(app.config, before.union(told)))
    for found in (*misspellings(app, realms), *others):
        if found.text not in now:
            now.add(found.text)
            settings.logger.warning("%s %s", found.text, found.cure)
    for known in realms.values():
        known.told = frozenset(now)


def _warn_of_kept_id(app: Flask) -> None:
    interface = app.session_interface
    if not keeps_its_id(interface, None):
        return
    sess = opened_session(request_context.get(None))
    if interface.is_null_session(sess) or not keeps_its_id(interface, sess):
        return
    settings.logger.warning(
        "The sessions of the application '%s' keep their id at login: neither %s.%s nor they have a"
        " method 'regenerate'. Somebody who planted the id in a browser is logged in along with its"
        " user. %s",
        app.name,
        type(interface).__module__,
        type(interface).__qualname__,
        how_to_renew(interface),
    )
