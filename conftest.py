"""For every test of this repository: say what fails when it fails, not after the last test."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

#: Is there when a run had to skip what needs a server: then coverage is not whole.
PARTIAL = Path(".coverage-partial")


class AtOnce:
    """Print a failure, with its traceback, as soon as it is known; workers tell of theirs too."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the report of a failure."""
        if report.skipped and "servers" in report.keywords:
            PARTIAL.touch()
        if not report.failed:
            return
        self._reporter.ensure_newline()
        self._reporter.section(f"{report.when} of {report.nodeid} failed", sep="_", red=True)
        self._reporter.line(report.longreprtext)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a quick run take a few cases of each test."""
    parser.addoption(
        "--most-cases",
        type=int,
        metavar="N",
        help="of a test with more than N cases, run N that are spread over all of them",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the browsers in one process, where two at a time would wait for each other."""
    for item in items:
        if item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.xdist_group("browser"))
    most = config.getoption("--most-cases")
    if most is not None:
        kept = some_cases(items, most)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def some_cases(items: list[pytest.Item], most: int) -> set[pytest.Item]:
    """Return the items without some cases of those tests that have more than so many."""
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: set[pytest.Item] = set()
    for test, cases in tests.items():
        # By chance, as every n-th would always have the same value of one parameter; each time and
        # in each process the same ones.
        chosen = Random(test).sample(range(len(cases)), min(most, len(cases)))  # noqa: S311  # no secret
        kept.update(cases[number] for number in chosen)
    return kept


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the process that talks to the terminal print failures at once."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # A worker of pytest-xdist reports to the process that started it, which prints.
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(AtOnce(reporter), "failures-at-once")
