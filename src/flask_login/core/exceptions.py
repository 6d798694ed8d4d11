"""The errors of the library: one root, data on each, a stable reason code.

Texts may be reworded or translated; programs compare `reason`. The data is in ``args``, so that
errors survive pickling on their way from a worker process.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID


class FlaskLoginError(Exception):
    """The root of every error raised by this library.

    .. versionadded:: 0.6.90
    """

    #: A stable, machine-readable code of what went wrong.
    reason: str = "error"


#: What Flask-Login 0.6.3 checked.
_WITHOUT_QUOTES = frozenset({"REMEMBER_COOKIE_DURATION", "duration"})


class ConfigurationError(FlaskLoginError, ValueError):
    """A setting or argument has a value that is not accepted.

    Raised by `LoginManager.init_app` for what stands in ``app.config`` then, and at use for what
    was changed later. For a setting that Flask-Login 0.6.3 had, which raised nothing at start, it
    is an error in the log at start, and raised at use.

    .. versionadded:: 0.6.90
    """

    reason = "invalid_setting"

    def __init__(self, key: str, value: object, accepted: str, cure: str = "") -> None:
        super().__init__(key, value, accepted, cure)
        #: The setting (``"REMEMBER_COOKIE_DURATION"``) or argument (``"duration"``).
        self.key = key
        #: The value that was refused.
        self.value = value
        #: What is accepted, in words.
        self.accepted = accepted
        #: What to do about it; may be empty.
        self.cure = cure

    def __str__(self) -> str:
        # The wording that tests of applications know has no quotes here. Anywhere else the quotes
        # are what is wrong: "30" is a text.
        bare = self.key in _WITHOUT_QUOTES and str(self.value).isdigit()
        shown = self.value if bare else repr(self.value)
        text = f"{self.key} must be {self.accepted}, instead got: {shown}"
        return f"{text}. {self.cure}" if self.cure else text


class MissingLoginManager(FlaskLoginError, RuntimeError):
    """The current application has no `LoginManager` (of that realm).

    .. versionadded:: 0.6.90
    """

    reason = "no_login_manager"

    def __init__(self, app_name: str, realm: str | None = None) -> None:
        super().__init__(app_name, realm)
        #: The name of the application that was asked.
        self.app_name = app_name
        #: The named realm that was asked for; None for the default one.
        self.realm = realm

    def __str__(self) -> str:
        named = f" for the realm '{self.realm}'" if self.realm else ""
        name = f", name='{self.realm}'" if self.realm else ""
        return (
            f"The Flask application '{self.app_name}' has no login manager{named}. Create one with"
            f" 'login_manager = LoginManager(app{name})', or call 'login_manager.init_app(app)' in"
            " your application factory, before the first request."
        )


class MissingLoader(FlaskLoginError, RuntimeError):
    """Somebody asked for the user before the application said how to load one.

    .. versionadded:: 0.6.90
    """

    reason = "no_loader"

    def __str__(self) -> str:
        return (
            "Missing user_loader or request_loader. Decorate the function that turns a user id"
            " into your user object with '@login_manager.user_loader', or one that reads the"
            " request with '@login_manager.request_loader'."
        )


class InvalidUserId(FlaskLoginError, ValueError):
    """The user to be logged in was not saved and has no id: nobody could be found again by it.

    .. versionadded:: 0.6.90
    """

    reason = "no_user_id"

    def __init__(self, id_attribute: str) -> None:
        super().__init__(id_attribute)
        #: The method that was asked for the id.
        self.id_attribute = id_attribute

    def __str__(self) -> str:
        return (
            f"The user has no id that user.{self.id_attribute}() could return, so this login could"
            " not be found again on the next request. Was the user saved to the database (and given"
            " its id) before login?"
        )


class InvalidUser(FlaskLoginError, AttributeError):
    """What is to be a user lacks what a user has: it is None, an id, or its class no user's.

    It is an `AttributeError` as well, because Flask-Login 0.6.3 raised that.

    .. versionadded:: 0.6.90
    """

    reason = "no_user"

    def __init__(self, what: str, given: str, missing: str) -> None:
        super().__init__(what, given, missing)
        #: What was to be a user: ``"user"`` for an argument, or ``"current user"``.
        self.what = what
        #: The type of what was given, ``"None"`` for None; never its value, which may be anything.
        self.given = given
        #: The attribute or method that it lacks.
        self.missing = missing

    def __str__(self) -> str:
        text = (
            f"The {self.what} must be an object with '{self.missing}', instead got: {self.given}."
        )
        if self.what != "user":
            return f"{text} {_OF_A_LOADER if self.given in _OF_IDS else _OF_A_CLASS}"
        if self.given == "None":
            return f"{text} Nobody was found: ask for None before a login."
        return f"{text} {_OF_AN_ID if self.given in _OF_IDS else _OF_A_CLASS}"


_OF_A_LOADER = "A loader has to return the user's object, not the id that it was given."
_OF_AN_ID = "Give it the object that your user_loader returns, not an id or a name."
_OF_A_CLASS = "Let the class of your users inherit from flask_login.UserMixin, or define it."
#: The types of nearly all user ids: what is given where a user is to be.
ID_TYPES = (str, int, bool, bytes, UUID)
_OF_IDS = frozenset(kind.__name__ for kind in ID_TYPES)


class NoCurrentUser(FlaskLoginError, AttributeError):
    """Something of the current user was read outside of a request, where there is none.

    It is an `AttributeError` as well, because Flask-Login 0.6.3 raised that.

    .. versionadded:: 0.6.90
    """

    reason = "no_request"

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        #: What was read.
        self.attribute = attribute

    def __str__(self) -> str:
        return (
            f"'{self.attribute}' of current_user was read outside of a request, where current_user"
            " is None. Give threads, tasks and commands the user or the user's id; acting_as(user)"
            " makes it their current user."
        )


class LoginInSession(FlaskLoginError, RuntimeError):
    """Other code wrote a login into Flask's session, which holds none by ``LOGIN_STATE``.

    Found when somebody asks who the user is, and at the end of the request: raised in debug mode
    and while testing, logged otherwise.

    .. versionadded:: 0.6.90
    """

    reason = "login_in_session"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        #: The entry of the session.
        self.key = key

    def __str__(self) -> str:
        return (
            f"session['{self.key}'] was written, and means nothing with LOGIN_STATE = 'cookie'."
            " Call login_user(user); in a test use FlaskLoginClient or client.post to the login"
            " page."
        )


class UnguardedViewError(FlaskLoginError, RuntimeError):
    """A guard stands above ``@app.route`` and therefore protects nothing.

    Found at the first request: raised in debug mode and while testing, logged otherwise.

    .. versionadded:: 0.6.90
    """

    reason = "decorator_order"

    def __init__(self, endpoints: Sequence[str]) -> None:
        super().__init__(tuple(endpoints))
        #: The endpoints that are public although a guard was written on them.
        self.endpoints: tuple[str, ...] = tuple(endpoints)

    def __str__(self) -> str:
        names = ", ".join(f"'{endpoint}'" for endpoint in self.endpoints)
        return (
            f"These views are public although a login guard is written above their route: {names}."
            " Decorators apply from the bottom up: put '@login_required' below '@app.route'."
        )
