"""The tables, rows and statements of `SQLAlchemySessionStore`.

Texts that a database would refuse or change (too long, NUL, half a surrogate pair, trailing
spaces on MySQL) are checked here, the same way for every database: what works with SQLite on a
laptop works with PostgreSQL in production.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateColumn

from .records import LONGEST_SPAN, TOMBSTONE, LoginSession, braked, later, numbers_before

# How long the texts may be. MySQL indexes 3072 bytes, 4 for each character.
_ID = 64
_KEY = 255
_SHORT = 64
_USER_AGENT = 512

_VISIBLE = re.compile(rf"[!-~]{{1,{_ID}}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_T = TypeVar("_T")

_FIELDS = tuple(field.name for field in fields(LoginSession))
_TIMES = (
    "created_at",
    "last_seen_at",
    "authenticated_at",
    "expires_at",
    "renewed_at",
    "remember_until",
    "remember_issued_at",
    "ended_at",
    "arrived_at",
)
_SPANS = ("idle_timeout", "absolute_timeout", "fresh_timeout")
_AT_TIMES = tuple(_FIELDS.index(name) for name in _TIMES)
_AT_SPANS = tuple(_FIELDS.index(name) for name in _SPANS)
_AT_RESTORED = _FIELDS.index("restored")
_AT_METHODS = _FIELDS.index("methods")
_AT_ARRIVED = _FIELDS.index("arrived_number")

# ---------------------------------------------------------------------- the tables


# Variants of plain types instead of a custom type: a migration by Alembic then names only
# SQLAlchemy's types, and runs without an import that Alembic does not write.
def _time() -> sa.types.TypeEngine[Any]:
    exact = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    return exact.with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def _duration() -> sa.types.TypeEngine[Any]:
    return sa.BigInteger().with_variant(postgresql.INTERVAL(), "postgresql")


def sessions_table(name: str, metadata: sa.MetaData) -> sa.Table:
    """Return the table of the records, which `metadata` may have already."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.String(_ID), primary_key=True),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(_KEY), nullable=False, index=True),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("last_seen_at", _time(), nullable=False),
        sa.Column("authenticated_at", _time()),
        sa.Column("expires_at", _time(), nullable=False),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("idle_timeout", _duration()),
        sa.Column("ip_address", sa.String(_SHORT)),
        sa.Column("user_agent", sa.String(_USER_AGENT)),
        sa.Column("external_id", sa.String(_KEY), index=True),
        sa.Column("auth_hash", sa.String(_KEY)),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("renewed_at", _time()),
        sa.Column("remember_generation", sa.Integer(), nullable=False),
        sa.Column("remember_until", _time()),
        sa.Column("remember_issued_at", _time()),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ended_at", _time()),
        sa.Column("ended_reason", sa.String(_SHORT)),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.Column("remember_first", sa.Integer(), nullable=False),
        sa.Column("absolute_timeout", _duration()),
        sa.Column("fresh_timeout", _duration()),
        # Added later: rows of before have none.
        sa.Column("arrived_number", sa.Integer()),
        sa.Column("arrived_at", _time()),
        sa.Column("previous_number", sa.Integer()),
        sa.Column("lost_from", sa.Integer()),
        sa.Column("session_first", sa.Integer()),
        sa.Column("entries", sa.Text()),
        sa.Column("purge_at", _time(), nullable=False, index=True),
        # "Ada" and "ada" are two users; the default collation of MySQL treats them as one.
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        keep_existing=True,
    )


def brake_table(name: str, metadata: sa.MetaData) -> sa.Table:
    """Return the table of the moments before which no login counts."""
    return sa.Table(
        name,
        metadata,
        # A row for each time that the brake was pulled; the latest moment counts. So pulling it is
        # a plain INSERT in any database, and it can't be moved back by one.
        sa.Column("moment", _time(), primary_key=True, autoincrement=False),
        keep_existing=True,
    )


