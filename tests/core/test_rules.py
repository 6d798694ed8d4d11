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
from tests.effort import part_of, some_of

from flask_login.core import rotation
from flask_login.core.rotation import GRACE, MOST_LOST, REST, Step
from flask_login.sessions import records
from flask_login.sessions.records import TOMBSTONE, LoginSession

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
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
    assert rotation.knows_secret(record, "secret")
    assert not rotation.knows_secret(record, "")
    assert not rotation.knows_secret(record, record.secret_hash)
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


# Both credentials of a login, which have one number


def outcome(step: Step) -> tuple[str | None, int | None]:
    return step.refused, step.handed


def renewed(*moments: timedelta, **fields: Any) -> LoginSession:
    """Return a login whose token was shown alone at these moments; no answer arrived."""
    record = a_login(**fields)
    for moment in moments:
        record = rotation.present_remember(record, 1, NOW + moment).record
    return record


@pytest.mark.parametrize("number", [1, 0, 7])
@pytest.mark.parametrize("present", [rotation.present_session, rotation.present_remember])
def test_no_credential_is_good_for_a_login_whose_time_is_up(present: Any, number: int) -> None:
    record = a_login(idle_timeout=MINUTE)
    step = present(record, number, NOW + MINUTE)
    assert step.refused == records.EXPIRED_IDLE
    assert step.record == records.end(record, records.EXPIRED_IDLE, NOW + MINUTE)


@pytest.mark.parametrize("number", [1, 0, 7])
@pytest.mark.parametrize("present", [rotation.present_session, rotation.present_remember])
def test_no_credential_brings_back_an_ended_login_and_none_changes_its_reason(
    present: Any, number: int
) -> None:
    ended = records.end(a_login(), records.LOGOUT, NOW)
    step = present(ended, number, NOW + TICK)
    assert outcome(step) == (records.LOGOUT, None)
    assert step.record is ended


def test_a_session_credential_that_is_shown_again_and_again_changes_nothing() -> None:
    record = a_login()
    for after in (TICK, HOUR, YEAR - TICK):
        assert rotation.present_session(record, 1, NOW + after) == Step(record)


def test_a_token_alone_is_answered_with_new_credentials_and_the_login_is_no_longer_fresh() -> None:
    record = a_login()
    step = rotation.present_remember(record, 1, NOW + REST)
    assert outcome(step) == (None, 2)
    assert step.record == replace(
        record,
        generation=2,
        renewed_at=NOW + REST,
        remember_generation=2,
        last_seen_at=NOW + REST,
        authenticated_at=None,
        restored=True,
        arrived_at=NOW,
        version=2,
    )


def test_a_token_alone_soon_after_it_was_issued_brings_back_the_same_credentials() -> None:
    step = rotation.present_remember(a_login(), 1, NOW + REST - TICK)
    assert step == Step(a_login(), handed=1)


def test_everybody_who_lost_the_race_gets_the_same_successor() -> None:
    record = renewed(HOUR)
    for after in (timedelta(0), GRACE - TICK):
        assert rotation.present_remember(record, 1, NOW + HOUR + after) == Step(record, handed=2)


def test_nothing_is_handed_out_while_the_one_on_its_way_may_still_arrive() -> None:
    record = renewed(HOUR)
    for after in (GRACE, REST - TICK):
        assert rotation.present_remember(record, 1, NOW + HOUR + after) == Step(record)
    assert rotation.present_remember(record, 1, NOW + HOUR + REST).handed == 3


@pytest.mark.parametrize("shown_by", ["session", "token"])
def test_what_a_browser_shows_has_arrived_and_what_was_before_it_dies_after_the_grace(
    shown_by: str,
) -> None:
    record, now = renewed(HOUR), NOW + HOUR + TICK
    if shown_by == "session":
        arrived = rotation.present_session(record, 2, now).record
    else:
        arrived = rotation.present_remember(record, 2, now).record
    assert arrived == replace(
        record, arrived_number=2, arrived_at=now, previous_number=1, lost_from=3, version=3
    )
    assert arrived.confirmed
    for present in (rotation.present_session, rotation.present_remember):
        assert present(arrived, 1, now + GRACE - TICK) == Step(arrived), "a parallel request"
        step = present(arrived, 1, now + GRACE)
        assert outcome(step) == (records.TOKEN_REUSED, None)
        assert step.record == records.end(arrived, records.TOKEN_REUSED, now + GRACE)


