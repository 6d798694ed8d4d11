"""The entries of a login in a session, or in any mapping: named, written and dropped here."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, cast

from .settings import DEFAULT_REALM

Session = MutableMapping[str, Any]


class SessionKeys:
    """The names of a realm's entries in the session."""

    def __init__(self, realm: str) -> None:
        default = realm == DEFAULT_REALM
        # A dot is in no realm's name: "staff" can't reach into the entries of "staff_user".
        prefix = "_" if default else f"_{realm}."
        self.user_id: str = f"{prefix}user_id"
        self.fresh: str = f"{prefix}fresh"
        self.id: str = f"{prefix}id"
        self.remember: str = f"{prefix}remember"
        self.remember_seconds: str = f"{prefix}remember_seconds"
        self.next: str = "next" if default else f"{prefix}next"
        self.auth_hash: str = f"{prefix}auth_hash"
        self.methods: str = f"{prefix}methods"
        self.force: str = f"{prefix}force"
        self.login: str = f"{prefix}login"
        self.checked: str = f"{prefix}login_checked"
        self.at: str = f"{prefix}at"
        self.times: str = f"{prefix}times"
        self.pending: str = f"{prefix}pending"
        self.acting_as: str = f"{prefix}acting_as"
        self.unknown_since: str = f"{prefix}unknown_since"

    def of_login(self) -> Iterator[str]:
        """Yield the entries that end with the login."""
        yield from (self.user_id, self.fresh, self.id, self.remember_seconds)
        yield from (self.auth_hash, self.methods, self.force, self.login, self.checked)
        yield from (self.at, self.times, self.acting_as, self.unknown_since)


class Entry:
    """The entries of one realm's login."""

    def __init__(self, realm: str) -> None:
        #: The names.
        self.keys: SessionKeys = SessionKeys(realm)
        self.of_login: tuple[str, ...] = tuple(self.keys.of_login())

    def write(self, sess: Session, user_id: Any, client: str, *, fresh: bool) -> None:
        """Write whose login it is; what the login before it had proved is gone."""
        keys = self.keys
        sess.update({keys.user_id: user_id, keys.fresh: fresh, keys.id: client})
        for name in (keys.methods, keys.force, keys.unknown_since):
            if name in sess:
                del sess[name]

    def drop(self, sess: Session) -> None:
        """Remove every entry that ends with the login."""
        self.remove(sess, *self.of_login)

    @staticmethod
    def remove(sess: Session, *names: str) -> None:
        """Remove entries, those that are there: a session that was modified is sent again."""
        for name in names:
            if name in sess:
                del sess[name]

    @staticmethod
    def put(sess: Session, name: str, value: Any) -> None:
        """Write an entry if it differs; None removes it."""
        if value is None:
            if name in sess:
                del sess[name]
        elif sess.get(name) != value:
            sess[name] = value

    def is_fresh(self, sess: Session) -> bool:
        """Return whether the session says that it is fresh; a text such as ``"False"`` does not."""
        fresh = sess.get(self.keys.fresh)
        return isinstance(fresh, int) and fresh == 1

    def methods(self, sess: Session) -> dict[str, int]:
        """Return how the user proved who they are, and when: seconds since 1970."""
        noted = sess.get(self.keys.methods)
        known = cast("dict[object, object]", noted).items() if isinstance(noted, dict) else ()
        return {name: at for name, at in known if isinstance(name, str) and isinstance(at, int)}

    def add_methods(self, sess: Session, methods: Any, now: int) -> None:
        """Note that the user proved who they are by these methods now."""
        if methods:
            sess[self.keys.methods] = {**self.methods(sess), **dict.fromkeys(methods, now)}
