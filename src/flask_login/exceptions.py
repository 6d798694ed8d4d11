"""The errors of the library: one root, data on each, a stable reason code.

Texts may be reworded or translated; programs compare `reason`.
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

    Raised by `LoginManager.init_app` for what stands in ``app.config`` then, and at
    use for what was changed later.

    .. versionadded:: 0.6.90
    """

    reason = "invalid_setting"

    def __init__(self, key: str, value: object, accepted: str, cure: str = "") -> None:
        #: The setting (``"REMEMBER_COOKIE_DURATION"``) or argument (``"duration"``).
        self.key = key
        #: The value that was refused.
        self.value = value
        #: What is accepted, in words.
        self.accepted = accepted
        # A number stands without quotes: the wording that tests of applications know.
        shown = value if str(value).isdigit() else repr(value)
        text = f"{key} must be {accepted}, instead got: {shown}"
        super().__init__(f"{text}. {cure}" if cure else text)


class MissingLoginManager(FlaskLoginError, RuntimeError):
    """The current application has no `LoginManager` (of that realm).

    .. versionadded:: 0.6.90
    """

    reason = "no_login_manager"

    def __init__(self, app_name: str) -> None:
        #: The name of the application that was asked.
        self.app_name = app_name
        super().__init__(
            f"The Flask application '{app_name}' has no login manager. Create one with"
            " 'login_manager = LoginManager(app)', or call 'login_manager.init_app(app)' in"
            " your application factory, before the first request."
        )


class MissingLoader(FlaskLoginError, RuntimeError):
    """Somebody asked for the user before the application said how to load one.

    .. versionadded:: 0.6.90
    """

    reason = "no_loader"

    def __init__(self) -> None:
        super().__init__(
            "Missing user_loader or request_loader. Decorate the function that turns a user id"
            " into your user object with '@login_manager.user_loader', or one that reads the"
            " request with '@login_manager.request_loader'."
        )


class InvalidUserId(FlaskLoginError, ValueError):
    """The user given to `login_user` has no id, so nobody could be found again by it.

    .. versionadded:: 0.6.90
    """

    reason = "no_user_id"

    def __init__(self, id_attribute: str) -> None:
        #: The method that was asked for the id.
        self.id_attribute = id_attribute
        super().__init__(
            f"user.{id_attribute}() returned None, so this login could not be found again on the"
            " next request. Was the user saved to the database (and given its id) before login?"
        )


class UnguardedViewError(FlaskLoginError, RuntimeError):
    """A guard stands above ``@app.route`` and therefore protects nothing.

    Found at the first request: raised in debug mode and while testing, logged otherwise.

    .. versionadded:: 0.6.90
    """

    reason = "decorator_order"

    def __init__(self, endpoints: Sequence[str]) -> None:
        #: The endpoints that are public although a guard was written on them.
        self.endpoints = tuple(endpoints)
        names = ", ".join(f"'{endpoint}'" for endpoint in self.endpoints)
        super().__init__(
            f"These views are public although a login guard is written above their route: {names}."
            " Decorators apply from the bottom up: put '@login_required' below '@app.route'."
        )
