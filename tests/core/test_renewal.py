"""Credentials that renew themselves: the session's by an interval, the remember token's time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from benchmarks import rotation
from flask import Flask, Request, session
from flask.sessions import SecureCookieSessionInterface
from tests.one_login import NOBODY, Account, Jar, Site, take

from flask_login import ConfigurationError, MemorySessionStore, current_user
from flask_login.sessions import records

SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
QUARTER = 15 * MINUTE


def site_with(**settings: Any) -> Site:
    return Site(MemorySessionStore(), settings)


def logged_in(site: Site, path: str = "/login") -> Jar:
    jar: Jar = {}
    take(jar, site.ask({}, path)[1])
    return jar


def visit(site: Site, jar: Jar, path: str = "/") -> tuple[str, set[str]]:
    """Return who a browser is, and which cookies the answer sets."""
    who, told = site.ask(jar, path)
    take(jar, told)
    return who, set(told)


# The session credential: LOGIN_RENEW_INTERVAL


def test_without_the_setting_a_session_credential_is_never_renewed() -> None:
    site = site_with()
    jar = logged_in(site)
    for _ in range(5):
        site.clock.advance(DAY)
        assert visit(site, jar) == (site.user, set())
    assert site.record.version == 1


@pytest.mark.parametrize(
    ("path", "cookies"),
    [("/login", {"session", "remember_token"}), ("/login-for-now", {"session"})],
)
def test_a_credential_is_renewed_once_an_interval_and_both_where_there_are_both(
    path: str, cookies: set[str]
) -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site, path)
    for number in (2, 3, 4):
        site.clock.advance(QUARTER - SECOND)
        assert visit(site, jar) == (site.user, set())
        site.clock.advance(SECOND)
        assert visit(site, jar) == (site.user, cookies)
        assert visit(site, jar) == (site.user, set())
        assert site.record.generation == site.record.arrived_number == number
    assert visit(site, jar, "/fresh") == ("fresh", set()), "nothing was proved, nor lost"


def test_parallel_requests_get_the_same_credentials_and_stay_as_fresh_as_they_were() -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site)
    site.clock.advance(QUARTER)
    answers = [site.ask(jar, path) for path in ("/", "/fresh", "/fresh")]
    assert [who for who, _ in answers] == [site.user, "fresh", "fresh"]
    assert site.record.generation == 2
    assert len({told["remember_token"] for _, told in answers if told}) == 1
    slow = dict(jar)
    take(jar, answers[0][1])
    assert visit(site, jar, "/fresh") == ("fresh", set())
    assert site.ask(slow, "/fresh") == ("fresh", {}), "a parallel request that was slow"


def test_attack_a_copied_session_cookie_of_a_login_in_use_rings_and_ends_it() -> None:
    for path in ("/login", "/login-for-now"):
        site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
        jar = logged_in(site, path)
        copy = {"session": jar["session"]}
        for _ in range(2):
            site.clock.advance(QUARTER)
            visit(site, jar)
        visit(site, jar)
        site.clock.advance(MINUTE)
        assert site.ask(copy)[0] == NOBODY
        assert site.record.ended_reason == records.TOKEN_REUSED
        assert site.alarms == [site.record.id]
        assert visit(site, jar)[0] == NOBODY


def test_attack_a_thief_with_a_copied_session_who_keeps_every_answer_rings_by_the_owner() -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site, "/login-for-now")
    thief = dict(jar)
    for _ in range(3):
        site.clock.advance(QUARTER)
        assert visit(site, thief)[0] == site.user
    visit(site, thief)
    site.clock.advance(MINUTE)
    assert visit(site, jar)[0] == NOBODY
    assert visit(site, thief)[0] == NOBODY
    assert site.alarms == [site.record.id]


def test_a_slow_answer_that_puts_the_session_back_is_made_good_by_the_remember_token() -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site)
    site.clock.advance(QUARTER - SECOND)
    slow = site.ask(jar, "/write")[1]
    site.clock.advance(SECOND)
    assert visit(site, jar)[0] == site.user
    visit(site, jar)
    take(jar, slow)
    for _ in range(5):
        site.clock.advance(QUARTER)
        assert visit(site, jar)[0] == site.user
    assert site.alarms == []


@pytest.mark.parametrize("value", [timedelta(seconds=89), 0, "15 minutes", True])
def test_an_interval_shorter_than_the_rest_between_two_renewals_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="at least 90 seconds"):
        site_with(LOGIN_RENEW_INTERVAL=value)


# The time of the remember token: REMEMBER_COOKIE_REFRESH_EACH_REQUEST


def test_a_daily_visitor_whose_session_lives_is_not_forgotten() -> None:
    site = site_with(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True, REMEMBER_COOKIE_DURATION=10 * DAY)
    jar = logged_in(site)
    for _ in range(30):
        site.clock.advance(DAY)
        assert visit(site, jar) == (site.user, {"session", "remember_token"})
    assert site.record.remember_until == site.clock() + 10 * DAY
    assert site.record.generation == 1, "its time begins anew, and no other credentials are due"
    del jar["session"]
    site.clock.advance(10 * DAY - SECOND)
    assert visit(site, jar)[0] == site.user
    site.clock.advance(10 * DAY)
    del jar["session"]
    assert visit(site, jar)[0] == NOBODY


def test_the_time_begins_anew_once_an_hour_at_most_and_sooner_only_if_it_is_shorter() -> None:
    for duration, pause in ((10 * DAY, HOUR), (HOUR, HOUR / 2)):
        site = site_with(
            REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True, REMEMBER_COOKIE_DURATION=duration
        )
        jar = logged_in(site)
        site.clock.advance(pause - SECOND)
        assert visit(site, jar) == (site.user, set())
        site.clock.advance(SECOND)
        assert visit(site, jar)[1] == {"session", "remember_token"}
        assert visit(site, jar)[1] == set()


def test_a_login_that_is_not_remembered_gets_no_remember_cookie_by_sliding() -> None:
    site = site_with(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    jar = logged_in(site, "/login-for-now")
    site.clock.advance(DAY)
    assert visit(site, jar) == (site.user, set())


def test_attack_an_old_copy_of_the_session_is_given_no_remember_cookie_by_sliding() -> None:
    site = site_with(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    jar = logged_in(site)
    before = {"session": jar["session"]}
    site.clock.advance(2 * HOUR)
    visit(site, jar, "/confirm")
    visit(site, jar)
    site.clock.advance(SECOND)
    assert site.ask(before) == (site.user, {}), "as a parallel request"


def test_a_time_that_slides_moves_no_greatest_age() -> None:
    site = site_with(
        REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True,
        REMEMBER_COOKIE_DURATION=10 * DAY,
        LOGIN_ABSOLUTE_TIMEOUT=3 * DAY,
    )
    jar = logged_in(site)
    ends = site.record.expires_at
    for _ in range(2):
        site.clock.advance(DAY)
        assert visit(site, jar)[0] == site.user
    assert site.record.expires_at == ends
    site.clock.advance(DAY)
    assert visit(site, jar)[0] == NOBODY


# What a penetration test found


def test_an_outage_of_the_users_database_issues_no_credentials_that_never_arrive() -> None:
    for path in ("/login", "/login-for-now"):
        site = site_with(LOGIN_RENEW_INTERVAL=QUARTER, PROPAGATE_EXCEPTIONS=False)
        jar = logged_in(site, path)

        def away(user_id: str) -> Any:
            raise ConnectionError(user_id)

        known = site.manager._user_callback
        site.manager.user_loader(away)
        for _ in range(10):
            site.clock.advance(QUARTER)
            assert "Internal Server Error" in visit(site, jar)[0]
        assert site.record.generation == 1
        site.manager._user_callback = known
        assert visit(site, jar)[0] == site.user


def test_a_user_who_is_unknown_for_now_is_given_nothing_and_loses_nothing() -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site)
    site.clock.advance(QUARTER)
    site.manager.user_loader(lambda _: None)
    assert visit(site, jar)[0] == NOBODY
    assert site.record.generation == 1
    site.manager.user_loader(Account)
    assert visit(site, jar) == (site.user, {"session", "remember_token"})


def test_a_page_that_keeps_no_session_renews_the_token_alone_and_rings_for_nobody() -> None:
    site = site_with()

    class Sessions(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Request) -> Any:
            return None if request.path == "/api" else super().open_session(app, request)

    site.app.session_interface = Sessions()
    site.app.add_url_rule("/api", view_func=lambda: current_user.get_id() or NOBODY)
    jar = logged_in(site)
    for number in range(2, 12):
        site.clock.advance(HOUR)
        assert visit(site, jar, "/api") == (site.user, {"remember_token"})
        assert site.record.generation == number
    assert visit(site, jar)[0] == site.user
    assert site.alarms == []


def test_a_page_that_clears_the_session_loses_no_number() -> None:
    site = site_with()

    def clear() -> str:
        user = current_user.get_id() or NOBODY
        session.clear()
        return user

    site.app.add_url_rule("/clear", view_func=clear)
    jar = logged_in(site)
    for _ in range(10):
        site.clock.advance(HOUR)
        assert visit(site, jar, "/clear")[0] == site.user
    assert site.alarms == []


def test_a_confirmation_beside_a_slow_answer_costs_no_login() -> None:
    for path in ("/login", "/login-for-now"):
        site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
        jar = logged_in(site, path)
        site.clock.advance(QUARTER)
        slow = site.ask(jar)[1]
        site.clock.advance(SECOND)
        visit(site, jar, "/confirm")
        assert visit(site, jar, "/fresh")[0] == "fresh"
        site.clock.advance(19 * SECOND)
        take(jar, slow)
        for _ in range(5):
            site.clock.advance(35 * SECOND)
            assert visit(site, jar)[0] == site.user
        assert site.alarms == []


def test_a_confirmation_that_is_sent_twice_costs_no_login_whichever_answer_stays() -> None:
    for path in ("/login", "/login-for-now"):
        site = site_with()
        jar = logged_in(site, path)
        site.clock.advance(HOUR)
        answers = [site.ask(jar, "/confirm")[1] for _ in range(2)]
        for answer in reversed(answers):
            take(jar, answer)
        for _ in range(5):
            assert visit(site, jar, "/fresh")[0] == "fresh"
            site.clock.advance(35 * SECOND)
        assert site.alarms == []


def test_attack_a_mix_of_an_old_session_and_a_newer_token_is_not_fresh() -> None:
    site = site_with()
    jar = logged_in(site)
    before = jar["session"]
    for _ in range(2):
        site.clock.advance(HOUR)
        del jar["session"]
        visit(site, jar)
    mixed = {"session": before, "remember_token": jar["remember_token"]}
    site.clock.advance(HOUR)
    assert visit(site, mixed)[0] == site.user
    assert visit(site, mixed, "/fresh")[0] == "stale"


def test_a_session_that_was_put_back_gets_nothing_while_others_are_on_their_way() -> None:
    site = site_with()
    jar = logged_in(site)
    before = jar["session"]
    site.clock.advance(HOUR)
    del jar["session"]
    visit(site, jar)
    site.clock.advance(HOUR)
    token = {"remember_token": jar["remember_token"]}
    assert site.ask(token)[1].keys() == {"session", "remember_token"}  # and it is lost
    site.clock.advance(40 * SECOND)
    assert site.ask({"session": before, **token}) == (site.user, {})
    site.clock.advance(HOUR)
    assert site.ask({"session": before, **token})[1].keys() == {"session", "remember_token"}


def test_a_login_that_ends_while_its_user_is_loaded_is_not_renewed() -> None:
    site = site_with(LOGIN_RENEW_INTERVAL=QUARTER)
    jar = logged_in(site)
    site.clock.advance(QUARTER)

    def load(user_id: str) -> Account:
        site.manager.sessions.end_all(user_id, records.REVOKED)
        return Account(user_id)

    site.manager.user_loader(load)
    assert visit(site, jar)[0] == NOBODY
    assert site.record.generation == 1


# Months of it: benchmarks/rotation.py


@pytest.mark.slow
def test_of_the_browsers_and_thieves_of_the_published_table_none_is_judged_wrongly() -> None:
    for world in rotation.WORLDS[:5]:
        alarms, out, requests, _ = rotation.honest(world, 8)
        assert requests > 8000
        assert (alarms, out) == (0, 0), world.name
    for keeps, owner_comes in ((False, False), (False, True), (True, True)):
        rhythms = rotation.RHYTHMS[1:] if owner_comes else rotation.RHYTHMS
        found = rotation.thieves(rhythms, 2, keeps=keeps, owner_comes=owner_comes)
        assert found.caught == found.thieves
        assert keeps or found.most_windows <= 6
