"""User objects: what the library asks of them, and ready-made answers to inherit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Marks "nobody has asked yet"; None is a user that `anonymous_user` may return.
UNLOADED: Any = object()

#: What a source returns for "nobody, and no other source is to be asked".
NOBODY: Any = object()


def says(value: Any) -> bool:
    """Return the yes or no of a user object, written as a property or as a method."""
    return bool(value() if callable(value) else value)


def is_active(user: Any) -> bool:
    """Return whether a user object may be logged in; one that does not say may."""
    active = getattr(user, "is_active", True)
    return active is True or says(active)


class UserMixin:
    """The usual answers of a user object, for classes that have an ``id``.

    Two users are equal when their ids are, and one that was not saved, so that its ``id`` is None,
    only to itself. The hash stays that of the object, so that an ORM model keeps its place in a set
    while it gets its id.
    """

    @property
    def is_active(self) -> bool:
        """True. Override it to suspend accounts."""
        return True

    @property
    def is_authenticated(self) -> bool:
        """The same as `is_active`: a suspended account passes no guard."""
        return self.is_active

    @property
    def is_anonymous(self) -> bool:
        """False."""
        return False

    def get_id(self) -> str:
        """Return ``str(self.id)``.

        A user who was not saved, and has None for an ``id``, gives ``"None"``: `login_user` refuses
        them.

        Raises `NotImplementedError` when the class has no ``id``.
        """
        try:
            return str(self.id)  # type: ignore[attr-defined]  # the class we are mixed into has it
        except AttributeError:
            name = type(self).__name__
            text = f"'{name}' has no attribute 'id': give it one, or define its get_id()."
            raise NotImplementedError(text) from None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, UserMixin):
            # Two rows that were not saved are two users, whatever they are named until then.
            unsaved = is_unsaved(self.get_id) or is_unsaved(other.get_id)
            return not unsaved and self.get_id() == other.get_id()
        return NotImplemented

    def __hash__(self) -> int:
        return object.__hash__(self)


class AnonymousUserMixin:
    """The user of a request that nobody is logged in for."""

    @property
    def is_authenticated(self) -> bool:
        """False."""
        return False

    @property
    def is_active(self) -> bool:
        """False."""
        return False

    @property
    def is_anonymous(self) -> bool:
        """True."""
        return True

    def get_id(self) -> None:
        """Return None: nobody has no id."""


def is_unsaved(get_id: Any) -> bool:
    """Return whether a bound method is `UserMixin.get_id` of a user whose ``id`` is None."""
    if getattr(get_id, "__func__", None) is not UserMixin.get_id:
        return False
    return getattr(get_id.__self__, "id", "") is None


def asked_id(user: Any, id_attribute: str, resolve: Callable[[Any], Any]) -> Any:
    """Return what a user object says its id is; None for one that can't tell.

    A row that is detached from its database, or expired, raises an error of its library.
    """
    try:
        get_id = getattr(user, id_attribute)
        return None if is_unsaved(get_id) else resolve(get_id())
    except Exception:  # noqa: BLE001  # of whatever library its row is
        return None
