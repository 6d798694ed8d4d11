"""User objects: found by their ids, what the library asks of them, and answers to inherit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from . import settings
from .answers import says as says
from .exceptions import ID_TYPES, InvalidUser, InvalidUserId
from .user_ids import plain

if TYPE_CHECKING:
    from .visit import Visit

#: Marks "nobody has asked yet"; None is a user that `anonymous_user` may return.
UNLOADED: Any = object()

#: What a source returns for "nobody, and no other source is to be asked".
NOBODY: Any = object()


def find(visit: Visit, user_id: Any) -> Any:
    """Return the user of a user id, or None when there is none."""
    callback = visit.realm.hooks._user_callback
    if callback is None:
        return None
    try:
        user = callback(user_id)
        if user is False or hasattr(user, "__await__"):
            user = visit.resolve(user)
    except Exception as error:
        if not _says_unknown(error) and not _is_of_type(user_id, error):
            raise
        if type(error) is ValueError:
            settings.logger.warning(
                "The user_loader raised %s for user id %r: the id is taken as unknown.",
                type(error).__name__,
                user_id,
                exc_info=True,
            )
        return None
    return None if user is False else user


def login_id_of(visit: Visit, user: Any) -> Any:
    """Return the id that a login of this user is kept by; None for a user who has none.

    Raises `InvalidUserId` for a row that was not saved, and `InvalidUser` for what is no user.
    """
    name = visit.realm.hooks.id_attribute
    try:
        get_id = getattr(user, name)
    except AttributeError as error:
        raise_lack("user", user, name, error)
    if is_unsaved(get_id):
        raise InvalidUserId(name)
    user_id = get_id()
    return user_id if type(user_id) is str else plain(visit.resolve(user_id))


def raise_lack(what: str, user: object, name: str, error: AttributeError) -> NoReturn:
    """Raise the error for a user object that has no attribute of a name.

    That is `error` itself where its class does have it, and the error is from inside of it.

    :param what: what `user` was to be: ``"user"`` or ``"current user"``.
    """
    if any(name in vars(holder) for holder in type(user).__mro__):
        raise error
    raise InvalidUser(what, "None" if user is None else type(user).__name__, name) from error


#: Errors that say that an id is none, by the names of module and class: what is not installed can't
#: be imported. `ValueError` itself, and no subclass: a row that is broken says nothing of the id.
_EXACTLY = {("builtins", "ValueError"), ("werkzeug.exceptions", "NotFound")}
_NO_IDS = {("bson.errors", "InvalidId"), ("mongoengine.errors", "ValidationError")}


def _is_of_type(user_id: object, error: Exception) -> bool:
    """Return whether an error is of an id's type: other code wrote a dict, say, as the user id."""
    return not isinstance(user_id, ID_TYPES) and isinstance(error, _OF_TYPES)


#: What a loader raises for an id of another type than `ID_TYPES`.
_OF_TYPES = (TypeError, AttributeError, LookupError, ArithmeticError)


def _says_unknown(error: Exception) -> bool:
    """Return whether an error of a user loader means that there is no such user."""
    kind = type(error)
    if (kind.__module__, kind.__name__) in _EXACTLY:
        return True
    return any((base.__module__, base.__name__) in _NO_IDS for base in kind.__mro__)


def is_active(user: Any, resolve: Callable[[Any], Any]) -> bool:
    """Return whether a user object may be logged in; one that does not say may."""
    active = getattr(user, "is_active", True)
    return active is True or says(active, resolve)


def is_authenticated(user: Any, resolve: Callable[[Any], Any]) -> bool:
    """Return whether a user object is of somebody who is logged in.

    Raises `InvalidUser` for one that does not say.
    """
    try:
        return says(user.is_authenticated, resolve)
    except AttributeError as error:
        raise_lack("current user", user, "is_authenticated", error)


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