def test_of_several_that_were_lost_any_may_still_arrive_and_the_others_are_copies_then() -> None:
    record = renewed(HOUR, 2 * HOUR, 3 * HOUR)
    assert record.generation == 4
    for number in (2, 3, 4):
        arrived = rotation.present_remember(record, number, NOW + 4 * HOUR).record
        assert (arrived.arrived_number, arrived.lost_from) == (number, 5)
        for other in {2, 3, 4} - {number}:
            before = rotation.present_remember(arrived, other, NOW + 4 * HOUR + GRACE - TICK)
            assert before.refused is None
            step = rotation.present_remember(arrived, other, NOW + 4 * HOUR + GRACE)
            assert step.refused == records.TOKEN_REUSED


def test_who_shows_one_that_was_late_is_not_given_one_that_is_worthless_by_that() -> None:
    record = renewed(HOUR, 2 * HOUR)
    step = rotation.present_remember(record, 2, NOW + 2 * HOUR + TICK)
    assert outcome(step) == (None, 2)
    assert (step.record.generation, step.record.lost_from) == (3, 4)


def test_attack_a_copied_token_that_is_shown_alone_rings_at_the_seventh_renewal() -> None:
    record, now, given = a_login(), NOW, []
    while True:
        now += HOUR
        step = rotation.present_remember(record, 1, now)
        if step.refused is not None:
            break
        given.append(step.handed)
        record = step.record
    assert given == [2, 3, 4, 5, 6, 7]
    assert len(given) == MOST_LOST
    assert outcome(step) == (records.TOKEN_REUSED, None)
    assert step.record.ended_reason == records.TOKEN_REUSED


def test_attack_the_owner_s_session_does_not_start_the_thief_s_count_again() -> None:
    record, now = a_login(), NOW
    for _ in range(MOST_LOST):
        now += HOUR
        record = rotation.present_remember(record, 1, now).record
        assert rotation.present_session(record, 1, now + MINUTE) == Step(record)
    step = rotation.present_remember(record, 1, now + HOUR)
    assert step.refused == records.TOKEN_REUSED


def test_attack_a_thief_who_keeps_every_answer_rings_when_the_owner_comes() -> None:
    record = renewed(HOUR)
    kept = rotation.present_remember(record, 2, NOW + 2 * HOUR).record
    step = rotation.present_session(kept, 1, NOW + 3 * HOUR)
    assert step.refused == records.TOKEN_REUSED
    assert step.record.ended_reason == records.TOKEN_REUSED


def test_the_highest_number_that_a_request_shows_counts() -> None:
    record = rotation.present_remember(renewed(HOUR), 2, NOW + 2 * HOUR).record
    assert record.generation == 3
    # A slow answer put the session of before back into the browser, beside the newest token.
    step = rotation.present_session(record, 1, NOW + 3 * HOUR, token=3)
    assert outcome(step) == (None, 4), "a session credential is due"
    assert step.record.arrived_number == 3
    assert step.record.authenticated_at is None


def test_a_session_that_was_put_back_is_made_good_and_stays_fresh_as_it_was() -> None:
    record = a_login(generation=3, remember_generation=3, arrived_number=3, lost_from=4)
    step = rotation.present_session(record, 2, NOW + HOUR, token=3)
    assert outcome(step) == (None, 4)
    assert step.record.authenticated_at == NOW


@pytest.mark.parametrize(
    ("number", "by_session"),
    [(-1, records.SUPERSEDED), (0, records.SUPERSEDED), (1, records.TOKEN_REUSED)],
)
def test_a_number_from_longer_ago_or_from_nowhere_is_refused(number: int, by_session: str) -> None:
    record = a_login(
        generation=3, remember_generation=3, arrived_number=3, previous_number=2, lost_from=4
    )
    assert rotation.present_session(record, number, NOW + TICK).refused == by_session
    step = rotation.present_remember(record, number, NOW + TICK)
    assert step == Step(records.end(record, records.TOKEN_REUSED, NOW + TICK), step.refused)
    assert step.refused == records.TOKEN_REUSED


