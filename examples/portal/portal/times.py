"""Times as people read them: in UTC from the server; `times.js` then shows the visitor's zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask
from markupsafe import Markup

from flask_login import current_login

from .models import login_time

# Seconds of what is counted, the largest first. `times.js` counts in the same way.
UNITS = (
    ("year", 31_556_952),
    ("month", 2_629_746),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def moment(value: datetime) -> Markup:
    """Show a date and an hour. A line breaks between the two only."""
    return _time("moment", value, f"{_day(value)}, {_hour(value)}")


def day(value: datetime) -> Markup:
    """Show a date."""
    return _time("day", value, _day(value))


def hour(value: datetime) -> Markup:
    """Show an hour."""
    return _time("hour", value, _hour(value))


def relative(value: datetime) -> Markup:
    """Show how long ago a time was, or how long it is until then.

    The script counts on from here, so a visitor's clock may be wrong.
    """
    seconds = round((value - login_time()).total_seconds())
    return Markup('<span data-in="{}">{}</span>').format(seconds, in_words(seconds))


def in_words(seconds: int) -> str:
    """Say how far away a moment is: the largest unit, rounded down."""
    for unit, length in UNITS:
        count = abs(seconds) // length
        if count:
            size = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {size}" if seconds > 0 else f"{size} ago"
    return "in less than a minute" if seconds > 0 else "just now"


def login_ends(*, within: int) -> datetime | None:
    """Return when this login ends without another click, if that is within so many minutes."""
    left = current_login.expires_in if current_login else None
    if left is None or left > timedelta(minutes=within):
        return None
    return login_time() + left


def _time(form: str, value: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}" data-time="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), form, text
    )


def _day(value: datetime) -> str:
    return f"{value:%d %b %Y}".lstrip("0").replace(" ", "\u00a0")


def _hour(value: datetime) -> str:
    return f"{value:%H:%M}\u00a0UTC"


def init_app(app: Flask) -> None:
    """Give the templates these filters."""
    for filter_ in (moment, day, hour, relative):
        app.add_template_filter(filter_)
    app.context_processor(lambda: {"login_ends": login_ends})
