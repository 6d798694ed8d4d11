"""Which variants are compared in which cases, and the budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from .imports import Import
from .instructions import Count
from .measure import Series, Subject, ratio

OURS = "ours"
BY_HAND = "by hand"
IN_MEMORY, BY_COOKIE = "ours, memory", "ours, login cookie"
BEFORE = "Flask-Login 0.6.3"
SECURITY = "Flask-Security"
DJANGO = "Django"
ON_REDIS = f"{BEFORE}, Flask-Session on redis"
ON_POSTGRESQL = f"{BEFORE}, Flask-Session on postgresql"

#: The variants by environment.
VARIANTS: Mapping[str, Sequence[str]] = {
    "ours": (
        *(OURS, BY_HAND, BY_COOKIE),
        *(f"ours, {store}" for store in ("memory", "sqlite", "postgresql", "redis")),
        *("raw sqlite", "raw postgresql", "raw psycopg", "raw redis"),
    ),
    "flask-login": (BEFORE, ON_REDIS, ON_POSTGRESQL),
    "flask-security": (SECURITY,),
    "django": (DJANGO,),
}
_ENVIRONMENT_OF = {name: place for place, names in VARIANTS.items() for name in names}

#: The cases of the signed level: title, and who takes part.
SIGNED: Mapping[str, tuple[str, Sequence[str]]] = {
    "public": ("Public page, no cookie", (OURS, BEFORE)),
    "static": ("Static file, no cookie", (OURS, BEFORE)),
    "page": (
        "Page of somebody logged in: `login_required`, one read of `current_user`",
        (OURS, BY_HAND, BEFORE, SECURITY, DJANGO),
    ),
    "code 1": ("One read in the view's code", (OURS, BY_HAND, BEFORE)),
    "code 20": ("Twenty reads in the view's code", (OURS, BY_HAND, BEFORE)),
    "template 1": ("One read in a template", (OURS, BY_HAND, BEFORE)),
    "template 20": ("Twenty reads in a template", (OURS, BY_HAND, BEFORE)),
    "remember": ("A remember cookie brings the login back", (OURS, BEFORE)),
    "api key": ("An API key, by a request loader", (OURS, BEFORE)),
}
#: The stored level: the store, the peer, the raw round trips.
STORED: Mapping[str, tuple[str | None, Sequence[str]]] = {
    "memory": (None, ()),
    "sqlite": (None, ("raw sqlite",)),
    "postgresql": (ON_POSTGRESQL, ("raw postgresql", "raw psycopg")),
    "redis": (ON_REDIS, ("raw redis",)),
}
#: Where instructions are counted: no round trips, and not the servers' share.
COUNTED = ("public", "page", "code 1", "code 20", "template 20", "remember", "api key")
GROWING = ("postgresql", "redis")


def subject(variant: str, case: str = "page") -> Subject:
    """Return the subject of a variant in a case."""
    return Subject(_ENVIRONMENT_OF[variant], variant, case)


def signed_subjects(cases: Sequence[str] = tuple(SIGNED)) -> list[Subject]:
    """Return the subjects of the signed level."""
    return [subject(variant, case) for case in cases for variant in SIGNED[case][1]]


def counted_subjects() -> list[Subject]:
    """Return the subjects whose instructions are counted."""
    counted = (OURS, BY_HAND, BEFORE)
    found = [one for one in signed_subjects(COUNTED) if one.variant in counted]
    return [*found, subject(IN_MEMORY), subject(BY_COOKIE)]


def stored_subjects() -> list[Subject]:
    """Return the subjects of the stored level."""
    names = [
        name
        for store, (peer, raw) in STORED.items()
        for name in (f"ours, {store}", peer, *raw)
        if name is not None
    ]
    return [subject(name) for name in names]


def crowd(store: str, size: int) -> Subject:
    """Return the subject of a store with so many logins."""
    return Subject("ours", f"crowd {store} {size}", "page")


@dataclass
class Results:
    """Everything that was measured."""

    series: dict[Subject, Series] = field(default_factory=dict)
    counts: dict[Subject, Count] = field(default_factory=dict)
    facts: dict[str, dict[str, object]] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    #: Seconds to end many logins of one user, by store.
    revoke_all: dict[str, float] = field(default_factory=dict)
    #: How many logins that were, and how many a crowd is.
    revoked: int = 0
    sizes: Sequence[int] = ()
    #: Bytes that one login takes on Redis.
    redis_bytes: float | None = None
    #: Requests per second by variant.
    rates: dict[str, float] = field(default_factory=dict)

    def added(self, variant: str, case: str = "page") -> float:
        """Return an added cost in nanoseconds."""
        return self.series[subject(variant, case)].added

    def ratio(self, one: str, other: str, case: str = "page") -> float:
        """Return how many times the added cost of `other` that of `one` is."""
        return ratio(self.series[subject(one, case)], self.series[subject(other, case)])

    def read(self, variant: str, kind: str) -> float:
        """Return what one further read of the user adds, in nanoseconds."""
        first, all_ = (self.series[subject(variant, f"{kind} {n}")].each for n in (1, 20))
        return median((many - one) / 19 for one, many in zip(first, all_, strict=True))


@dataclass(frozen=True)
class Verdict:
    """A budget, and whether it was met."""

    title: str
    limit: str
    found: str
    met: bool


def _times(title: str, found: float, most: float, of: str) -> Verdict:
    return Verdict(title, f"≤ {most:g} × {of}", f"{found:.2f} ×", found <= most)


def _microseconds(title: str, found: float, most: float, of: str = "") -> Verdict:
    limit = f"≤ {of + ' + ' if of else ''}{most / 1000:g} µs"
    return Verdict(title, limit, f"{'+ ' if of else ''}{found / 1000:.1f} µs", found <= most)


def verdicts(results: Results) -> list[Verdict]:
    """Judge everything that was measured."""
    parts = {
        _signed: subject(OURS, "public") in results.series,
        _reads: subject(OURS, "code 20") in results.series,
        _stored: subject("ours, redis") in results.series,
        _counted: bool(results.counts),
        _imports: bool(results.imports),
        _growth: bool(results.sizes),
    }
    made = [judge for judge, was_measured in parts.items() if was_measured]
    return [verdict for judge in made for verdict in judge(results)]


def _signed(results: Results) -> Iterator[Verdict]:
    for case in ("public", "static"):
        yield _microseconds(SIGNED[case][0], results.added(OURS, case), 1000)
    vary = results.facts[OURS]["vary of a public page"]
    yield Verdict("Public page", "no `Vary`", f"`{vary}`" if vary else "none", not vary)
    page = "Page of somebody logged in"
    yield _times(page, results.ratio(OURS, BEFORE), 0.5, BEFORE)
    yield _times(page, results.ratio(OURS, BY_HAND), 1.5, BY_HAND)
    yield _times(SIGNED["remember"][0], results.ratio(OURS, BEFORE, "remember"), 1.0, BEFORE)
    yield _times(SIGNED["api key"][0], results.ratio(OURS, BEFORE, "api key"), 0.5, BEFORE)
    sizes = [results.facts[name]["cookie"] for name in (OURS, BEFORE)]
    assert isinstance(sizes[0], int)
    assert isinstance(sizes[1], int)
    title = f"Session cookie after login, {sizes[0]} bytes"
    yield _times(title, sizes[0] / sizes[1], 0.6, f"{BEFORE}'s {sizes[1]}")


def _reads(results: Results) -> Iterator[Verdict]:
    ours, before = (results.read(name, "code") for name in (OURS, BEFORE))
    yield _times("Each further read in code", ours / before, 0.5, BEFORE)
    # Flask-Login gives a template the user object itself, at the price of finding it for every
    # template: reads are then free, and half of nothing is no budget.
    ours = results.read(OURS, "template")
    yield _microseconds("Each further read in a template", ours, 100)
    yield _times(
        "The page with twenty reads in a template",
        results.ratio(OURS, BEFORE, "template 20"),
        1.0,
        BEFORE,
    )


def _stored(results: Results) -> Iterator[Verdict]:
    for store, (peer, raw) in STORED.items():
        title, name = f"Stored level, {store}", f"ours, {store}"
        if peer is not None:
            yield _times(title, results.ratio(name, peer), 0.6, peer)
        each = results.series[subject(name)].each
        base = results.series[subject(raw[0])].each if raw else [0.0] * len(each)
        over = median(a - b for a, b in zip(each, base, strict=True))
        yield _microseconds(title, over, 30_000, raw[0] if raw else "")


def _counted(results: Results) -> Iterator[Verdict]:
    def added(variant: str, case: str = "page") -> int:
        return results.counts[subject(variant, case)].added

    title = "Instructions of a page of somebody logged in"
    yield _times(title, added(OURS) / added(BEFORE), 0.5, BEFORE)
    yield _times(title, added(OURS) / added(BY_HAND), 1.5, BY_HAND)
    for case, most in (("remember", 1.0), ("api key", 0.5)):
        found = added(OURS, case) / added(BEFORE, case)
        yield _times(f"Instructions: {SIGNED[case][0]}", found, most, BEFORE)
    found = of_login_cookie(results)
    yield _times("Instructions: a page with a login cookie", found, 1.0, "with Flask's session")


def of_login_cookie(results: Results) -> float:
    """Return what a page costs with a login cookie, as times one with Flask's session.

    All of the request counts: to open a session is Flask's share, which a login cookie saves.
    """
    by_cookie, by_session = (results.counts[subject(name)] for name in (BY_COOKIE, IN_MEMORY))
    return by_cookie.all / by_session.all


def _imports(results: Results) -> Iterator[Verdict]:
    ours, before = (results.imports[name] for name in ("ours", "flask-login"))
    yield _times("`import flask_login` after `import flask`", ours.time / before.time, 1.0, BEFORE)
    found = ", ".join(ours.brought)
    yield Verdict("What it imports", "nothing optional", found or "nothing", not found)


def _growth(results: Results) -> Iterator[Verdict]:
    first, *others = results.sizes
    for store in GROWING:
        for size in others:
            each = [results.series[crowd(store, n)] for n in (size, first)]
            title = f"Stored level, {store}, {size:,} logins"
            yield _times(title, ratio(*each), 1.3, f"that with {first:,}")
    for store, seconds in results.revoke_all.items():
        title = f"`revoke_all` of {results.revoked:,} logins, {store}"
        yield Verdict(title, "≤ 1 s", f"{seconds:.2f} s", seconds <= 1)
    if results.redis_bytes is not None:
        found = results.redis_bytes
        yield Verdict("Redis, for each login", "≤ 600 bytes", f"{found:.0f} bytes", found <= 600)