def test_a_number_that_the_store_has_lost_counts_as_issued() -> None:
    # A crash of the server, or a backup that was put back.
    for present in (rotation.present_session, rotation.present_remember):
        step = present(a_login(), 4, NOW + HOUR)
        assert step.refused is None
        assert (step.record.arrived_number, step.record.version) == (4, 2)
        late = rotation.present_remember(step.record, 1, NOW + HOUR + GRACE)
        assert late.refused == records.TOKEN_REUSED


def test_credentials_that_were_counted_apart_go_on_together() -> None:
    record = a_login(generation=7, remember_generation=3, arrived_number=7, lost_from=8)
    step = rotation.present_remember(record, 3, NOW + HOUR)
    assert outcome(step) == (None, 8)
    assert step.record.remember_generation == 4
    assert rotation.token_number(step.record, 8) == 4
    assert rotation.session_number(step.record, 4) == 8
    assert rotation.present_session(step.record, 7, NOW + HOUR, token=4).handed == 8
    assert rotation.present_remember(step.record, 2, NOW + HOUR).refused == records.TOKEN_REUSED


def test_a_clock_that_was_ahead_once_is_no_way_around_the_count() -> None:
    record = renewed(YEAR / 2)
    step = rotation.present_remember(record, 1, NOW + HOUR)
    assert outcome(step) == (None, 3)


# A session that no token can tell from a copy


def test_where_nothing_renews_a_session_from_before_is_refused_and_no_theft() -> None:
    record = a_login(remember_generation=0, remember_until=None, remember_issued_at=None)
    confirmed = rotation.confirm(record, NOW + HOUR, YEAR, (), None)
    assert rotation.present_session(confirmed, 1, NOW + HOUR + GRACE - TICK) == Step(confirmed)
    late = rotation.present_session(confirmed, 1, NOW + HOUR + GRACE)
    assert late == Step(confirmed, refused=records.SUPERSEDED)
    shown = rotation.present_session(confirmed, 2, NOW + 2 * HOUR).record
    late = rotation.present_session(shown, 1, NOW + 3 * HOUR)
    assert late == Step(shown, refused=records.SUPERSEDED)


def test_where_the_token_may_have_been_left_out_an_old_session_is_refused_and_no_theft() -> None:
    record = rotation.present_remember(renewed(HOUR), 2, NOW + 2 * HOUR).record
    step = rotation.present_session(record, 1, NOW + 3 * HOUR, is_alone=False)
    assert step == Step(record, refused=records.SUPERSEDED)
    step = rotation.present_session(record, 1, NOW + 3 * HOUR, token=1, is_alone=False)
    assert step.refused == records.TOKEN_REUSED


# Sessions that renew themselves


def test_a_session_credential_is_renewed_when_it_is_as_old_as_the_interval() -> None:
    record = a_login()
    young = rotation.present_session(record, 1, NOW + HOUR - TICK, interval=HOUR)
    assert young == Step(record)
    step = rotation.present_session(record, 1, NOW + HOUR, interval=HOUR)
    assert outcome(step) == (None, 2)
    assert step.record.authenticated_at == NOW, "it is as fresh as before"
    again = rotation.present_session(step.record, 1, NOW + HOUR + TICK, interval=HOUR)
    assert again == Step(step.record), "one new number an interval"


def test_attack_a_copied_session_of_a_login_in_use_rings() -> None:
    for remembered in (True, False):
        fields = {} if remembered else {"remember_generation": 0, "remember_until": None}
        step = rotation.present_session(a_login(**fields), 1, NOW + HOUR, interval=HOUR)
        arrived = rotation.present_session(step.record, 2, NOW + HOUR + TICK, interval=HOUR).record
        copied = rotation.present_session(arrived, 1, NOW + 2 * HOUR, interval=HOUR)
        assert copied.refused == records.TOKEN_REUSED


# A remember token


@pytest.mark.parametrize("until", [None, NOW + HOUR])
def test_a_remember_token_is_no_good_after_its_time(until: datetime | None) -> None:
    record = a_login(remember_until=until)
    step = rotation.present_remember(record, 1, NOW + HOUR)
    assert outcome(step) == (records.EXPIRED_ABSOLUTE, None)
    assert step.record is record


def test_a_clock_that_went_back_does_not_move_the_last_activity_back() -> None:
    later = a_login(last_seen_at=NOW + 2 * HOUR)
    assert rotation.present_remember(later, 1, NOW + HOUR).record.last_seen_at == NOW + 2 * HOUR
    assert rotation.confirm(later, NOW + HOUR, YEAR, (), None).last_seen_at == NOW + 2 * HOUR


