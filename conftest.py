"""For every test of this repository: say what fails when it fails, not after the last test."""

from __future__ import annotations

from pathlib import Path

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the browsers in one process: two at a time only wait for each other."""
    for item in items:
        if item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the process that talks to the terminal print failures at once."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    # A worker of pytest-xdist reports to the process that started it, which prints.
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(AtOnce(reporter), "failures-at-once")
