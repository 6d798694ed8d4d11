"""New passwords: those that guessing programs begin with are refused."""

from __future__ import annotations

import pytest
from flask import Flask

from portal.models import find_user
from portal.passwords import is_common
from portal_testing import MEMBER, PASSWORD, Visitor

COMMON = [
    "123456789012",
    "987654321098",
    "111111111111",
    "abcabcabcabc",
    "abcdefghijkl",
    "password1234",
    "Password1234!",
    "P@ssw0rd 2026",
    "passwordpassword",
    "pa55word pa55word",
    "qwertyuiop123",
    "1qaz2wsx3edc",
    "1q2w3e4r5t6y",
    "zaq12wsxcde3",
    "iloveyou1234",
    "letmeinletmein",
    "Welcome2026!!",
    "administrator",
    "sunshine1234",
    "Christopher1",
    "1etmein-1etmein",
    "\uff50assword1234",
    "correct horse battery staple",
]
GOOD = [
    PASSWORD,
    "violin cactus harbour",
    "dragon monkey sunshine football",
    "xK9vQz7LmP2w",
    "83920174629381",
    "Im Keller steht ein Fahrrad",
]


@pytest.mark.parametrize("password", COMMON)
def test_what_everybody_guesses_is_common(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize("password", GOOD)
def test_unrelated_words_and_random_characters_are_not_common(password: str) -> None:
    assert not is_common(password, MEMBER, "Mia")


def test_what_others_know_of_the_owner_is_common_for_this_owner() -> None:
    assert is_common("rosamunde-2026", "rosamunde@example.com", "Rosa")
    assert is_common("Rosamunde.Pilcher", "rp@example.com", "Rosamunde Pilcher")
    assert not is_common("rosamunde-2026-xyloph", "rp@example.com", "Ro")
    assert not is_common("rosamunde-2026", "rp@example.com", "Ro")


@pytest.mark.parametrize("password", ["password1234", "EveExample2026"])
def test_nobody_registers_with_a_common_password(
    app: Flask, visitor: Visitor, password: str
) -> None:
    fields = {"name": "Eve", "email": "eve@example.com"}
    answer = visitor.submit("/register", **fields, password=password, repeat=password)
    assert answer.status_code == 422
    assert "easy to guess" in answer.text
    with app.app_context():
        assert find_user("eve@example.com") is None


def test_nobody_changes_to_a_common_password(member: Visitor) -> None:
    for new in ("password1234", "mia@example.com"):
        fields = {"current": PASSWORD, "password": new, "repeat": new}
        answer = member.submit("/account/password", **fields)
        assert answer.status_code == 422
        assert "easy to guess" in answer.text
    assert Visitor(member.app).log_in(MEMBER).status_code == 302
