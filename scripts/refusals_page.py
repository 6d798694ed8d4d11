"""Write docs/reference/refusals.md from the table that the tests hold the library to.

Usage: python scripts/refusals_page.py [--check]
With --check nothing is written; the exit code is 1 when the page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.refusals import (  # noqa: E402  # found by the line above
    ANSWERS,
    CALLERS,
    GUARDS,
    MODES,
    STATES,
    WITHOUT_VIEWS,
    Answer,
)

PAGE = ROOT / "docs/reference/refusals.md"

HEAD = """\
<!-- Written by scripts/refusals_page.py from tests/refusals.py: edit it there. -->

# Who gets what

A guard lets a caller in, or asks something of them; what it says then depends on what the caller
can make use of. Every cell of these tables is tested, with a session store and without.

"""

ASKED = """\
## What a guard asks

| the caller is | {guards} |
| {rules} |
"""

MEANT = """\

`when=` is `login_required(when=...)` with a test that says no, `max_age=` is `fresh_login_required`
with 5 minutes, `methods=` is it with `{"otp"}`; "by default" is a view without a guard of its own,
with [`LOGIN_REQUIRED_BY_DEFAULT`](settings.md#login_required_by_default).

- **in**: the view is run.
- **log in**: `LoginManager.unauthorized` answers.
- **prove**: `LoginManager.needs_refresh` answers: once more, or in another way, who they are.
- **no**: `LoginManager.forbidden` answers. No password would help: the test on the user says no, or
  somebody acts as another user, whom they can't prove to be.
- **go on**: who is logged in has no use for the page.

A view with several guards asks what the outermost asks first. Everybody is let in with
[`LOGIN_DISABLED`](settings.md#login_disabled), and an `OPTIONS` request is unless
[`LOGIN_GUARD_OPTIONS`](settings.md#login_guard_options) is on and the view answers it itself.

"""

WHO = """\
## For whom the answer is

| the caller | is known by | {modes} |
| --- | --- | {rules} |
"""

ANSWERED = """\

The modes are the values of
[`LOGIN_UNAUTHORIZED_RESPONSE`](settings.md#login_unauthorized_response). Of several marks the first
one of this order counts: the blueprint, `HX-Request`, `Sec-Fetch-Mode`, `X-Requested-With`, a body
of JSON, `Accept`, `Authorization`.

## What they are told

| asked | a page | a program | htmx |
| --- | --- | --- | --- |
"""

TAIL = """\

- *back* is the page to come back to: this one for a safe method, for a form the page it was on
  (`Referer`), for htmx the page around the fragment. It is left out when it is not on this host.
- *challenge* is `Session realm="..."`; `Bearer` when there is a `bearer_loader` or the caller sent
  such a token (then with `error="invalid_token"`); `Basic` for a program that sent that. The realm
  is the application's name, or that of a named realm.
- *step-up* is the challenge with `error="insufficient_user_authentication"`, and `max_age` in
  seconds when the guard has one (RFC 9470). The problem document has `max_age` and `methods`.
- *problem* is a document of RFC 9457, `application/problem+json`, with this `reason`; and with the
  [`ended_reason`](exceptions.md#why-a-login-ended) when a login of this caller has just ended.
- With a *message* a text is flashed.
- Your own `@app.errorhandler(401)` and `(403)` have their say wherever no view is named above.

What an answer owes to the user of a request loader is not for others: it is
`Cache-Control: private`, unless the view says otherwise, or the request has an `Authorization`
header: then RFC 9111 keeps shared caches off by itself.
"""

WORDS = {"-": "no"}


def row(cells: Iterable[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |\n"


def headers(answer: Answer) -> Iterable[str]:
    """Yield the headers of an answer as the page shows them."""
    for name, value in answer.headers.items():
        if name == "WWW-Authenticate":
            yield "*step-up*" if "insufficient" in value else "*challenge*"
        else:
            target, _, back = value.partition("?next=")
            yield f"`{name}: {target}`" + (" with `next` of *back*" if back else "")


def cell(answer: Answer) -> str:
    """Return an answer as the page shows it."""
    parts = [str(answer.status), *headers(answer)]
    if answer.body not in ("", "page"):
        parts.append(f"problem `{answer.body}`")
    if answer.flashed:
        parts.append("a message")
    return ", ".join(parts)


def answers(table: Mapping[str, Mapping[str, Answer]], suffix: str = "") -> str:
    """Return the lines of a table of answers."""
    order: Sequence[str] = ("page", "program", "htmx")
    return "".join(
        row([f"**{WORDS.get(asked, asked)}**{suffix}", *(cell(by[who]) for who in order)])
        for asked, by in table.items()
    )


def page() -> str:
    """Return the whole page."""
    guards = [name if " " in name else f"`{name}`" for name in GUARDS]
    asked = ASKED.format(guards=" | ".join(guards), rules=" | ".join("---" for _ in [0, *guards]))
    for number, state in enumerate(STATES.values()):
        cells = (asks[number] for asks in GUARDS.values())
        asked += row([state, *(WORDS.get(each, each) for each in cells)])
    modes = " | ".join(f"`{mode}`" for mode in MODES)
    who = WHO.format(modes=modes, rules=" | ".join("---" for _ in MODES))
    for caller in CALLERS:
        who += row([caller.name, caller.sends, *(getattr(caller, mode) for mode in MODES)])
    told = answers(ANSWERS) + answers(WITHOUT_VIEWS, ", with no view to send them to")
    return f"{HEAD}{asked}{MEANT}{who}{ANSWERED}{told}{TAIL}"


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
    print(f"{PAGE.name} is out of date: run 'python scripts/refusals_page.py'.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
