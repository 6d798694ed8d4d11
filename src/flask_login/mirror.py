"""The user of the request as ``g._login_user``, for extensions that read, write or delete it.

``g`` may outlive the request: where somebody else pushed the application's context, as tests and
commands do. What stands there counts for no request but its own, and is taken away at its end.

Also here: who finishes the response for each realm, and says that it depends on the cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from flask import after_this_request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.local import LocalProxy

from . import config as settings
from . import utils
from .entries import Entries
from .loaders import UserT, unwrap
from .state import (
    UNLOADED,
    RequestState,
    app_context,
    get_g,
    get_request,
    is_answered,
    note_answer,
    opened_session,
    request_context,
    take_back_answer,
)

if TYPE_CHECKING:
    from flask import Flask, Response


#: On a request whose response says that it depends on the cookie.
_VARIES = "_login_varies"
#: On a request: the managers that have something to do to its response.
_DUE = "_login_responses_due"


class Mirror(Entries[UserT]):
    """The part of `LoginManager` that keeps what is known of a request, on it and on ``g``."""

    def __init__(self, realm: str) -> None:
        super().__init__(realm)
        # Of this manager's own: another application's may meet the same request.
        self._state_key = f"_login_state_{id(self):x}"

    def _state(self) -> RequestState:
        try:
            holder = request_context.get().request.__dict__
        except LookupError:
            holder = get_request().__dict__  # with Flask's error
        state: RequestState | None = holder.get(self._state_key)
        return holder.setdefault(self._state_key, RequestState()) if state is None else state

    def _wish(self, state: RequestState, wish: Literal["set", "clear"]) -> None:
        """Have the response "set" or "clear" the remember cookie."""
        state.remember, state.said_on = wish, None
        self._finish_response(state)

    def _finish_response(self, state: RequestState) -> None:
        """Have `_update_remember_cookie` see the response of this request."""
        context = request_context.get()
        if is_answered(context.request):
            return  # it was sent
        state.response_due = True
        due = context.request.__dict__.setdefault(_DUE, [])
        if self not in due:
            due.append(self)
        if finish_response in context.app.after_request_funcs.get(None, ()):
            return
        if id(context) not in state.answered_in:  # a copy of the context has no response of its own
            state.answered_in |= {id(context)}
            after_this_request(self._update_remember_cookie)

    if TYPE_CHECKING:

        def _update_remember_cookie(self, response: Response) -> Response: ...
        def _sees_every_response(self) -> bool: ...
        def _user_of(self, request: Any) -> Any: ...
        def _first_question(self) -> Any: ...
        def _found_meanwhile(self) -> Any: ...

    def _assign(self, user: Any, source: str | None) -> None:
        state = self._state()
        state.user, state.source, state.written = unwrap(user), source, UNLOADED
        state.failed = None
        if self.realm == settings.DEFAULT_REALM:
            self._mirror(state)
        if source in ("request", "bearer"):
            self._finish_response(state)

    @staticmethod
    def _mirror(state: RequestState) -> None:
        holder = app_context.get().g.__dict__
        holder["_login_user"], holder["_login_state"] = state.user, state
        leave_shared_g()

    def _reconcile(self, state: RequestState | None, mirror: Any) -> Any:
        """Settle what ``g._login_user`` says against what this request knows.

        The mirror of another request's user does not count. What is no mirror was written by other
        code: it counts for as long as it stands there.
        """
        owner: RequestState | None = getattr(get_g(), "_login_state", None)
        if mirror is not UNLOADED:
            if owner is None or mirror is not owner.on_g:
                return self._claim(mirror)
            if owner is state:
                return mirror
        if state is None or state.user is UNLOADED or (owner is state and mirror is UNLOADED):
            return self._first_question()
        self._mirror(state)
        user = state.on_g  # which another thread of this request may forget for a moment
        return self._found_meanwhile() if user is UNLOADED else user

    def _claim(self, written: Any) -> Any:
        """Take what other code wrote to ``g`` for this request's, and no other's."""
        holder, state = get_g(), self._state()
        if isinstance(written, LocalProxy):
            del holder._login_user  # it may be current_user, which would ask us again
            written = unwrap(written)
        state.written = holder._login_user = written
        holder._login_state = state
        leave_shared_g()
        return written

    def _leave_g(self, *, kept: bool) -> None:
        """Take this request's user from ``g`` at its end, for the next one not to find it.

        :param kept: leave it there as this request's: a test still looks at the request.
        """
        holder = get_g()
        own = get_request().__dict__.get(self._state_key)
        owner: RequestState | None = getattr(holder, "_login_state", None)
        mirror = getattr(holder, "_login_user", UNLOADED)
        if owner is not None and owner is not own:
            if mirror is not owner.on_g:
                holder._login_user = owner.on_g  # written over what an outer request had there
        elif kept and mirror is not UNLOADED:
            self._user_of(get_request())
        else:
            holder.pop("_login_user", None)
            holder.pop("_login_state", None)


def finish_responses(app: Flask) -> None:
    """Have Flask call `finish_response` last of what it calls after each request of `app`.

    The application's own functions may ask who the user is, log somebody in or out, or put another
    response in the place of the view's.
    """
    functions = [f for f in app.after_request_funcs.get(None, []) if f is not finish_response]
    app.after_request_funcs[None] = [finish_response, *functions]  # the first is called last


def finish_response(response: Response) -> Response:
    """Have each manager that has something to do see the response, and note that it begins.

    It costs each request a microsecond. Nothing else tells, once a stream or what is done at the
    end of a request asks who the user is, that it can't be answered with a cookie any more.
    """
    context = request_context.get()
    request = context.request
    due = request.__dict__.get(_DUE, ())
    for manager in due:
        response = manager._update_remember_cookie(response)
    for known in context.app.extensions["login"].values():
        manager = known.manager
        if manager._sees_every_response() and manager not in due:
            response = manager._update_remember_cookie(response)
    if context.app.after_request_funcs[None][0] is finish_response:
        _say_vary(context, response)
        note_answer(request)
    else:
        finish_responses(context.app)  # from the next request on
    return response


def answer_again(_: Flask, **__: Any) -> None:
    """Note that an error's response takes the place of the one that had begun: a receiver."""
    context = request_context.get(None)
    if context is not None:
        take_back_answer(context.request)


