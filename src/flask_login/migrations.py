"""Tables of session stores in the application's own database, which its migrations would drop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from .findings import Finding
from .sessions.store import MigratedStore

if TYPE_CHECKING:
    from flask import Flask

    from .ports import RealmInApp

#: Where Flask-SQLAlchemy and Flask-SQLAlchemy-Lite, and many others, have their URLs.
_URL = "SQLALCHEMY_DATABASE_URI"
_URLS = ("SQLALCHEMY_BINDS", "SQLALCHEMY_ENGINES")

_CURE = (
    "Make the store of the db, SQLAlchemySessionStore(db), or give it the MetaData of your models:"
    " SQLAlchemySessionStore(url, metadata=Base.metadata). If nothing is ever migrated, a"
    " MetaData() says so."
)


def unmigrated(
    app: Flask, realms: Mapping[str, RealmInApp], *, is_complete: bool = True
) -> Iterator[Finding]:
    """Yield the session stores whose tables the application's next migration would drop.

    :param is_complete: whether the application's extensions have all been set up. Before that
        nobody knows in which folder a relative path of SQLite begins.
    """
    for realm, known in realms.items():
        logins = known.manager._logins
        if logins is None or not isinstance(logins.store, MigratedStore):
            continue
        for name, url, folder in _databases(app, is_complete):
            if logins.store.is_unmigrated_in(url, folder):
                yield Finding(
                    "error" if "migrate" in app.extensions else "hint",
                    "unmigrated_tables",
                    f"The session store of the realm '{realm}' has its tables in the application's"
                    f" own database ({name}), whose MetaData does not know them: the next migration"
                    " that Alembic makes drops them, and every user is logged out.",
                    _CURE,
                )
                break


def _databases(app: Flask, is_complete: bool) -> Iterator[tuple[str, object, str]]:
    """Yield the databases of an application: the setting, the URL, where a relative path begins."""
    config = cast("dict[str, Any]", app.config)
    known: list[tuple[str, Any]] = [(_URL, config.get(_URL))]
    for key in _URLS:
        named: Any = config.get(key)
        if isinstance(named, Mapping):
            urls = cast("Mapping[object, Any]", named)
            known += [(f"{key}[{name!r}]", value) for name, value in urls.items()]
    for name, value in known:
        is_mapping = isinstance(value, Mapping)
        url = cast("Mapping[str, Any]", value).get("url") if is_mapping else value
        if url is None:
            continue
        is_extension = "sqlalchemy" in app.extensions or name.startswith("SQLALCHEMY_ENGINES")
        if is_extension:
            yield name, url, app.instance_path
        elif is_complete or not _is_file(url):
            yield name, url, ""


def _is_file(url: object) -> bool:
    """Return whether a URL may name a file of SQLite by a relative path."""
    text = str(url)
    return text.startswith("sqlite") and ":////" not in text
