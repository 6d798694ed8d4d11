"""The rules of a stored login: as a table, and under schedules nobody would think of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_login.core import rules
from flask_login.core.rules import COOLDOWN, GRACE, Step
from flask_login.sessions import records
from flask_login.sessions.records import TOMBSTONE, LoginSession

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)


def a_login(**fields: Any) -> LoginSession:
    """Return a login that is remembered and began at `NOW`."""
    values: dict[str, Any] = {
        "id": "handle",
        "secret_hash": records.hash_secret("secret"),
        "user_id": "ada",
        "created_at": NOW,
        "last_seen_at": NOW,
        "authenticated_at": NOW,
        "expires_at": NOW + YEAR,
        "remember_generation": 1,
        "remember_until": NOW + YEAR,
        "remember_issued_at": NOW,
        "confirmed": False,
    }
    return LoginSession(**{**values, **fields})


# Secrets and handles


def test_two_logins_share_no_secret_and_no_handle() -> None:
    assert len({records.new_secret() for _ in range(1000)}) == 1000
    assert len({records.new_id("ada") for _ in range(1000)}) == 1000


def test_a_secret_has_256_bits() -> None:
    assert len(records.new_secret()) == 43


def test_the_handles_of_a_user_begin_alike_and_do_not_name_the_user() -> None:
    one, two = records.new_id("ada"), records.new_id("ada")
    assert one[:11] == two[:11] == records.user_tag("ada")
    assert records.new_id("bob")[:11] != one[:11]
    assert "ada" not in records.user_tag("ada")
    assert len(records.user_tag("\udcff" * 500)) == 11


def test_no_handle_and_no_secret_holds_the_dot_that_parts_them() -> None:
    for _ in range(1000):
        assert "." not in records.new_id("a.b") + records.new_secret()


def test_a_login_knows_its_own_secret_only() -> None:
    record = a_login()
    assert rules.knows_secret(record, "secret")
    assert not rules.knows_secret(record, "")
    assert not rules.knows_secret(record, record.secret_hash)
    assert "secret" not in vars(record).values()


# When a login is over


@pytest.mark.parametrize(
    ("fields", "after", "reason"),
    [
        ({}, YEAR - TICK, None),
        ({}, YEAR, records.EXPIRED_ABSOLUTE),
        ({"idle_timeout": MINUTE}, MINUTE - TICK, None),
        ({"idle_timeout": MINUTE}, MINUTE, records.EXPIRED_IDLE),
        ({"idle_timeout": MINUTE, "last_seen_at": NOW + MINUTE}, 2 * MINUTE - TICK, None),
        ({"idle_timeout": YEAR}, YEAR, records.EXPIRED_ABSOLUTE),
        ({"ended_at": NOW, "ended_reason": records.LOGOUT}, YEAR, records.LOGOUT),
    ],
)
def test_a_login_is_over_from_the_very_moment_its_time_is_up(
    fields: dict[str, Any], after: timedelta, reason: str | None
) -> None:
    assert records.ended_because(a_login(**fields), NOW + after) == reason


def test_a_login_ends_once_and_for_its_first_reason() -> None:
    ended = records.end(a_login(), records.LOGOUT, NOW + MINUTE)
    assert (ended.ended_reason, ended.ended_at, ended.version) == ("logout", NOW + MINUTE, 2)
    assert records.end(ended, records.REVOKED, NOW + HOUR) is ended


def test_a_login_is_kept_for_a_while_after_it_ended_or_expired() -> None:
    record = a_login()
    assert record.purge_at == record.expires_at + TOMBSTONE
    assert records.end(record, records.LOGOUT, NOW).purge_at == NOW + TOMBSTONE
    last = datetime.max.replace(tzinfo=timezone.utc)
    assert a_login(expires_at=last).purge_at == last


def test_the_emergency_brake_ends_what_began_before_it() -> None:
    record = a_login()
    assert records.braked(record, None) is record
    assert records.braked(record, NOW) is record
    braked = records.braked(record, NOW + TICK)
    assert (braked.ended_reason, braked.ended_at) == (records.REVOKED, NOW + TICK)
    ended = records.end(record, records.LOGOUT, NOW)
    assert records.braked(ended, NOW + TICK) is ended


def test_every_reason_has_a_sentence() -> None:
    codes = [value for name, value in vars(records).items() if name.isupper()]
    reasons = {code for code in codes if isinstance(code, str)}
    assert set(records.REASONS) == reasons - {records.UNKNOWN, records.SUPERSEDED}
    assert all(sentence.endswith(".") for sentence in records.REASONS.values())


# A session credential


def outcome(step: Step) -> tuple[str | None, bool]:
    return step.refused, step.reissue


@pytest.mark.parametrize(
    ("generation", "after", "refused"),
    [
        (3, HOUR, None),
        (2, GRACE - TICK, None),
        (2, GRACE, records.SUPERSEDED),
        (1, timedelta(0), records.SUPERSEDED),
        (4, timedelta(0), records.SUPERSEDED),
        (0, timedelta(0), records.SUPERSEDED),
        (-1, timedelta(0), records.SUPERSEDED),
    ],
)
def test_the_newest_session_credential_is_good_and_the_one_before_for_a_grace(
    generation: int, after: timedelta, refused: str | None
) -> None:
    record = a_login(generation=3, renewed_at=NOW, confirmed=True)
    step = rules.present_session(record, generation, NOW + after)
    assert outcome(step) == (refused, False)
    assert step.record is record, "nothing is written for any of them"


def test_the_newest_session_credential_shows_that_its_response_arrived() -> None:
    step = rules.present_session(a_login(generation=2), 2, NOW + HOUR)
    assert step.record == a_login(generation=2, confirmed=True, version=2)


def test_the_one_before_shows_nothing() -> None:
    record = a_login(generation=2, renewed_at=None)
    step = rules.present_session(record, 1, NOW + TICK)
    assert step.refused is None
    assert step.record is record


@pytest.mark.parametrize("generation", [1, 0, 7])
@pytest.mark.parametrize("present", [rules.present_session, rules.present_remember])
def test_no_credential_is_good_for_a_login_whose_time_is_up(present: Any, generation: int) -> None:
    record = a_login(idle_timeout=MINUTE)
    step = present(record, generation, NOW + MINUTE)
    assert step.refused == records.EXPIRED_IDLE
    assert step.record == records.end(record, records.EXPIRED_IDLE, NOW + MINUTE)


@pytest.mark.parametrize("generation", [1, 0, 7])
@pytest.mark.parametrize("present", [rules.present_session, rules.present_remember])
def test_no_credential_brings_back_an_ended_login_and_none_changes_its_reason(
    present: Any, generation: int
) -> None:
    ended = records.end(a_login(), records.LOGOUT, NOW)
    step = present(ended, generation, NOW + TICK)
    assert outcome(step) == (records.LOGOUT, False)
    assert step.record is ended


# A remember token


def test_a_remember_token_rotates_and_the_login_is_no_longer_fresh() -> None:
    record = a_login(confirmed=True)
    step = rules.present_remember(record, 1, NOW + COOLDOWN)
    assert outcome(step) == (None, True)
    assert step.record == replace(
        record,
        generation=2,
        renewed_at=NOW + COOLDOWN,
        remember_generation=2,
        remember_issued_at=NOW + COOLDOWN,
        last_seen_at=NOW + COOLDOWN,
        authenticated_at=None,
        confirmed=False,
        restored=True,
        version=2,
    )


def test_a_remember_token_that_was_just_issued_is_left_as_it_is() -> None:
    step = rules.present_remember(a_login(), 1, NOW + COOLDOWN - TICK)
    assert outcome(step) == (None, True)
    assert step.record == a_login(confirmed=True, version=2)
    again = rules.present_remember(step.record, 1, NOW + COOLDOWN - TICK)
    assert again.record is step.record


def test_everybody_who_lost_the_race_gets_the_same_successor() -> None:
    first = rules.present_remember(a_login(), 1, NOW + HOUR).record
    for after in (timedelta(0), GRACE - TICK):
        step = rules.present_remember(first, 1, NOW + HOUR + after)
        assert outcome(step) == (None, True)
        assert step.record is first


def test_a_lost_response_is_made_good_for_who_comes_again_later() -> None:
    rotated = rules.present_remember(a_login(), 1, NOW + HOUR).record
    step = rules.present_remember(rotated, 1, NOW + 2 * HOUR)
    assert outcome(step) == (None, True)
    assert step.record.remember_generation == 2, "the newest again, and no newer one"
    assert step.record.generation == rotated.generation + 1


@pytest.mark.parametrize("evidence", ["session", "remember"])
def test_a_token_is_reused_once_anything_of_its_successor_s_response_was_presented(
    evidence: str,
) -> None:
    rotated = rules.present_remember(a_login(), 1, NOW + HOUR).record
    if evidence == "session":
        seen = rules.present_session(rotated, 2, NOW + HOUR + TICK).record
    else:
        seen = rules.present_remember(rotated, 2, NOW + HOUR + TICK).record
    assert seen.confirmed
    step = rules.present_remember(seen, 1, NOW + HOUR + GRACE)
    assert outcome(step) == (records.TOKEN_REUSED, False)
    assert step.record.ended_reason == records.TOKEN_REUSED


@pytest.mark.parametrize("generation", [-1, 0, 1, 4, 99])
def test_a_token_from_longer_ago_or_from_nowhere_ends_the_login(generation: int) -> None:
    record = a_login(remember_generation=3)
    step = rules.present_remember(record, generation, NOW + TICK)
    assert step.refused == records.TOKEN_REUSED
    assert step.record == records.end(record, records.TOKEN_REUSED, NOW + TICK)


@pytest.mark.parametrize("until", [None, NOW + HOUR])
def test_a_remember_token_is_no_good_after_its_time(until: datetime | None) -> None:
    record = a_login(remember_until=until)
    step = rules.present_remember(record, 1, NOW + HOUR)
    assert outcome(step) == (records.EXPIRED_ABSOLUTE, False)
    assert step.record is record


def test_a_clock_that_went_back_does_not_move_the_last_activity_back() -> None:
    later = a_login(last_seen_at=NOW + 2 * HOUR)
    assert rules.present_remember(later, 1, NOW + HOUR).record.last_seen_at == NOW + 2 * HOUR
    assert rules.confirm(later, NOW + HOUR, YEAR, (), None).last_seen_at == NOW + 2 * HOUR


@pytest.mark.parametrize(("generation", "remembered"), [(0, False), (1, True), (9, True)])
def test_a_login_says_whether_it_is_remembered(generation: int, remembered: bool) -> None:
    assert a_login(remember_generation=generation).remembered is remembered


def test_a_token_that_slides_is_good_for_as_long_as_the_one_before_it() -> None:
    record = a_login(expires_at=NOW + 2 * HOUR, remember_until=NOW + HOUR)
    now = NOW + HOUR - TICK
    kept = rules.present_remember(record, 1, now, slide=True).record
    assert (kept.remember_until, kept.expires_at) == (now + HOUR, NOW + 2 * HOUR)
    kept = rules.present_remember(kept, 2, now + HOUR - TICK, slide=True).record
    assert kept.remember_until == kept.expires_at == now + 2 * HOUR - TICK


def test_a_token_that_slides_does_not_move_a_greatest_age() -> None:
    record = a_login(absolute_timeout=YEAR)
    kept = rules.present_remember(record, 1, NOW + HOUR, slide=True).record
    assert kept.remember_until == NOW + HOUR + YEAR
    assert kept.expires_at == NOW + YEAR


# Proving it once more


def test_a_confirmed_login_has_a_new_credential_and_its_time_anew() -> None:
    record = a_login(authenticated_at=None, methods=frozenset({"pwd"}), auth_hash="old")
    confirmed = rules.confirm(record, NOW + HOUR, YEAR, {"otp"}, "new")
    assert confirmed == replace(
        record,
        authenticated_at=NOW + HOUR,
        last_seen_at=NOW + HOUR,
        expires_at=NOW + HOUR + YEAR,
        methods=frozenset({"pwd", "otp"}),
        auth_hash="new",
        generation=2,
        renewed_at=NOW + HOUR,
        remember_generation=2,
        remember_first=2,
        remember_issued_at=NOW + HOUR,
        confirmed=False,
        version=2,
    )


@pytest.mark.parametrize(
    ("fields", "auth_hash"),
    [
        ({"auth_hash": "same"}, "same"),
        ({"auth_hash": None}, "first"),
        ({"auth_hash": "old", "remember_generation": 0}, "new"),
    ],
)
def test_a_login_without_other_credentials_keeps_its_remember_token(
    fields: dict[str, Any], auth_hash: str
) -> None:
    record = a_login(**fields)
    confirmed = rules.confirm(record, NOW + HOUR, YEAR, (), auth_hash)
    assert confirmed.auth_hash == auth_hash
    assert confirmed.remember_generation == record.remember_generation
    assert confirmed.remember_first == 1
    assert confirmed.generation == 2


def test_a_token_from_before_other_credentials_is_refused_and_shows_nothing() -> None:
    record = rules.confirm(a_login(auth_hash="old"), NOW + HOUR, YEAR, (), "new")
    for after in (TICK, GRACE, COOLDOWN, HOUR):
        step = rules.present_remember(record, 1, NOW + HOUR + after)
        assert (step.refused, step.record) == (records.CREDENTIALS_CHANGED, record)
        assert outcome(rules.present_remember(record, 2, NOW + HOUR + after)) == (None, True)


def test_a_new_credential_replaces_the_one_before_and_revives_nothing() -> None:
    renewed = rules.renew(a_login(), NOW + MINUTE)
    assert (renewed.generation, renewed.renewed_at, renewed.version) == (2, NOW + MINUTE, 2)
    ended = records.end(a_login(), records.LOGOUT, NOW)
    assert rules.renew(ended, NOW + MINUTE) is ended


def test_the_credentials_are_noted_once() -> None:
    noted = rules.note_auth_hash(a_login(), "digest")
    assert (noted.auth_hash, noted.version) == ("digest", 2)
    assert rules.note_auth_hash(noted, "other") is noted
    ended = records.end(a_login(), records.LOGOUT, NOW)
    assert rules.note_auth_hash(ended, "digest") is ended


def test_a_login_that_is_confirmed_gets_its_own_greatest_age_and_no_other() -> None:
    record = a_login(expires_at=NOW + HOUR, absolute_timeout=HOUR)
    assert rules.confirm(record, NOW + MINUTE, YEAR, (), None).expires_at == NOW + MINUTE + HOUR


def test_no_repr_shows_what_a_store_keeps_of_secrets() -> None:
    text = repr(a_login(auth_hash="the digest"))
    assert records.hash_secret("secret") not in text
    assert "the digest" not in text


def test_an_ended_login_is_not_confirmed() -> None:
    ended = records.end(a_login(), records.REVOKED, NOW)
    assert rules.confirm(ended, NOW + TICK, YEAR, {"pwd"}, None) is ended


def test_an_ended_login_gets_no_remember_token() -> None:
    ended = records.end(a_login(remember_generation=0), records.REVOKED, NOW)
    assert rules.remember(ended, NOW + TICK, YEAR, keeps_idle=True) is ended


def test_a_login_that_is_confirmed_again_and_again_never_gets_more_than_its_time_anew() -> None:
    record, now = a_login(expires_at=NOW + 8 * HOUR), NOW
    for _ in range(10):
        now += 4 * HOUR
        record = rules.confirm(record, now, 8 * HOUR, (), None)
        assert record.expires_at <= now + 8 * HOUR


# Schedules: requests in flight, responses lost and late, browsers closed


@dataclass
class Jar:
    """A browser's cookies: the generations of its credentials."""

    session: int | None = 1
    remember: int | None = 1


