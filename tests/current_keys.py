"""Signatures by the keys of the current application, for tests."""

from __future__ import annotations

from typing import Any

from flask import current_app

from flask_login.core import remember, signing


def sign(value: Any, salt: str, label: str | None = None) -> str:
    return signing.sign(value, salt, current_app.config, label)


def unsign(text: str, salt: str) -> tuple[Any, bool]:
    return signing.unsign(text, salt, current_app.config)


def unsign_labelled(text: str, salt: str) -> tuple[str | None, Any, bool]:
    return signing.unsign_labelled(text, salt, current_app.config)


def digest(value: str, salt: str) -> str:
    return signing.digest(value, salt, current_app.config)


def is_digest(stored: str, value: str, salt: str) -> bool:
    return signing.is_digest(stored, value, salt, current_app.config)


def write(token: remember.RememberToken, realm: str) -> str:
    return remember.write(token, realm, current_app.config)
