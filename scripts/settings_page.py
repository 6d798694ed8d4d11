"""Write docs/reference/settings.md from the library's own table of settings.

Usage: python scripts/settings_page.py [--check]
With --check nothing is written; the exit code is 1 when the page is out of date.
Needs flask_login to be importable.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask_login.core.settings import SETTINGS, Setting

PAGE = Path(__file__).parent.parent / "docs/reference/settings.md"

HEAD = """\
<!-- Written by scripts/settings_page.py from flask_login/core/settings.py: edit it there. -->

# Settings

Keys of `app.config`. All are optional. They are checked when `LoginManager.init_app` runs:
a value that is not accepted is a
[`ConfigurationError`](exceptions.md) that names the key, the value and what is accepted.
They are read at use, so a change after `init_app` counts; it is checked then.

For the settings that Flask-Login 0.6.3 had, which let every value pass, that error stops no
application from starting:

- What can mean one thing only is read so, and one warning in the log says what to write: numbers
  as texts (`"3600"`), `true`, `false`, `yes`, `no`, `on`, `off`, `0` and `1`, upper and lower
  case, blanks around a value, a domain with a port. An empty text is a setting that is not there,
  so an empty environment variable changes nothing.
- Any other value is an error in the log. What uses the setting raises the `ConfigurationError`:
  `LOGIN_DISABLED = "maybe"` fails at every guard, and opens none.

[`flask login doctor`](cli.md#what-doctor-looks-for) names both.

| key | default | in 0.6.3 |
| --- | --- | --- |
"""

TAIL = """\
## Settings of others that count

| key | whose | what for |
| --- | --- | --- |
"""

OTHERS = (
    ("SECRET_KEY", "Flask", "Signs the session, the remember cookie and the credentials' digest."),
    (
        "SECRET_KEY_FALLBACKS",
        "Flask 3.1",
        "Former keys that verify remember cookies, with every Flask; and sessions, from 3.1 on.",
    ),
    (
        "SESSION_COOKIE_SECURE",
        "Flask",
        "When `REMEMBER_COOKIE_SECURE` is None, the remember cookie is `Secure` if this is set.",
    ),
    (
        "SESSION_COOKIE_PARTITIONED",
        "Flask 3.1",
        "When `REMEMBER_COOKIE_PARTITIONED` is None, it is followed.",
    ),
    (
        "SESSION_COOKIE_NAME",
        "Flask",
        "`REMEMBER_COOKIE_NAME` has to be another.",
    ),
    (
        "PERMANENT_SESSION_LIFETIME",
        "Flask",
        (
            "How old a session cookie may be; Flask checks it, 31 days by default. Without"
            " `LOGIN_IDLE_TIMEOUT` also the idle timeout of a stored login that is not remembered."
        ),
    ),
    (
        "PREFERRED_URL_SCHEME",
        "Flask",
        "`flask login doctor` takes `https` for: this site is served over https.",
    ),
    (
        "WTF_CSRF_FIELD_NAME",
        "Flask-WTF",
        "The session entry that `LOGIN_ROTATE_CSRF_TOKEN` drops at login and logout.",
    ),
)


def default_of(setting: Setting[Any]) -> str:
    """Return a setting's default as the page shows it."""
    if isinstance(setting.default, timedelta):
        seconds = int(setting.default.total_seconds())
        for name, size in (("days", 86_400), ("minutes", 60), ("seconds", 1)):
            if seconds % size == 0:
                return f"`timedelta({name}={seconds // size})`"
    return f"`{setting.default!r}`"


def row(setting: Setting[Any]) -> str:
    """Return a setting's line in the table at the top."""
    old = "yes" if setting.tolerate is not None else "no"
    return f"| [`{setting.key}`](#{setting.key.lower()}) | {default_of(setting)} | {old} |\n"


def section(setting: Setting[Any]) -> str:
    """Return a setting's part of the page."""
    return (
        f"## `{setting.key}`\n\n{setting.meaning}\n\n"
        f"Accepted: {setting.accepted}. Default: {default_of(setting)}.\n\n"
    )


def page() -> str:
    """Return the whole page."""
    others = [f"| `{key}` | {whose} | {meaning} |\n" for key, whose, meaning in OTHERS]
    rows, sections = map(row, SETTINGS), map(section, SETTINGS)
    return "".join((HEAD, *rows, "\n", *sections, TAIL, *others))


def main(arguments: list[str]) -> int:
    """Write or check the page; return the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    if not arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is out of date: run 'python scripts/settings_page.py'.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