@pytest.mark.parametrize(("generation", "remembered"), [(0, False), (1, True), (9, True)])
def test_a_login_says_whether_it_is_remembered(generation: int, remembered: bool) -> None:
    assert a_login(remember_generation=generation).remembered is remembered


def test_a_token_that_slides_is_good_for_as_long_as_the_one_before_it() -> None:
    record = a_login(expires_at=NOW + 2 * HOUR, remember_until=NOW + HOUR)
    now = NOW + HOUR - TICK
    kept = rotation.present_remember(record, 1, now, slides=True).record
    assert (kept.remember_until, kept.expires_at) == (now + HOUR, NOW + 2 * HOUR)
    kept = rotation.present_remember(kept, 2, now + HOUR - TICK, slides=True).record
    assert kept.remember_until == kept.expires_at == now + 2 * HOUR - TICK


def test_a_token_that_slides_does_not_move_a_greatest_age() -> None:
    record = a_login(absolute_timeout=YEAR)
    kept = rotation.present_remember(record, 1, NOW + HOUR, slides=True).record
    assert kept.remember_until == NOW + HOUR + YEAR
    assert kept.expires_at == NOW + YEAR


# Proving it once more


def test_a_confirmed_login_has_new_credentials_and_its_time_anew() -> None:
    record = a_login(authenticated_at=None, methods=frozenset({"pwd"}), auth_hash="old")
    confirmed = rotation.confirm(record, NOW + HOUR, YEAR, {"otp"}, "new")
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
        arrived_at=NOW,
        session_first=2,
        version=2,
    )


@pytest.mark.parametrize(("before", "auth_hash"), [("same", "same"), (None, "first")])
def test_who_confirms_without_other_credentials_may_lose_the_answer(
    before: str | None, auth_hash: str
) -> None:
    confirmed = rotation.confirm(a_login(auth_hash=before), NOW + HOUR, YEAR, (), auth_hash)
    assert (confirmed.generation, confirmed.remember_first) == (2, 1)
    late = rotation.present_session(confirmed, 1, NOW + HOUR + GRACE)
    assert late == Step(confirmed, refused=records.SUPERSEDED)
    step = rotation.present_remember(confirmed, 1, NOW + 2 * HOUR)
    assert outcome(step) == (None, 3)
    assert step.record.authenticated_at is None


def test_who_confirms_while_new_credentials_are_on_their_way_gets_these() -> None:
    record = renewed(HOUR)
    confirmed = record
    for after in (SECOND, GRACE + SECOND):
        confirmed = rotation.confirm(record, NOW + HOUR + after, YEAR, (), None)
        assert (confirmed.generation, confirmed.authenticated_at) == (2, NOW + HOUR + after)
        number = rotation.number_after(confirmed, 1, NOW + HOUR + after)
        assert number == (2 if after < GRACE else 1)
    twice = rotation.confirm(confirmed, NOW + HOUR + REST, YEAR, (), None)
    again = rotation.confirm(twice, NOW + HOUR + REST + SECOND, YEAR, (), None)
    assert (twice.generation, again.generation) == (3, 3), "sent twice"


def test_a_token_from_before_other_credentials_is_refused_and_shows_nothing() -> None:
    record = rotation.confirm(a_login(auth_hash="old"), NOW + HOUR, YEAR, (), "new")
    for after in (TICK, GRACE, REST, HOUR):
        step = rotation.present_remember(record, 1, NOW + HOUR + after)
        assert (step.refused, step.record) == (records.CREDENTIALS_CHANGED, record)
        assert rotation.present_remember(record, 2, NOW + HOUR + after).refused is None


@pytest.mark.parametrize("remembered", [True, False])
def test_a_session_from_before_other_credentials_is_refused_after_the_grace(
    remembered: bool,
) -> None:
    fields = {} if remembered else {"remember_generation": 0, "remember_until": None}
    record = rotation.confirm(a_login(auth_hash="old", **fields), NOW + HOUR, YEAR, (), "new")
    shown = rotation.present_session(record, 2, NOW + HOUR + TICK).record
    for kept in (record, shown):
        parallel = rotation.present_session(kept, 1, NOW + HOUR + GRACE - TICK)
        assert parallel == Step(kept)
        late = rotation.present_session(kept, 1, NOW + HOUR + GRACE)
        assert late == Step(kept, refused=records.SUPERSEDED)


