"""Passwords: hashed with Argon2, and refused where anybody would guess them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

hasher = PasswordHasher()

# What stands side by side on keyboards and in the alphabet; it is read in both directions.
_ROWS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1qaz2wsx3edc4rfv5tgb"),
    *("1qazxsw23edcvfr4", "zaq12wsxcde34rfv", "zaq1xsw2cde3vfr4", "qazwsxedcrfvtgb"),
)
_RUNS = [*_ROWS, *(row[::-1] for row in _ROWS)]
_FEWEST_IN_A_RUN = 3
# Signs that stand for letters; the 1 for either of two.
_SIGNS = [str.maketrans("01345@$!", f"o{letter}easasi") for letter in "il"]
# Whoever has no more than this to guess beside one or two common words has little to guess.
_MOST_WORDS, _MOST_BESIDE = 2, 4
_SHORTEST_PERSONAL = 3
_SHORTEST_REPEATED = 8


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


def is_common(password: str, *personal: str) -> bool:
    """Whether guessing programs try ``password`` early.

    It is when it is made of one or two common words, rows of keys and repetitions, with no more
    than four characters besides: "Passw0rd2026!" is. Three words and more are not.

    :param password: a new password.
    :param personal: what others know of its owner: the name, the email address.
    """
    text = unicodedata.normalize("NFKC", password).casefold()
    words = _common_words() | {
        word
        for known in personal
        for word in re.split(r"\W+", known.casefold())
        if len(word) >= _SHORTEST_PERSONAL
    }
    return any(_is_made_of(words, _letters(said)) for said in (text, *map(text.translate, _SIGNS)))


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text("ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _is_made_of(words: set[str] | frozenset[str], text: str) -> bool:
    size = next(
        size for size in range(1, len(text) + 2) if text == (text[:size] * len(text))[: len(text)]
    )
    if size < _SHORTEST_REPEATED:
        return True  # the same few characters again and again
    found = 0
    # The longest first; a space keeps what stood around them apart.
    for word in sorted((word for word in words if word in text), key=len, reverse=True):
        if word in text and found < _MOST_WORDS:
            text, found = text.replace(word, " "), found + 1
    return len(_without_runs(text).replace(" ", "")) <= _MOST_BESIDE


def _without_runs(text: str) -> str:
    kept, at = "", 0
    while at < len(text):
        end = at + 1
        while end < len(text) and _is_run(text[at : end + 1]):
            end += 1
        kept += " " if end - at >= _FEWEST_IN_A_RUN else text[at:end]
        at = end
    return kept


def _is_run(text: str) -> bool:
    return text == text[0] * len(text) or any(text in row for row in _RUNS)