@dataclass
class Flight:
    """A request on its way: what it carries, and what its response will carry."""

    cookies: Jar
    answer: Jar | None = None
    admitted: bool = False


@dataclass
class Site:
    """One record, and the clock it lives by."""

    record: LoginSession = field(default_factory=a_login)
    now: datetime = NOW

    def answer(self, flight: Flight) -> None:
        """Do what the server does with one request."""
        flight.answer = Jar(flight.cookies.session, flight.cookies.remember)
        if flight.cookies.session is not None:
            step = self._judge(rules.present_session, flight.cookies.session)
            if step.refused is None:
                flight.admitted = True
                return
            flight.answer.session = None
        if flight.cookies.remember is not None:
            step = self._judge(rules.present_remember, flight.cookies.remember)
            flight.admitted = step.refused is None
            if flight.admitted:
                flight.answer = Jar(step.record.generation, step.record.remember_generation)
            else:
                flight.answer.remember = None

    def _judge(self, present: Any, generation: int) -> Step:
        before = self.record
        step: Step = present(before, generation, self.now)
        if before.ended_reason is not None:
            assert step.refused == before.ended_reason, "an ended record logged somebody in"
            assert step.record is before
        assert step.refused is None or not step.reissue
        if step.record is not before:
            assert step.record.version == before.version + 1
        assert step.record.generation >= before.generation
        assert step.record.remember_generation >= before.remember_generation
        self.record = step.record
        return step

    def visit(self, jar: Jar) -> bool:
        """Make one request from start to end; tell whether it was let in."""
        flight = Flight(replace(jar))
        self.answer(flight)
        assert flight.answer is not None
        jar.session, jar.remember = flight.answer.session, flight.answer.remember
        return flight.admitted