def test_new_credentials_replace_those_before_and_revive_nothing() -> None:
    record = rotation.renew(a_login(), 1, NOW + MINUTE)
    assert (record.generation, record.renewed_at, record.version) == (2, NOW + MINUTE, 2)
    assert rotation.renew(record, 1, NOW + MINUTE) is record, "by a parallel request"
    assert rotation.renew(record, 2, NOW + MINUTE).generation == 3
    late = rotation.present_session(record, 1, NOW + MINUTE + GRACE)
    assert late == Step(record, refused=records.SUPERSEDED)
    # What told of the session's state is gone; the browser, whose answer was lost, is not.
    assert rotation.present_remember(record, 1, NOW + HOUR).refused is None
    ended = records.end(a_login(), records.LOGOUT, NOW)
    assert rotation.renew(ended, 1, NOW + MINUTE) is ended


def test_attack_new_credentials_hide_no_theft() -> None:
    record = renewed(HOUR)
    stolen = rotation.present_remember(record, 2, NOW + HOUR + SECOND).record
    acting = rotation.renew(stolen, 2, NOW + HOUR + MINUTE)
    shown = rotation.present_session(acting, 3, NOW + HOUR + 2 * MINUTE).record
    step = rotation.present_session(shown, 1, NOW + 2 * HOUR)
    assert step.refused == records.TOKEN_REUSED
    assert rotation.renew(shown, 1, NOW + HOUR + 2 * MINUTE) is shown, "who is behind renews none"


def test_clocks_that_differ_by_minutes_take_no_parallel_request_for_a_theft() -> None:
    record = renewed(HOUR)
    for ahead in (31 * SECOND, 4 * MINUTE):
        arrived = rotation.present_session(record, 2, NOW + HOUR + ahead).record
        assert rotation.present_session(arrived, 1, NOW + HOUR).refused is None
        step = rotation.present_remember(arrived, 2, NOW + HOUR)
        assert outcome(step) == (None, 2), "nothing new is issued by a clock that is behind"


def test_the_credentials_are_noted_once() -> None:
    noted = rotation.note_auth_hash(a_login(), "digest")
    assert (noted.auth_hash, noted.version) == ("digest", 2)
    assert rotation.note_auth_hash(noted, "other") is noted
    ended = records.end(a_login(), records.LOGOUT, NOW)
    assert rotation.note_auth_hash(ended, "digest") is ended


def test_a_login_that_is_confirmed_gets_its_own_greatest_age_and_no_other() -> None:
    record = a_login(expires_at=NOW + HOUR, absolute_timeout=HOUR)
    assert rotation.confirm(record, NOW + MINUTE, YEAR, (), None).expires_at == NOW + MINUTE + HOUR


def test_no_repr_shows_what_a_store_keeps_of_secrets() -> None:
    text = repr(a_login(auth_hash="the digest"))
    assert records.hash_secret("secret") not in text
    assert "the digest" not in text


def test_an_ended_login_is_not_confirmed() -> None:
    ended = records.end(a_login(), records.REVOKED, NOW)
    assert rotation.confirm(ended, NOW + TICK, YEAR, {"pwd"}, None) is ended


def test_an_ended_login_gets_no_remember_token() -> None:
    ended = records.end(a_login(remember_generation=0), records.REVOKED, NOW)
    assert rotation.remember(ended, NOW + TICK, YEAR, keeps_idle=True) is ended


def test_a_login_that_is_confirmed_again_and_again_never_gets_more_than_its_time_anew() -> None:
    record, now = a_login(expires_at=NOW + 8 * HOUR), NOW
    for _ in range(10):
        now += 4 * HOUR
        record = rotation.confirm(record, now, 8 * HOUR, (), None)
        assert record.expires_at <= now + 8 * HOUR


# Schedules: requests in flight, responses lost and late, browsers closed


@dataclass
class Jar:
    """A browser's cookies: the numbers of its credentials."""

    session: int | None = 1
    remember: int | None = 1

    def take(self, answer: Jar) -> None:
        """Keep what a response sets."""
        self.session = self.session if answer.session is None else answer.session
        self.remember = self.remember if answer.remember is None else answer.remember


