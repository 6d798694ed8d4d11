"""What the portal remembers: people and their API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    DateTime,
    Dialect,
    ForeignKey,
    String,
    TypeDecorator,
    UniqueConstraint,
    inspect,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import CreateIndex, CreateTable

from flask_login import UserMixin

from . import passwords

# The largest key of an INTEGER column everywhere; addresses take no larger number.
MAX_ID = 2**31 - 1
API_KEY_MARK = "portal_"
API_KEY_SHOWN = len(API_KEY_MARK) + 4
LAST_USED_STEP = timedelta(minutes=1)


def utcnow() -> datetime:
    return datetime.now(timezone.utc)


def login_time() -> datetime:
    """The time by which logins, and codes, grow old; the tests put it forward."""
    clock: Callable[[], datetime] = current_app.config.get("LOGIN_CLOCK") or utcnow
    return clock()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC that comes back aware, from SQLite too."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """The base of the models: plain SQLAlchemy, so type checkers understand it."""


db = SQLAlchemy(metadata=Base.metadata)


def create_tables() -> None:
    """Make the tables that are missing; safe when several workers start at once."""
    with db.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            there = {column["name"] for column in inspect(connection).get_columns(table.name)}
            if lacking := {column.name for column in table.columns} - there:
                raise RuntimeError(
                    f"The table '{table.name}' is of an older portal: it lacks"
                    f" {', '.join(sorted(lacking))}. This example has no migrations: delete its"
                    " database (instance/portal.sqlite3) and run 'flask --app portal seed'."
                )
            known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
            for index in table.indexes:
                if index.name not in known:
                    # MySQL alone has no IF NOT EXISTS here.
                    ask = connection.dialect.name != "mysql"
                    connection.execute(CreateIndex(index, if_not_exists=ask))


class User(UserMixin, Base):
    """A member of the portal."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20), default="member")
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    auth_stamp: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    this_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    api_keys: Mapped[list[ApiKey]] = relationship(
        back_populates="user", cascade="all, delete-orphan", order_by="ApiKey.created_at"
    )

    def __init__(self, *, email: str, name: str, password: str, role: str = "member") -> None:
        super().__init__(email=normal_email(email), name=name, role=role)
        self.set_password(password)

    @property
    def is_active(self) -> bool:
        """Whether the account may be used; an administrator can switch it off."""
        return self.active

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    def get_session_auth_hash(self) -> str:
        """A new value, as with a new password, and Flask-Login ends the other logins.

        Not the password hash itself: that also changes when the hash is renewed
        with stronger settings at login, which must log nobody out.
        """
        return self.auth_stamp

    def set_password(self, password: str) -> None:
        self.password_hash = passwords.make_hash(password)
        self.change_stamp()

    def change_stamp(self) -> None:
        """Make every login and remember token of before worthless: they have another stamp."""
        self.auth_stamp = secrets.token_hex(16)

    def note_login(self) -> None:
        """Keep the time of this login and, to show, of the one before."""
        self.last_login_at, self.this_login_at = self.this_login_at, utcnow()


class ApiKey(Base):
    """A credential for programs. The key itself is not kept, only its SHA-256.

    A fast hash is right here: the key is 256 random bits, so there is nothing
    to guess, unlike a password.
    """

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    start: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship(back_populates="api_keys")

    @classmethod
    def create(cls, user: User, name: str) -> tuple[ApiKey, str]:
        """Make a key for ``user``: the record, and the secret to show once."""
        secret = API_KEY_MARK + secrets.token_urlsafe(32)
        record = cls(user=user, name=name, start=secret[:API_KEY_SHOWN], digest=digest(secret))
        return record, secret


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def normal_email(email: str) -> str:
    return email.strip().lower()


def find_user(email: str) -> User | None:
    if "\0" in email:
        return None  # PostgreSQL fails on the question
    return db.session.scalar(select(User).filter_by(email=normal_email(email)))


def authenticate(user: User | None, password: str) -> User | None:
    """The user, if this is their password, or nobody; for nobody it takes the same time."""
    if not passwords.verify(user.password_hash if user else None, password) or user is None:
        return None
    if passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.make_hash(password)
        db.session.commit()
    return user


def user_of_api_key(secret: str) -> User | None:
    """The owner of an API key, or nobody."""
    record = db.session.scalar(select(ApiKey).filter_by(digest=digest(secret)))
    if record is None:
        return None
    if record.last_used_at is None or utcnow() - record.last_used_at > LAST_USED_STEP:
        record.last_used_at = utcnow()  # at most one write a minute and key
        db.session.commit()
    return record.user
