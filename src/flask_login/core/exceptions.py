"""The errors of the library: one root, data on each, a stable reason code.

Texts may be reworded or translated; programs compare `reason`. The data is in ``args``, so that
errors survive pickling on their way from a worker process.
"""

from __future__ import annotations

from collections.abc import Sequence


class FlaskLoginError(Exception):
    """The root of every error raised by this library.

    .. versionadded:: 0.6.90
    """

    #: A stable, machine-readable code of what went wrong.
    reason: str = "error"


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
        # Digits stand without quotes: the wording that tests of applications know.
        shown = self.value if str(self.value).isdigit() else repr(self.value)
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