#: A request is answered, and its response arrives, within this time.
PATIENCE = timedelta(seconds=25)
WAITS = [timedelta(seconds=seconds) for seconds in (0, 1, 5, 12, 29, 31, 59, 61, 3600, 86400)]


@dataclass
class Browser:
    """A browser with requests in flight.

    :param honest: whether nobody else has its cookies, so that no request may be refused.
    """

    site: Site
    jar: Jar
    honest: bool
    flights: list[Flight] = field(default_factory=list)
    since: datetime = NOW

    def run(self, schedule: Iterable[int]) -> None:
        """Run a schedule: every number is a step."""
        steps = (self.send, self.answer, self.arrive, self.lose, self.wait, self.visit_or_close)
        for number in schedule:
            if not self.flights:
                self.since = self.site.now
            steps[number % 6](number // 6)

    def send(self, _: int) -> None:
        self.flights.append(Flight(replace(self.jar)))

    def answer(self, which: int) -> None:
        if self.flights:
            flight = self.flights[which % len(self.flights)]
            if flight.answer is None:
                self.site.answer(flight)
                assert flight.admitted or not self.honest, self.site.record

    def arrive(self, which: int) -> None:
        """Have a response arrive: late, early, in any order."""
        answer = self.lose(which)
        if answer is not None:
            self.jar.session, self.jar.remember = answer.session, answer.remember

    def lose(self, which: int) -> Jar | None:
        """Lose a response, or abort a request."""
        return self.flights.pop(which % len(self.flights)).answer if self.flights else None

    def wait(self, which: int) -> None:
        wait = WAITS[which % len(WAITS)]
        if self.site.now + wait > self.since + PATIENCE:
            self.flights.clear()
        self.site.now += wait

    def visit_or_close(self, which: int) -> None:
        if which % 3 == 0:
            self.flights.clear()
            self.jar.session = None
        else:
            admitted = self.site.visit(self.jar)
            assert admitted or not self.honest, self.site.record


def browse(site: Site, jar: Jar, schedule: Iterable[int], *, honest: bool) -> None:
    Browser(site, jar, honest).run(schedule)


# One draw of bytes is a whole schedule: thousands of them cost seconds.
SCHEDULE = st.binary(min_size=4, max_size=60)


@pytest.mark.slow
@settings(max_examples=6000, deadline=None, database=None)
@given(SCHEDULE)
def test_whatever_gets_lost_an_honest_browser_is_never_taken_for_a_thief(schedule: bytes) -> None:
    site = Site()
    browse(site, Jar(), schedule, honest=True)
    assert site.record.ended_reason is None


@pytest.mark.slow
@settings(max_examples=4000, deadline=None, database=None)
@given(SCHEDULE, SCHEDULE, st.binary(max_size=20))
def test_a_thief_and_a_victim_who_share_a_token_never_both_stay_in(
    before: bytes, between: bytes, turns: bytes
) -> None:
    site, victim = Site(), Jar()
    browse(site, victim, before, honest=True)
    thief = Jar(None, victim.remember)
    half = len(between) // 2
    browse(site, thief, between[:half], honest=False)
    browse(site, victim, between[half:], honest=False)
    for turn in turns:
        site.now += WAITS[turn // 2 % len(WAITS)]
        site.visit((victim, thief)[turn % 2])
    assert not both_stay(site, victim, thief)


def both_stay(site: Site, one: Jar, other: Jar) -> bool:
    """Let both come back a few times, day after day; tell whether both are still let in."""
    admitted = [True, True]
    for _ in range(4):
        for index, jar in enumerate((one, other)):
            site.now += timedelta(days=1)
            jar.session = None
            admitted[index] = site.visit(jar)
            site.now += timedelta(minutes=5)
            admitted[index] = site.visit(jar) and admitted[index]
    return all(admitted)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, database=None)
@given(SCHEDULE, SCHEDULE)
def test_no_schedule_logs_in_to_a_login_that_was_ended(before: bytes, after: bytes) -> None:
    site, jar = Site(), Jar()
    browse(site, jar, before, honest=True)
    copy = replace(jar)
    site.record = ended = records.end(site.record, records.REVOKED, site.now)
    for cookies in (jar, copy):
        browse(site, cookies, after, honest=False)
        assert not site.visit(cookies)
    assert site.record is ended


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, database=None)
@given(SCHEDULE, SCHEDULE, SCHEDULE)
def test_whoever_has_a_copy_from_before_the_password_changed_is_out_and_the_victim_is_in(
    before: bytes, thefts: bytes, after: bytes
) -> None:
    site, victim = Site(a_login(auth_hash="old")), Jar()
    browse(site, victim, before, honest=True)
    assert site.visit(victim)
    copy = replace(victim)
    site.record = rules.confirm(site.record, site.now, YEAR, (), "new")
    victim.session, victim.remember = site.record.generation, site.record.remember_generation
    # Until then a copied session counts as a parallel request.
    site.now += GRACE
    browse(site, copy, thefts, honest=False)
    assert not site.visit(copy)
    browse(site, victim, after, honest=True)
    assert site.record.ended_reason is None


