"""Every setting of the portal, read from the environment once, at start."""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

KEY_FILE = "secret_key"
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")


def from_environment(instance: Path) -> dict[str, Any]:
    """The configuration, from the environment and safe defaults.

    ``SECRET_KEY``
        signs sessions and remember tokens. Default: made once, kept in the
        instance folder, readable by its owner only.
    ``SECRET_KEY_FALLBACKS``
        former keys, separated by commas, still accepted after a change of key.
    ``DATABASE_URL``
        an SQLAlchemy address. Default: an SQLite file in the instance folder.
    ``LOGIN_STORE``
        where logins are kept: ``sqlalchemy`` (the default: in the portal's database),
        ``memory`` (of one process) or a ``redis://`` address.
    ``THROTTLE_STORAGE``
        where login attempts are counted, an address that `limits` takes, such as
        ``redis://``. Default: the memory of each process.
    ``IDLE_MINUTES``
        after how many minutes without a click a login ends. Default: 0, the session cookie's
        lifetime.
    ``SUPPORT_EMAIL``
        whom to write to who cannot log in. Default: ``support@example.com``.
    ``HTTPS``
        ``1`` when browsers reach the portal by https: cookies become ``Secure``
        and take the ``__Host-`` prefix.
    ``PROXY_FIX``
        how many proxies stand in front and set ``X-Forwarded-For`` and
        ``X-Forwarded-Proto``. Default: 0, these headers are not believed.
    ``PROXY_FIX_HOST``
        how many of them set ``X-Forwarded-Host``. Default: 0, since many proxies
        pass on what the visitor sent.
    ``TRUSTED_HOSTS``
        host names to answer for, separated by commas (Flask 3.1 or newer).
    """
    https = _flag("HTTPS")
    prefix = "__Host-" if https else ""
    config: dict[str, Any] = {
        "SECRET_KEY": os.environ.get("SECRET_KEY") or persistent_key(instance / KEY_FILE),
        "SQLALCHEMY_DATABASE_URI": os.environ.get("DATABASE_URL") or "sqlite:///portal.sqlite3",
        "LOGIN_STORE": _store("LOGIN_STORE"),
        "PROXY_FIX": _count("PROXY_FIX"),
        "PROXY_FIX_HOST": _count("PROXY_FIX_HOST"),
        "PREFERRED_URL_SCHEME": "https" if https else "http",
        # No form of the portal is larger than a few hundred bytes.
        "MAX_CONTENT_LENGTH": 64 * 1024,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
        # Names of its own: cookies ignore ports, so two applications on one
        # host would otherwise overwrite each other's session.
        "SESSION_COOKIE_NAME": f"{prefix}portal_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_NAME": f"{prefix}portal_remember",
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_DURATION": timedelta(days=30),
        "THROTTLE_STORAGE": os.environ.get("THROTTLE_STORAGE") or "memory://",
        "DEVICE_COOKIE_NAME": f"{prefix}portal_device",
        "SUPPORT_EMAIL": os.environ.get("SUPPORT_EMAIL") or "support@example.com",
        # Nobody has more devices; with a stolen password nobody fills the page or the store either.
        "LOGIN_MAX_SESSIONS": 50,
        # Then what is sensitive asks for the password, the code or both once more.
        "LOGIN_FRESH_TIMEOUT": timedelta(minutes=15),
        "LOGIN_IDLE_TIMEOUT": timedelta(minutes=_count("IDLE_MINUTES")) or None,
        # The portal never gave out a remember cookie of Flask-Login up to 0.6.3.
        "REMEMBER_COOKIE_ACCEPT_LEGACY": False,
        # A form may stay open for as long as its session lives.
        "WTF_CSRF_TIME_LIMIT": None,
        # One that somebody read or planted before the login is worth nothing after it.
        "LOGIN_ROTATE_CSRF_TOKEN": True,
        "BOOTSTRAP_SERVE_LOCAL": True,
    }
    if fallbacks := _list("SECRET_KEY_FALLBACKS"):
        config["SECRET_KEY_FALLBACKS"] = fallbacks
    if hosts := _list("TRUSTED_HOSTS"):
        config["TRUSTED_HOSTS"] = hosts
    return config


def persistent_key(path: Path) -> str:
    """Read the key in ``path``; the first process to ask makes it.

    Several workers may start at once. The finished file is linked into place,
    which succeeds for one of them only, and nobody reads a half-written key.
    """
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
            os.link(draft, path)
        except FileExistsError:
            pass  # another worker was first: its key is the one
        finally:
            Path(draft).unlink()
    return path.read_text(encoding="ascii").strip()


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "0", "false", "no", "off"}:
        return False
    if value in {"1", "true", "yes", "on"}:
        return True
    raise ValueError(f"{name} is {value!r}: use 1 or 0.")


def _store(name: str) -> str:
    value = os.environ.get(name, "").strip() or "sqlalchemy"
    if value not in {"sqlalchemy", "memory"} and not value.startswith(REDIS_SCHEMES):
        # Not the value itself: an address may hold a password.
        raise ValueError(f"{name} is neither sqlalchemy, memory nor a redis:// address.")
    return value


def _count(name: str) -> int:
    value = os.environ.get(name, "").strip() or "0"
    if not value.isdecimal():
        raise ValueError(f"{name} is {value!r}: use a whole number, 0 for none.")
    return int(value)


def _list(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]