def _say_vary(context: Any, response: Response) -> None:
    """Do what Flask is about to do for a session that was read, in a fifth of the time.

    Flask parses the header and writes it back by way of a set: 5 µs, a quarter of what a guarded
    page costs.
    """
    sess, holder = opened_session(context), context.request.__dict__
    if type(sess) is not SecureCookieSession:
        return  # none that Flask saves
    if holder.pop(_VARIES, False):
        sess.accessed = True  # this response takes the place of one that failed
    # Where the session was modified Flask says it once more, with the cookie.
    if not sess.accessed or sess.modified:
        return
    interface = context.app.session_interface
    if type(interface) is not SecureCookieSessionInterface or vars(interface):
        return  # another may do something else for a session that was read
    # Not `in`: it raises and catches an error for a header that is missing, for a microsecond.
    if "vary" not in [name.lower() for name, _ in response.headers]:
        response.headers.add("Vary", "Cookie")
        sess.accessed = False  # so that Flask does not do it again
        holder[_VARIES] = True


def shares_g(context: Any) -> bool:
    """Tell whether ``g`` may outlive a request.

    In production it never does. Since Flask 3.2 each request has its own.
    """
    tokens: Any = getattr(context, "_cv_tokens", None)
    return bool(tokens) and tokens[0][1] is None  # it did not push an application context itself


def leave_shared_g() -> None:
    """See to it that ``g`` is left at the end of each request, once it outlives one.

    Only then: whatever Flask calls at the end of a request costs each a microsecond.
    """
    context = request_context.get()
    if shares_g(context):
        leave_g_after_requests(context.app)


def leave_g_after_requests(app: Flask) -> None:
    """Have Flask call `_leave_g` at the end of each request of an application."""
    functions = app.teardown_request_funcs.setdefault(None, [])
    if _leave_g not in functions:
        functions.append(_leave_g)


def _leave_g(_: BaseException | None) -> None:
    # A test client's "with" block tears down twice: after the request, and when it ends.
    environ = request.environ
    kept = environ.get("werkzeug.debug.preserve_context") is not None
    kept = kept and not environ.get("flask_login.left_g")
    environ["flask_login.left_g"] = True
    utils.default_manager()._leave_g(kept=kept)