@dataclass
class Flight:
    """A request on its way: what it carries, and what its response sets."""

    cookies: Jar
    moment: datetime
    answer: Jar | None = None
    admitted: bool = False


@dataclass
class Site:
    """One record, and the clock it lives by."""

    record: LoginSession = field(default_factory=a_login)
    now: datetime = NOW
    interval: timedelta | None = None

    def answer(self, flight: Flight, *, writes: bool = False) -> None:
        """Do what the server does with one request.

        :param writes: whether the view writes something into the session, which is in the cookie.
        """
        shown, flight.moment = flight.cookies, self.now
        flight.answer = Jar(shown.session if writes else None, None)
        step = None
        if shown.session is not None:
            options = {"token": shown.remember, "interval": self.interval}
            step = self._judge(rotation.present_session, shown.session, **options)
        if (step is None or step.refused is not None) and shown.remember is not None:
            flight.answer.session = None
            step = self._judge(rotation.present_remember, shown.remember)
        flight.admitted = step is not None and step.refused is None
        if step is not None and step.handed is not None:
            number = rotation.token_number(step.record, step.handed)
            flight.answer = Jar(step.handed, None if number == shown.remember else number)

    def _judge(self, present: Any, number: int, **options: Any) -> Step:
        before = self.record
        step: Step = present(before, number, self.now, **options)
        if before.ended_reason is not None:
            assert step.refused == before.ended_reason, "an ended record logged somebody in"
            assert step.record is before
        assert step.refused is None or step.handed is None
        if step.record is not before:
            assert step.record.version == before.version + 1
        assert step.record.generation >= before.generation
        assert step.record.arrived_number >= before.arrived_number
        assert step.record.lost_from > step.record.arrived_number
        self.record = step.record
        return step

    @property
    def lost(self) -> int:
        """How many numbers in a row are on their way, or lost."""
        return self.record.generation + 1 - self.record.lost_from

    def visit(self, jar: Jar) -> bool:
        """Make one request from start to end; tell whether it was let in."""
        flight = Flight(replace(jar), self.now)
        self.answer(flight)
        assert flight.answer is not None
        jar.take(flight.answer)
        if not flight.admitted:
            jar.session = jar.remember = None
        return flight.admitted


#: How long a request may wait for its answer, and an answer be on its way.
SERVICE = timedelta(seconds=28)
LATEST = timedelta(seconds=29)
WAITS = [timedelta(seconds=seconds) for seconds in (0, 1, 5, 12, 27, 31, 59, 91, 3600, 86400)]