def add_columns(engine: sa.Engine, table: sa.Table) -> None:
    """Add the columns that later releases have given a table."""
    known = sa.inspect(engine).get_columns(table.name, schema=table.schema)
    there = {column["name"] for column in known}
    name = engine.dialect.identifier_preparer.format_table(table)
    with engine.begin() as connection:
        for column in table.columns:
            if column.name not in there:
                added = CreateColumn(column).compile(dialect=engine.dialect)
                connection.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN {added}"))


# ------------------------------------------------------------------ records and rows


class Codec(NamedTuple):
    """How a time and a span are written to a database, and read from it."""

    dump: Callable[[datetime], Any]
    load: Callable[[Any], datetime]
    dump_span: Callable[[timedelta], Any]
    load_span: Callable[[Any], timedelta]

    @classmethod
    def of(cls, dialect: str) -> Codec:
        """Return the codec for a database."""
        return _CODECS.get(dialect, _NUMBERS)

    def row(self, record: LoginSession) -> dict[str, Any]:
        """Return the row for a record.

        :raises ValueError: if the database can't keep it without changing whose login it is.
        """
        _check(record)
        row = {name: getattr(record, name) for name in _FIELDS}
        row["purge_at"], row["confirmed"] = record.purge_at, record.confirmed
        for name in (*_TIMES, "purge_at"):
            if row[name] is not None:
                row[name] = self.dump(row[name])
        for name in _SPANS:
            if row[name] is not None:
                row[name] = self.dump_span(min(row[name], LONGEST_SPAN))
        row["methods"] = json.dumps(sorted(record.methods))
        # Texts from the client must not make its login fail.
        row["ip_address"] = _cut(record.ip_address, _SHORT)
        row["user_agent"] = _cut(record.user_agent, _USER_AGENT)
        row["ended_reason"] = _cut(record.ended_reason, _SHORT)
        return row

    def ended(self, reason: str, moment: datetime) -> dict[str, Any]:
        """Return the parameters by which `Statements.end_all` ends records."""
        return {
            "b_reason": _cut(reason, _SHORT),
            "b_moment": self.dump(moment),
            "b_purge_at": self.dump(later(moment, TOMBSTONE)),
        }

    def record(self, row: Sequence[Any]) -> LoginSession:
        """Return the record of a row that was selected along with the latest brake.

        :param row: as SQLAlchemy gives it, or as the driver does.
        """
        values: list[Any] = list(row)
        moment = values.pop()
        values[_AT_RESTORED] = bool(values[_AT_RESTORED])  # a number to SQLite and MySQL
        for index in _AT_TIMES:
            if values[index] is not None:
                values[index] = self.load(values[index])
        for index in _AT_SPANS:
            if values[index] is not None:
                values[index] = self.load_span(values[index])
        methods = values[_AT_METHODS]
        values[_AT_METHODS] = frozenset(() if methods == "[]" else json.loads(methods))
        record = LoginSession(*values)
        if values[_AT_ARRIVED] is None:
            issued_at = record.renewed_at or record.created_at
            record = replace(record, **numbers_before(record.generation, issued_at))
        return braked(record, None if moment is None else self.load(moment))


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _span(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


def _since_epoch(moment: datetime) -> int:
    return _microseconds(moment - _EPOCH)


def _after_epoch(kept: int) -> datetime:
    return _EPOCH + _span(kept)


def _without_zone(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _with_zone(kept: datetime) -> datetime:
    return kept.replace(tzinfo=timezone.utc)


def _in_utc(kept: datetime) -> datetime:
    return kept.astimezone(timezone.utc)


def _same(value: _T) -> _T:
    return value


# Whole microseconds since 1970 where no type keeps and compares times exactly.
_NUMBERS = Codec(_since_epoch, _after_epoch, _microseconds, _span)
_NAIVE = Codec(_without_zone, _with_zone, _microseconds, _span)
_AWARE = Codec(_same, _in_utc, _same, _same)
_CODECS = {"postgresql": _AWARE, "mysql": _NAIVE, "mariadb": _NAIVE}


def is_id(text: str) -> bool:
    """Return whether a record may have this id; any other id is unknown without a query."""
    return _VISIBLE.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Return whether every database keeps this text unchanged."""
    return len(text) <= _KEY and _cleaned(text) == text


def _check(record: LoginSession) -> None:
    if not is_id(record.id):
        raise ValueError(f"id must be 1 to {_ID} visible ASCII characters")
    for name in ("user_id", "external_id", "auth_hash"):
        value = getattr(record, name)
        if value is not None and not is_key(value):
            raise ValueError(
                f"{name} must be at most {_KEY} characters long, with no NUL and no lone surrogate"
            )


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else _cleaned(text)[:length]


def _cleaned(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


# ------------------------------------------------------------------- the statements


class Statements:
    """The statements, each made once; what varies are their parameters.

    Parameters are named ``b_...``: SQLAlchemy keeps the columns' own names for itself.
    """

    def __init__(self, table: sa.Table, brake: sa.Table) -> None:
        row = table.c
        latest = sa.select(sa.func.max(brake.c.moment)).scalar_subquery()
        select = sa.select(*(row[name] for name in _FIELDS), latest)
        newest_first = select.order_by(row.created_at.desc(), row.id.desc())
        of_user = _equals(row.user_id)
        this = row.id == sa.bindparam("b_id")
        not_braked = ~sa.exists().where(brake.c.moment > row.created_at)
        live = row.ended_at.is_(None)
        touch = (
            sa.update(table)
            .values(last_seen_at=_moment("b_seen"))
            .where(
                this,
                live,
                row.last_seen_at <= _moment("b_due"),
                row.last_seen_at < _moment("b_seen"),
            )
        )
        # The conditions that Python checks for the other databases, after reading the record.
        touched = touch.where(
            row.expires_at > _moment("b_seen"),
            sa.or_(
                row.idle_timeout.is_(None),
                row.last_seen_at + row.idle_timeout > _moment("b_seen"),
            ),
            not_braked,
        )
        last_seen_at = _moment("b_last_seen_at")
        due = (
            sa.select(row.id)
            .where(row.purge_at < _moment("b_before"))
            .limit(sa.bindparam("b_batch", type_=sa.Integer()))
            .subquery("due")
        )

        get = select.where(this)
        self.insert: sa.Executable = sa.insert(table)
        self.get: sa.Select[Any] = get
        self.get_and_touch: sa.Executable = get.add_cte(touched.returning(row.id).cte("touched"))
        self.touch: sa.Executable = touch
        self.replace: sa.Executable = (
            sa.update(table)
            .where(this, row.version == sa.bindparam("b_version"))
            .values(
                last_seen_at=sa.case(
                    (row.last_seen_at > last_seen_at, row.last_seen_at), else_=last_seen_at
                )
            )
        )
        self.of_user: sa.Executable = newest_first.where(of_user)
        self.of_external: sa.Executable = newest_first.where(_equals(row.external_id))
        self.delete: sa.Executable = sa.delete(table).where(this)
        self.delete_all: sa.Executable = sa.delete(table).where(of_user)
        self.end_all: sa.Executable = (
            sa.update(table)
            .where(of_user, live, row.id != sa.bindparam("b_keep"), not_braked)
            .values(
                ended_at=_moment("b_moment"),
                ended_reason=sa.bindparam("b_reason"),
                purge_at=_moment("b_purge_at"),
                version=row.version + 1,
            )
        )
        self.purge: sa.Executable = sa.delete(table).where(row.id.in_(sa.select(due.c.id)))
        # A join, because MariaDB would search the rows of an IN for each row of the table.
        self.purge_by_join: sa.Executable = sa.delete(table).where(row.id == due.c.id)
        self.brake: sa.Executable = sa.insert(brake)
        self.lower: sa.Executable = sa.delete(brake).where(brake.c.moment > _moment("b_moment"))
        self.ended_before: sa.Executable = sa.select(latest)
        self.ping: sa.Executable = sa.select(sa.literal(1))


def key_params(key: str) -> dict[str, Any]:
    """Return the parameters of a statement on a user or on an ``external_id``."""
    return {"b_key": key, "b_length": len(key)}


def _moment(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=_time())


def _equals(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    # Also by length: to MySQL "ada" and "ada " are equal.
    length = sa.func.char_length(column) == sa.bindparam("b_length", type_=sa.Integer())
    return sa.and_(column == sa.bindparam("b_key"), length)
