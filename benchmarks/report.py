"""The results as a Markdown table, JSON, pyperf's JSON and a chart."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

import pyperf

from . import cases
from .cases import BEFORE, BY_HAND, DJANGO, OURS, SECURITY, Results, Verdict
from .chart import Group, draw
from .measure import Series, Subject

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "what-it-costs.md"
CHART = PAGE.with_suffix(".svg")
RESULTS = ROOT / "benchmarks" / "results"

_NAMES = {OURS: "this library", "ours": "this library"}


def machine() -> dict[str, str]:
    """Return what the figures depend on; no name of the machine."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        info = ""
    cpu = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    return {
        "processor": cpu[1] if cpu else platform.machine(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def write(
    directory: Path,
    results: Results,
    verdicts: Sequence[Verdict],
    versions: Mapping[str, Mapping[str, str]],
) -> Sequence[Path]:
    """Write all forms of the results and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    table, data = directory / "results.md", directory / "results.json"
    chart, raw = directory / "results.svg", directory / "results.pyperf.json"
    table.write_text(f"# Results\n\n{markdown(results, verdicts, versions)}", encoding="utf-8")
    data.write_text(
        json.dumps(_json(results, verdicts, versions), indent=2) + "\n", encoding="utf-8"
    )
    chart.write_text(chart_of(results), encoding="utf-8")
    benchmarks = [
        series.benchmark(f"{subject.variant}: {subject.case}")
        for subject, series in results.series.items()
    ]
    pyperf.BenchmarkSuite(benchmarks).dump(str(raw), replace=True)
    return [table, data, chart, raw]


def update_page(
    results: Results,
    verdicts: Sequence[Verdict],
    versions: Mapping[str, Mapping[str, str]],
) -> Sequence[Path]:
    """Put table and chart into the documentation."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- benchmark: begin -->\n", "<!-- benchmark: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    table = markdown(results, verdicts, versions)
    PAGE.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
    CHART.write_text(chart_of(results), encoding="utf-8")
    return [PAGE, CHART]


def markdown(
    results: Results,
    verdicts: Sequence[Verdict],
    versions: Mapping[str, Mapping[str, str]],
) -> str:
    """Return everything as tables."""
    return "\n".join(_markdown(results, verdicts, versions)) + "\n"


def _markdown(
    results: Results,
    verdicts: Sequence[Verdict],
    versions: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    about = machine()
    yield (
        f"{about['date']}, {about['processor']}, {about['cores']} cores,"
        f" {about['system']}, {about['python']}. Median of {_rounds(results)} rounds;"
        " ± is the median deviation."
    )
    yield ""
    for environment, found in versions.items():
        listed = ", ".join(f"{name} {version}" for name, version in found.items())
        yield f"- {environment}: {listed}"
    yield from (
        "",
        "## Budgets",
        "",
        "| what | budget | found | result |",
        "| --- | --- | --- | --- |",
    )
    for verdict in verdicts:
        says = "met" if verdict.met else "**missed**"
        yield f"| {verdict.title} | {verdict.limit} | {verdict.found} | {says} |"
    if results.series:
        yield from ("", "## Added cost of a request", "")
        yield "| request | variant | added µs | ± | instructions | bare µs |"
        yield "| --- | --- | ---: | ---: | ---: | ---: |"
        for one, series in results.series.items():
            count = results.counts.get(one)
            counted = "" if count is None else f"{count.added:,}"
            yield (
                f"| {one.case} | {named(one)} | {series.added / 1000:.1f}"
                f" | {series.spread / 1000:.1f} | {counted} | {median(series.bare) / 1000:.0f} |"
            )
    if results.rates:
        bare = results.rates["bare"]
        yield from ("", "## Requests per second", "", "gunicorn with one worker, asked by wrk.")
        yield from ("", "| variant | requests/s | of bare |", "| --- | ---: | ---: |")
        for name, rate in results.rates.items():
            yield f"| {_NAMES.get(name, name)} | {rate:,.0f} | {rate / bare:.0%} |"


def named(subject: Subject) -> str:
    """Return what the tables call a variant."""
    return re.sub(r"\Aours\b", "this library", subject.variant)


def _rounds(results: Results) -> int:
    return max((len(series.times) for series in results.series.values()), default=0)


def chart_of(results: Results) -> str:
    """Return the chart of the added costs."""
    stored = {
        f"Stored level on {name}": (f"ours, {store}", *([peer] if peer else []), *raw[:1])
        for name, store in (("Redis", "redis"), ("PostgreSQL", "postgresql"))
        for peer, raw in [cases.STORED[store]]
    }
    wanted: dict[str, Sequence[tuple[str, str]]] = {
        "Public page, no cookie": [(OURS, "public"), (BEFORE, "public")],
        "Page of somebody logged in": [
            (name, "page") for name in (BY_HAND, OURS, BEFORE, DJANGO, SECURITY)
        ],
        "API key": [(OURS, "api key"), (BEFORE, "api key")],
        "Remember cookie": [(OURS, "remember"), (BEFORE, "remember")],
        **{title: [(name, "page") for name in names] for title, names in stored.items()},
    }
    groups = []
    for title, bars in wanted.items():
        subjects = [cases.subject(*bar) for bar in bars]
        found = [(one, results.series[one]) for one in subjects if one in results.series]
        if found:
            drawn = [(_short(one), series.added / 1000, _is_ours(one)) for one, series in found]
            groups.append(Group(title, drawn))
    if not groups:
        groups = [Group("Nothing was measured", [("", 0.001, False)])]
    return draw(
        "What a login costs each request",
        "Added to a Flask application that does nothing, in microseconds, for each variant.",
        groups,
    )


def _is_ours(subject: Subject) -> bool:
    return subject.variant.startswith("ours")


def _short(subject: Subject) -> str:
    if _is_ours(subject):
        return "this library"
    return {
        cases.ON_REDIS: "0.6.3 + Flask-Session",
        cases.ON_POSTGRESQL: "0.6.3 + Flask-Session",
        "raw redis": "one GET alone",
        "raw postgresql": "one SELECT alone",
    }.get(subject.variant, subject.variant)


def _json(
    results: Results,
    verdicts: Sequence[Verdict],
    versions: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    return {
        "machine": machine(),
        "versions": versions,
        "rounds": _rounds(results),
        "budgets": [vars(verdict) for verdict in verdicts],
        "requests": [_row(one, series, results) for one, series in results.series.items()],
        "facts": results.facts,
        "imports": {name: vars(found) for name, found in results.imports.items()},
        "revoke_all_seconds": results.revoke_all,
        "redis_bytes": results.redis_bytes,
        "requests_per_second": results.rates,
    }


def _row(subject: Subject, series: Series, results: Results) -> dict[str, Any]:
    count = results.counts.get(subject)
    return {
        **vars(subject),
        "added_us": round(series.added / 1000, 3),
        "spread_us": round(series.spread / 1000, 3),
        "time_us": round(median(series.times) / 1000, 3),
        "bare_us": round(median(series.bare) / 1000, 3),
        "added_instructions": None if count is None else count.added,
        "bare_instructions": None if count is None else count.bare,
    }
