"""How often a password, or a code, may be tried."""

from __future__ import annotations

from flask import Flask, current_app

from flask_login import LoginThrottle

EXTENSION = "portal_throttles"


def init_app(app: Flask) -> None:
    storage, cookie = app.config["THROTTLE_STORAGE"], app.config["DEVICE_COOKIE_NAME"]
    app.extensions[EXTENSION] = {
        "passwords": LoginThrottle(storage=storage, cookie_name=cookie),
        # Three of a million codes are good at any time, so there are few tries. Their own count:
        # who has guessed the password must not have as many codes as they like.
        "codes": LoginThrottle(
            name="codes",
            per_account="5 per 15 minutes; 20 per day",
            per_device="5 per 15 minutes",
            storage=storage,
            cookie_name=cookie,
        ),
    }


def passwords() -> LoginThrottle:
    """Of passwords: by email address, wherever one is asked for."""
    return current_app.extensions[EXTENSION]["passwords"]  # type: ignore[no-any-return]


def codes() -> LoginThrottle:
    """Of codes: by user id."""
    return current_app.extensions[EXTENSION]["codes"]  # type: ignore[no-any-return]
