"""One login with each library that applications combine with this one: `make test-integrations`.

No other job runs these tests: they need an environment of their own, `.venvs/integrations`, with
all those libraries in it. What is missing there is a failure and no skip.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flask_login import MemorySessionStore

# A helper's assertions shall say as much as a test's.
pytest.register_assert_rewrite("tests.integrations.flow")

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Leave the libraries their deprecations; a warning that is raised at us stays an error."""
    config.addinivalue_line("filterwarnings", "ignore")
    config.addinivalue_line("filterwarnings", r"error:::flask_login(\..*)?")
    config.addinivalue_line("filterwarnings", r"error:::tests\.integrations\..*")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let what would be skipped fail: something is missing that was to be tried."""
    report = yield
    if report.skipped and HERE in item.path.parents:
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {report.longrepr}"
    return report


class Level:
    """Where the logins are: in signed cookies alone, or in a store beside them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stored = name == "stored"
        self.store = MemorySessionStore() if self.stored else None


@pytest.fixture(params=["signed", "stored"])
def level(request: pytest.FixtureRequest) -> Level:
    return Level(request.param)