@dataclass
class Browser:
    """A browser with requests in flight.

    :param honest: whether nobody else has its cookies, so that no request may be refused.
    """

    site: Site
    jar: Jar
    honest: bool
    flights: list[Flight] = field(default_factory=list)

    def run(self, schedule: Iterable[int]) -> None:
        """Run a schedule: every number is a step."""
        steps = (self.send, self.answer, self.arrive, self.lose, self.wait, self.visit_or_close)
        for number in schedule:
            steps[number % 6](number // 6)

    def send(self, _: int) -> None:
        self.flights.append(Flight(replace(self.jar), self.site.now))

    def answer(self, which: int) -> None:
        if self.flights:
            flight = self.flights[which % len(self.flights)]
            if flight.answer is None:
                self.site.answer(flight, writes=which % 3 == 0)
                self.judge(flight.admitted)
                if self.honest and self.site.lost == MOST_LOST:
                    self.arrive(which)  # five in a row were lost

    def judge(self, admitted: bool) -> None:
        assert admitted or not self.honest, self.site.record

    def arrive(self, which: int) -> None:
        """Have a response arrive: late, early, in any order."""
        answer = self.lose(which)
        if answer is not None:
            self.jar.take(answer)

    def lose(self, which: int) -> Jar | None:
        """Lose a response, or abort a request."""
        return self.flights.pop(which % len(self.flights)).answer if self.flights else None

    def wait(self, which: int) -> None:
        self.site.now += WAITS[which % len(WAITS)]
        self.flights = [
            flight
            for flight in self.flights
            if self.site.now - flight.moment <= (SERVICE if flight.answer is None else LATEST)
        ]

    def visit_or_close(self, which: int) -> None:
        if which % 3 == 0:
            self.flights.clear()
            if self.jar.remember is not None:
                self.jar.session = None
        else:
            self.judge(self.site.visit(self.jar))


def browse(site: Site, jar: Jar, schedule: Iterable[int], *, honest: bool) -> None:
    Browser(site, jar, honest).run(schedule)


# One draw of bytes is a whole schedule: thousands of them cost seconds.
SCHEDULE = st.binary(min_size=4, max_size=60)
INTERVAL = st.sampled_from([None, 15 * MINUTE])


@pytest.mark.slow
@settings(max_examples=part_of(6000), deadline=None, database=None)
@given(SCHEDULE, INTERVAL)
def test_whatever_gets_lost_an_honest_browser_is_never_taken_for_a_thief(
    schedule: bytes, interval: timedelta | None
) -> None:
    site = Site(interval=interval)
    browse(site, Jar(), schedule, honest=True)
    assert site.record.ended_reason is None


@pytest.mark.slow
@settings(max_examples=part_of(4000), deadline=None, database=None)
@given(SCHEDULE, SCHEDULE, st.binary(max_size=20), INTERVAL)
def test_a_thief_and_a_victim_who_share_a_token_never_both_stay_in(
    before: bytes, between: bytes, turns: bytes, interval: timedelta | None
) -> None:
    site, victim = Site(interval=interval), Jar()
    browse(site, victim, before, honest=True)
    thief = Jar(None, victim.remember)
    half = len(between) // 2
    browse(site, thief, between[:half], honest=False)
    browse(site, victim, between[half:], honest=False)
    for turn in turns:
        site.now += WAITS[turn // 2 % len(WAITS)]
        site.visit((victim, thief)[turn % 2])
    assert not both_stay(site, victim, thief)
    assert site.record.ended_reason == records.TOKEN_REUSED


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
@settings(max_examples=part_of(2000), deadline=None, database=None)
@given(SCHEDULE, st.binary(min_size=20, max_size=60), st.booleans())
def test_a_thief_who_shows_the_token_alone_is_found_within_seven_renewals(
    before: bytes, rhythm: bytes, owner_browses: bool
) -> None:
    site, owner = Site(), Jar()
    browse(site, owner, before, honest=True)
    assert site.visit(owner)
    stolen, since = Jar(None, owner.remember), site.record.generation
    for number in range(2000):
        site.now += WAITS[rhythm[number % len(rhythm)] % len(WAITS)] or SECOND
        if not site.visit(replace(stolen)):
            break
        assert site.record.generation <= since + MOST_LOST
        if owner_browses and number % 3 == 0:
            site.visit(owner)
    assert site.record.ended_reason == records.TOKEN_REUSED


@pytest.mark.slow
@settings(max_examples=part_of(2000), deadline=None, database=None)
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
@settings(max_examples=part_of(2000), deadline=None, database=None)
@given(SCHEDULE, SCHEDULE, SCHEDULE)
def test_whoever_has_a_copy_from_before_the_password_changed_is_out_and_the_victim_is_in(
    before: bytes, thefts: bytes, after: bytes
) -> None:
    site, victim = Site(a_login(auth_hash="old")), Jar()
    browse(site, victim, before, honest=True)
    assert site.visit(victim)
    copy = replace(victim)
    site.record = rotation.confirm(site.record, site.now, YEAR, (), "new")
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
        site.now += GRACE + TICK if step == SHORT else REST + TICK
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
    for schedule in some_of(product(range(7), repeat=5)):
        site, jar = Site(), Jar()
        for step in schedule:
            assert small_step(site, jar, step), schedule
        assert site.record.ended_reason is None, schedule


@pytest.mark.slow
@pytest.mark.parametrize("steps", [(0, 4), (2, 3)])
def test_in_no_small_schedule_a_thief_and_a_victim_both_stay_in(steps: tuple[int, int]) -> None:
    schedules = product(*(list(product(range(7), repeat=count)) for count in steps))
    for alone, shared in some_of(schedules):
        site, victim = Site(), Jar()
        for step in alone:
            small_step(site, victim, step)
        thief = Jar(None, victim.remember)
        for number, step in enumerate(shared):
            small_step(site, (thief, victim)[number % 2], step)
        assert not both_stay(site, victim, thief), (alone, shared)
