"""How often a password, or a code, may be tried, and an account be made."""

from __future__ import annotations

from flask import Flask, current_app

from flask_login import LoginThrottle

EXTENSION = "portal_throttles"


def init_app(app: Flask) -> None:
    storage, cookie = app.config["THROTTLE_STORAGE"], app.config["DEVICE_COOKIE_NAME"]
    app.extensions[EXTENSION] = {
        "passwords": LoginThrottle(storage=storage, cookie_name=cookie),
        # One of a million codes is good at any time, so there are few tries. Their own count:
        # who has guessed the password must not have as many codes as they like.
        "codes": LoginThrottle(
            name="codes",
            per_account="5 per 15 minutes; 20 per day",
            per_device="5 per 15 minutes",
            storage=storage,
            cookie_name=cookie,
        ),
        # Each costs a slow hash, makes an account, and tells whether an address has one.
        "registrations": LoginThrottle(
            name="registrations",
            per_account="5 per hour",
            per_address="20 per hour",
            per_device=None,
            storage=storage,
        ),
    }


def passwords() -> LoginThrottle:
    """Of passwords: by email address, wherever one is asked for."""
    return _throttle("passwords")


def codes() -> LoginThrottle:
    """Of codes: by user id."""
    return _throttle("codes")


def registrations() -> LoginThrottle:
    """Of new accounts: by email address and by address of network."""
    return _throttle("registrations")


def _throttle(name: str) -> LoginThrottle:
    throttle: LoginThrottle = current_app.extensions[EXTENSION][name]
    return throttle
