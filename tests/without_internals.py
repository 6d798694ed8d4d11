"""A plugin that takes from Flask what it does not promise: ``-p tests.without_internals``.

`flask_login.flask_internals` looks once, when it is imported, whether Flask has its private names,
and takes Flask's public ones where it has not. Users, cookies and statuses are the same then; a
response may say ``Vary: Cookie`` once more. ``make test-public-flask`` runs this.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

import flask.globals
import pytest

if "flask_login" in sys.modules:
    raise RuntimeError("flask_login was imported before tests.without_internals")

for _name in ("_cv_app", "_cv_request"):
    # Flask's own modules have them still.
    vars(flask.globals).pop(_name, None)

#: What tells of pages and examples, and not of the library; and what counts calls.
NOT_OF_THE_LIBRARY = {"test_docs", "test_docs_site", "test_examples", "test_readme"}
NOT_OF_THE_LIBRARY |= {"test_tutorial_app", "test_flows"}

#: What can't be known by public names, and why.
UNKNOWN = {
    "test_the_session_counts_as_touched_only_when_the_application_used_it": (
        "to look at the session is to use it"
    ),
    "test_a_page_that_reads_the_login_alone_opens_no_session_and_says_that_it_varies": (
        "to look whether the session holds a login of before is to use it"
    ),
}


def pytest_ignore_collect(collection_path: object) -> bool | None:
    """Leave out what shows documentation and examples, and what counts calls."""
    return True if getattr(collection_path, "stem", None) in NOT_OF_THE_LIBRARY else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make sure that the room is off, and say which tests can't hold."""
    from flask_login import flask_internals

    if any(type(kept) is ContextVar for kept in vars(flask_internals).values()):
        raise pytest.UsageError("flask_login still uses Flask's private names")
    for item in items:
        reason = UNKNOWN.get(item.name.partition("[")[0])
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
