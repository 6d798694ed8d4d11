"""Codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

The key has to be readable here, because a code is computed from it: who copies the database
has it. Where that matters, encrypt the column with a key that is kept elsewhere.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any, cast

import pyotp
from sqlalchemy import (
    BigInteger,
    CursorResult,
    Delete,
    ForeignKey,
    String,
    Update,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from .models import Base, User, UtcDateTime, db, digest, login_time, utcnow

ISSUER = "Portal"
# Steps of 30 seconds that a code may be early or late. None: a code that somebody has seen is
# good for half a minute at most (OWASP ASVS 5.0, 6.5.5). Phones take their time from the network.
TOLERANCE = 0
RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 16


class Authenticator(Base):
    """The key that somebody's authenticator app has; who has no row has no second factor."""

    __tablename__ = "authenticator"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(64))
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class RecoveryCode(Base):
    """A code on paper, good once. Only its SHA-256 is kept: 128 random bits cannot be guessed."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64))


def authenticator_of(user: User) -> Authenticator | None:
    return db.session.get(Authenticator, user.id)


def recovery_codes_left(user: User) -> int:
    return db.session.scalar(select(func.count()).where(RecoveryCode.user_id == user.id)) or 0


def step_of(key: str, code: str) -> int | None:
    """The time step whose code this is, or None. Compared in constant time, by pyotp."""
    try:
        return pyotp.TOTP(key).verify_and_get_timecode(
            code, for_time=login_time(), valid_window=TOLERANCE
        )
    except pyotp.OTPVerificationError:
        return None


def turn_on(user: User, key: str, step: int) -> list[str]:
    """Ask ``user`` for codes from now on; return the recovery codes, to show once."""
    # Not before the user has shown a code: nobody is locked out by a key that no app has. That
    # code is used up.
    db.session.add(Authenticator(user_id=user.id, key=key, last_step=step))
    return new_recovery_codes(user)


def turn_off(user: User) -> None:
    db.session.execute(delete(Authenticator).where(Authenticator.user_id == user.id))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def new_recovery_codes(user: User) -> list[str]:
    """Make recovery codes; those of before are worth nothing."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [_random_code() for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, digest=digest(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _random_code() -> str:
    return base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().rstrip("=").lower()


def spend(user: User, code: str) -> bool:
    """Whether ``code`` is a good one of ``user``, of the app or a recovery code; only once.

    One statement of the database decides, so of two requests that come with one code at the
    same time one gets in.
    """
    code = "".join(code.split()).replace("-", "").lower()
    found = authenticator_of(user)
    if found is None:
        return False
    step = step_of(found.key, code)
    if step is None:
        own = RecoveryCode.user_id == user.id
        spent = delete(RecoveryCode).where(own, RecoveryCode.digest == digest(code))
        return _changes_a_row(spent)
    newer = Authenticator.last_step < step
    return _changes_a_row(
        update(Authenticator).where(Authenticator.user_id == user.id, newer).values(last_step=step)
    )


def _changes_a_row(statement: Delete | Update) -> bool:
    count = cast("CursorResult[Any]", db.session.execute(statement)).rowcount
    db.session.commit()
    return count == 1
