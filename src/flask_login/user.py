"""What the library asks of a user object; only type checkers need it."""

from __future__ import annotations

from typing import Protocol


class User(Protocol):
    """What a user object must offer to be logged in.

    `is_active`, `is_authenticated` and `is_anonymous` may also be methods: they are called,
    and awaited where they are ``async def``.
    A user may further have ``get_session_auth_hash() -> str``: a text that changes when
    the credentials change, such as the password hash. When it does, every login session
    and remember token made before ends. It never leaves the server in clear.

    .. versionadded:: 0.6.90
    """

    @property
    def is_active(self) -> bool:
        """False for a suspended account: it can't log in, and a login it has ends."""
        ...

    @property
    def is_authenticated(self) -> bool:
        """True for a user who may pass `login_required`."""
        ...

    @property
    def is_anonymous(self) -> bool:
        """True only for the stand-in of "nobody"."""
        ...

    def get_id(self) -> str:
        """The user id: the text that `user_loader` takes to find this user again."""
        ...
