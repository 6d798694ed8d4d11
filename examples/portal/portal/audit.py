"""The audit log of Flask-Login, as lines on standard error."""

from __future__ import annotations

import logging

FIELDS = ("user_id", "actor", "login_id", "reason", "account", "ip")


class AuditFormatter(logging.Formatter):
    """``2026-01-31 12:00:00 user_logged_in user_id=2 ip=127.0.0.1``."""

    def format(self, record: logging.LogRecord) -> str:
        facts = ((name, getattr(record, name, None)) for name in FIELDS)
        said = " ".join(f"{name}={value}" for name, value in facts if value)
        event = getattr(record, "event", "") or record.getMessage()
        return f"{self.formatTime(record)} {event} {said}"


def init_app() -> None:
    """Write the audit log; once for a process, however many applications it has."""
    logger = logging.getLogger("flask_login.audit")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler.formatter, AuditFormatter) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(AuditFormatter())
        logger.addHandler(handler)
