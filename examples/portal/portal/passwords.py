"""Password hashing with Argon2."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

hasher = PasswordHasher()


def make_hash(password: str) -> str:
    return hasher.hash(password)


def needs_rehash(password_hash: str) -> bool:
    return hasher.check_needs_rehash(password_hash)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` belongs to ``password_hash``.

    :param password_hash: the stored hash. For an unknown account pass None: the same
        work is done, so the time of the answer does not tell which accounts exist.
    :param password: what was entered.
    """
    try:
        matches = hasher.verify(password_hash or _dummy_hash(hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


@lru_cache(maxsize=1)
def _dummy_hash(hasher: PasswordHasher) -> str:
    return hasher.hash("no account has this password")