# Every schedule of a small scope

VISIT, LOSE, CLOSE, TWINS, TWINS_LOSE_ONE, SHORT, LONG = range(7)


def small_step(site: Site, jar: Jar, step: int) -> bool:
    """Do one step of an honest browser; tell whether every request of it was let in."""
    if step == CLOSE:
        jar.session = None
    elif step == VISIT:
        return site.visit(jar)
    elif step in (SHORT, LONG):
        site.now += GRACE + TICK if step == SHORT else COOLDOWN + TICK
    elif step == LOSE:
        return site.visit(replace(jar))
    else:
        one, two = replace(jar), replace(jar)
        admitted = site.visit(one) and site.visit(two)
        # The first answer comes last, or is the only one to come.
        last = one if step == TWINS else two
        jar.session, jar.remember = last.session, last.remember
        return admitted
    return True


@pytest.mark.slow
def test_no_schedule_of_five_steps_raises_a_false_alarm() -> None:
    for schedule in product(range(7), repeat=5):
        site, jar = Site(), Jar()
        for step in schedule:
            assert small_step(site, jar, step), schedule
        assert site.record.ended_reason is None, schedule


@pytest.mark.slow
@pytest.mark.parametrize("steps", [(0, 4), (2, 3)])
def test_in_no_small_schedule_a_thief_and_a_victim_both_stay_in(steps: tuple[int, int]) -> None:
    for alone, shared in product(*(list(product(range(7), repeat=count)) for count in steps)):
        site, victim = Site(), Jar()
        for step in alone:
            small_step(site, victim, step)
        thief = Jar(None, victim.remember)
        for number, step in enumerate(shared):
            small_step(site, (thief, victim)[number % 2], step)
        assert not both_stay(site, victim, thief), (alone, shared)
