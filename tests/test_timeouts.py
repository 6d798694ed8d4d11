"""Timeouts, on the signed level as on the stored one: what ends, when, and what brings it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import get_flashed_messages
from flask.testing import FlaskClient
from flask.views import MethodView
from tests.policy_site import DAY, HOUR, KINDS, MINUTE, PROGRAM, SECOND, SIGNED, STORED, Site
from tests.redirect_status import REDIRECT

from flask_login import no_activity
from flask_login.core.rules import Times
from flask_login.testing import FrozenClock

ALL_SIGNED = [kind for kind in KINDS if kind[0] == "signed"]
MakeSite = Callable[..., Site]


@pytest.fixture(params=KINDS, ids=str)
def make_site(request: pytest.FixtureRequest, clock: FrozenClock) -> MakeSite:
    """Return a function that makes sites; it takes their configuration."""
    return lambda **config: Site(request.param, clock, **config)


@pytest.fixture(params=ALL_SIGNED, ids=str)
def make_signed(request: pytest.FixtureRequest, clock: FrozenClock) -> MakeSite:
    """Return one for what only the session of the signed level shows."""
    return lambda **config: Site(request.param, clock, **config)


def logged_in(site: Site, how: str = "") -> FlaskClient:
    client = site.browser()
    assert client.get(f"/login?id=ann{how}").text == "True"
    return client


# Idle


def test_a_login_ends_when_nothing_was_done_in_it_for_the_idle_timeout(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    site.clock.advance(30 * MINUTE - SECOND)
    assert client.get("/me").text == "ann"
    site.clock.advance(30 * MINUTE)
    assert client.get("/why").text == "expired_idle"
    assert client.get("/me").text == "nobody"


def test_a_login_in_which_something_is_done_goes_on_for_ever(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    for _ in range(100):
        site.clock.advance(29 * MINUTE)
        assert client.get("/me").text == "ann"


def test_an_idle_session_is_not_brought_back_by_its_own_remember_cookie(
    make_site: MakeSite,
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site, "&remember")
    site.clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"
    assert site.cookie(client, "remember") is None
    assert client.get("/me").text == "nobody"


def test_an_idle_session_is_not_brought_back_by_a_remember_cookie_that_goes_to_another_path(
    make_site: MakeSite,
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE, REMEMBER_COOKIE_PATH="/shop")
    site.app.add_url_rule("/shop/me", "shop_me", site._me)
    client = logged_in(site, "&remember")
    site.clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"
    assert client.get("/shop/me").text == "nobody"


def test_a_copy_of_an_idle_session_stays_dead(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    copied = site.cookie(client)
    site.clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"
    assert site.browser(session=copied).get("/me").text == "nobody"


@pytest.mark.parametrize("own", [True, False])
def test_a_timeout_shorter_than_the_touch_interval_does_not_end_a_login_in_use(
    make_site: MakeSite, own: bool
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=None if own else 30 * SECOND)
    client = logged_in(site, "&idle=30" if own else "")
    for _ in range(20):
        site.clock.advance(20 * SECOND)
        assert client.get("/me").text == "ann"
    site.clock.advance(30 * SECOND)
    assert client.get("/me").text == "nobody"


# Absolute


def test_a_login_ends_at_its_greatest_age_whatever_is_done_in_it(make_site: MakeSite) -> None:
    site = make_site(LOGIN_ABSOLUTE_TIMEOUT=12 * HOUR)
    client = logged_in(site)
    for _ in range(11):
        site.clock.advance(HOUR)
        assert client.get("/me").text == "ann"
    site.clock.advance(HOUR)
    assert client.get("/why").text == "expired_absolute"
    assert client.get("/me").text == "nobody"


def test_a_login_at_its_greatest_age_is_not_brought_back_by_its_own_remember_cookie(
    make_site: MakeSite,
) -> None:
    site = make_site(LOGIN_ABSOLUTE_TIMEOUT=12 * HOUR)
    client = logged_in(site, "&remember")
    token = site.cookie(client, "remember")
    site.clock.advance(12 * HOUR)
    assert client.get("/me").text == "nobody"
    assert site.cookie(client, "remember") is None
    assert site.browser(remember=token).get("/me").text == "nobody"


def test_the_greatest_age_counts_from_the_issue_of_the_remember_token(make_site: MakeSite) -> None:
    site = make_site(LOGIN_ABSOLUTE_TIMEOUT=12 * HOUR)
    client = logged_in(site, "&remember")
    for _ in range(3):
        site.clock.advance(3 * HOUR)
        client = site.browser(remember=site.cookie(client, "remember"))
        assert client.get("/me").text == "ann"
    site.clock.advance(3 * HOUR - SECOND)
    assert client.get("/me").text == "ann"
    site.clock.advance(SECOND)
    assert client.get("/me").text == "nobody"


def test_a_token_that_was_issued_before_the_setting_is_held_to_it(make_signed: MakeSite) -> None:
    site = make_signed()
    token = site.cookie(logged_in(site, "&remember"), "remember")
    site.app.config["LOGIN_ABSOLUTE_TIMEOUT"] = 12 * HOUR
    site.clock.advance(12 * HOUR - SECOND)
    assert site.browser(remember=token).get("/me").text == "ann"
    site.clock.advance(SECOND)
    browser = site.browser(remember=token)
    assert browser.get("/why").text == "expired_absolute"
    assert browser.get("/me").text == "nobody"


def test_a_remember_token_does_not_slide_past_the_greatest_age(make_site: MakeSite) -> None:
    site = make_site(LOGIN_ABSOLUTE_TIMEOUT=12 * HOUR, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    client = logged_in(site, "&remember")
    for _ in range(11):
        site.clock.advance(HOUR)
        assert client.get("/me").text == "ann"
    token = site.cookie(client, "remember")
    site.clock.advance(HOUR)
    assert site.browser(remember=token).get("/me").text == "nobody"


def test_no_absolute_timeout_lets_a_remember_token_slide_as_before(make_signed: MakeSite) -> None:
    site = make_signed(
        REMEMBER_COOKIE_DURATION=12 * HOUR, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True
    )
    client = logged_in(site, "&remember")
    for _ in range(5):
        site.clock.advance(11 * HOUR)
        client = site.browser(remember=site.cookie(client, "remember"))
        assert client.get("/me").text == "ann"


# Fresh


def test_a_login_stays_fresh_for_the_fresh_timeout_and_goes_on_after_it(
    make_site: MakeSite,
) -> None:
    site = make_site(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    client = logged_in(site)
    site.clock.advance(15 * MINUTE - SECOND)
    assert client.get("/fresh").text == "fresh"
    site.clock.advance(SECOND)
    assert client.get("/fresh").text == "stale"
    assert client.get("/me").text == "ann"


def test_confirming_makes_a_login_fresh_for_as_long_again(make_site: MakeSite) -> None:
    site = make_site(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    client = logged_in(site)
    site.clock.advance(HOUR)
    assert client.get("/fresh").text == "stale"
    client.get("/confirm")
    site.clock.advance(14 * MINUTE)
    assert client.get("/fresh").text == "fresh"
    site.clock.advance(MINUTE)
    assert client.get("/fresh").text == "stale"


def test_a_login_that_proved_nothing_is_not_fresh_for_a_moment(make_site: MakeSite) -> None:
    site = make_site(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    client = logged_in(site, "&stale")
    assert client.get("/fresh").text == "stale"
    assert client.get("/known").get_json()["authenticated_at"] is None


def test_confirming_starts_the_greatest_age_anew(make_site: MakeSite) -> None:
    site = make_site(LOGIN_ABSOLUTE_TIMEOUT=12 * HOUR, LOGIN_IDLE_TIMEOUT=11 * HOUR)
    client = logged_in(site)
    site.clock.advance(10 * HOUR)
    client.get("/confirm")
    site.clock.advance(10 * HOUR)
    assert client.get("/me").text == "ann"
    site.clock.advance(2 * HOUR)
    assert client.get("/me").text == "nobody"


# A login's own timeouts


def test_a_login_may_have_its_own_timeouts_without_any_setting(make_site: MakeSite) -> None:
    site = make_site()
    for own, moment, reason in (
        ("&idle=300", 5 * MINUTE, "expired_idle"),
        ("&absolute=300", 5 * MINUTE, "expired_absolute"),
        ("&idle=300&absolute=240", 4 * MINUTE, "expired_absolute"),
    ):
        client = logged_in(site, own)
        site.clock.advance(moment - SECOND)
        assert client.get("/known").get_json()["user_id"] == "ann"
        client = logged_in(site, own)
        site.clock.advance(moment)
        assert client.get("/why").text == reason


def test_a_login_s_own_timeouts_win_over_the_settings_in_both_directions(
    make_site: MakeSite,
) -> None:
    site = make_site(
        LOGIN_IDLE_TIMEOUT=HOUR, LOGIN_ABSOLUTE_TIMEOUT=DAY, LOGIN_FRESH_TIMEOUT=10 * MINUTE
    )
    short = logged_in(site, "&idle=600&fresh_for=60")
    long = logged_in(site, "&idle=7200&absolute=172800&fresh_for=1200")
    site.clock.advance(2 * MINUTE)
    assert (short.get("/fresh").text, long.get("/fresh").text) == ("stale", "fresh")
    site.clock.advance(11 * MINUTE)
    assert (short.get("/me").text, long.get("/fresh").text) == ("nobody", "fresh")
    for _ in range(24):
        site.clock.advance(HOUR + 50 * MINUTE)
        assert long.get("/me").text == "ann"
    site.clock.advance(4 * HOUR)
    assert long.get("/me").text == "nobody"


def test_a_login_s_own_fresh_timeout_outlives_a_confirmation(make_site: MakeSite) -> None:
    site = make_site()
    client = logged_in(site, "&fresh_for=60")
    site.clock.advance(2 * MINUTE)
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"
    site.clock.advance(2 * MINUTE)
    assert client.get("/fresh").text == "stale"


def test_a_new_login_has_neither_the_timeouts_nor_the_proof_of_the_one_before(
    make_site: MakeSite,
) -> None:
    site = make_site()
    client = logged_in(site, "&idle=300&fresh_for=60")
    client.get("/login?id=ann&stale")
    assert client.get("/known").get_json()["authenticated_at"] is None
    client.get("/confirm")
    site.clock.advance(HOUR)
    assert client.get("/fresh").text == "fresh"


def test_who_is_back_by_a_remember_cookie_proved_nothing_at_any_time(make_site: MakeSite) -> None:
    site = make_site()
    client = logged_in(site, "&remember")
    site.clock.advance(HOUR)
    client = site.browser(remember=site.cookie(client, "remember"))
    for _ in range(2):
        assert client.get("/known").get_json()["authenticated_at"] is None


def test_a_remembered_login_with_its_own_greatest_age_has_a_token_no_older(
    make_site: MakeSite,
) -> None:
    site = make_site()
    client = logged_in(site, "&remember&absolute=3600")
    token = site.cookie(client, "remember")
    site.clock.advance(HOUR)
    assert site.browser(remember=token).get("/me").text == "nobody"


def test_a_timeout_of_less_than_a_second_does_not_end_a_login_before_it_began(
    make_site: MakeSite,
) -> None:
    site = make_site()
    client = logged_in(site, "&idle=0.5&absolute=0.5")
    assert client.get("/me").text == "ann"
    site.clock.advance(SECOND)
    assert client.get("/me").text == "nobody"


def test_timeouts_that_no_calendar_reaches_never_end_a_login(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=timedelta.max, LOGIN_ABSOLUTE_TIMEOUT=timedelta.max)
    client = logged_in(site)
    site.clock.advance(30 * DAY)
    assert client.get("/me").text == "ann"
    assert logged_in(site, "&idle=86399999999999").get("/me").text == "ann"


# Sessions from before


def as_of_0_6_3(site: Site, client: FlaskClient) -> None:
    """Take out of the session what Flask-Login 0.6.3 would not have written."""
    keys = site.manager.keys
    with client.session_transaction() as sess:
        for key in (keys.at, keys.times, keys.login, keys.auth_hash, keys.methods):
            sess.pop(key, None)


def test_a_session_without_times_starts_counting_at_first_sight(make_signed: MakeSite) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE, LOGIN_ABSOLUTE_TIMEOUT=HOUR)
    client = logged_in(site)
    as_of_0_6_3(site, client)
    site.clock.advance(10 * DAY)
    assert client.get("/me").text == "ann", "the update logs nobody out"
    for _ in range(2):
        site.clock.advance(29 * MINUTE)
        assert client.get("/me").text == "ann"
    site.clock.advance(2 * MINUTE)
    assert client.get("/why").text == "expired_absolute"


def test_a_fresh_session_without_times_stays_fresh_for_the_timeout_from_first_sight(
    make_signed: MakeSite,
) -> None:
    site = make_signed(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    client = logged_in(site)
    as_of_0_6_3(site, client)
    site.clock.advance(10 * DAY)
    assert client.get("/fresh").text == "fresh"
    site.clock.advance(15 * MINUTE)
    assert client.get("/fresh").text == "stale"


def test_a_session_without_times_is_never_fresh_enough_for_a_step_up(make_signed: MakeSite) -> None:
    site = make_signed()
    site.page("/plain", site.manager.fresh_login_required)
    site.page("/recent", site.manager.fresh_login_required(max_age=DAY))
    site.page("/otp", site.manager.fresh_login_required(methods={"otp"}))
    client = logged_in(site, "&methods=otp")
    as_of_0_6_3(site, client)
    assert client.get("/plain").status_code == 200
    assert client.get("/recent").status_code == 401
    assert client.get("/otp").status_code == 401


NO_TIMES: list[Any] = [
    None,
    7,
    "no",
    [],
    [1],
    ["a", "b"],
    [1, "b"],
    [1, 2, "c"],
    [1, 2, 3, 4, 5, 6],
    [1, [2]],
    [1, [2, "b"]],
    {},
]
NO_TIMES += [[10**30, 1], [1, -(10**13)], [1, 2, 10**300], [1, 2, None, 10**15]]


@pytest.mark.parametrize("entry", NO_TIMES)
def test_an_entry_that_is_no_times_counts_as_none(make_signed: MakeSite, entry: Any) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    with client.session_transaction() as sess:
        sess[site.manager.keys.times] = entry
        sess[site.manager.keys.at] = entry
    assert client.get("/known").get_json()["authenticated_at"] is None or entry == 7
    with client.session_transaction() as sess:
        assert Times.of(sess[site.manager.keys.times]) is not None


@pytest.mark.parametrize("moment", [10**30, -(10**30), float("inf"), 10**12])
def test_a_moment_that_no_calendar_has_is_no_proof(make_signed: MakeSite, moment: Any) -> None:
    site = make_signed(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    client = logged_in(site)
    with client.session_transaction() as sess:
        sess[site.manager.keys.at] = moment
        sess.pop(site.manager.keys.times)
    if moment != 10**12:
        assert client.get("/known").get_json()["authenticated_at"] is None


def test_a_session_is_taken_up_by_a_store_that_is_added_with_times_of_its_own(
    clock: FrozenClock,
) -> None:
    signed = Site(SIGNED, clock, LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    session = signed.cookie(logged_in(signed))
    clock.advance(10 * DAY)
    stored = Site(STORED, clock, LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = stored.browser(session=session)
    assert client.get("/me").text == "ann"
    clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"


# What counts as activity, and what is written


def unseen(site: Site) -> None:
    """Add views that a page asks by itself."""

    def poll() -> str:
        return str(site.manager.current_user.get_id())

    @no_activity
    class Poll(MethodView):
        def get(self) -> str:
            return poll()

    class Heir(Poll):
        pass

    app, mark = site.app, site.manager.no_activity
    app.add_url_rule("/poll/below", "below", mark(site.manager.login_required(poll)))
    app.add_url_rule("/poll/above", "above", site.manager.login_required(mark(lambda: poll())))
    app.add_url_rule("/poll/class", view_func=Poll.as_view("class"))
    app.add_url_rule("/poll/heir", view_func=Heir.as_view("heir"))


@pytest.mark.parametrize("path", ["/poll/below", "/poll/above", "/poll/class"])
def test_what_a_page_asks_by_itself_does_not_put_off_the_idle_timeout(
    make_site: MakeSite, path: str
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    unseen(site)
    client = logged_in(site)
    for _ in range(2):
        site.clock.advance(14 * MINUTE)
        assert client.get(path).text == "ann"
    site.clock.advance(3 * MINUTE)
    assert client.get("/me").text == "nobody"


def test_a_class_that_inherits_from_one_without_activity_counts(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    unseen(site)
    client = logged_in(site)
    for _ in range(4):
        site.clock.advance(20 * MINUTE)
        assert client.get("/poll/heir").text == "ann"


@pytest.mark.parametrize(
    "purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"]
)
def test_what_a_browser_asks_ahead_of_time_does_not_put_off_the_idle_timeout(
    make_site: MakeSite, purpose: str
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    site.clock.advance(20 * MINUTE)
    assert client.get("/me", headers={"Sec-Purpose": purpose}).text == "ann"
    site.clock.advance(11 * MINUTE)
    assert client.get("/me").text == "nobody"


def test_a_request_for_no_page_counts_if_it_asks_who_the_user_is(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    site.app.register_error_handler(404, lambda error: (site._me(), 404))
    client = logged_in(site)
    for _ in range(3):
        site.clock.advance(20 * MINUTE)
        assert client.get("/nowhere").text == "ann"


def test_the_session_is_written_at_most_once_in_the_touch_interval(make_signed: MakeSite) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE, LOGIN_TOUCH_INTERVAL=MINUTE)
    client = logged_in(site)
    written = []
    for _ in range(12):
        site.clock.advance(10 * SECOND)
        written.append("Set-Cookie" in client.get("/me").headers)
    assert written == [False] * 5 + [True] + [False] * 5 + [True]


@pytest.mark.parametrize("interval", [timedelta(0), 0])
def test_without_an_interval_it_is_written_at_most_once_a_second(
    make_signed: MakeSite, interval: Any
) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE, LOGIN_TOUCH_INTERVAL=interval)
    client = logged_in(site)
    assert "Set-Cookie" not in client.get("/me").headers
    site.clock.advance(SECOND)
    assert "Set-Cookie" in client.get("/me").headers


def test_without_any_timeout_nothing_more_is_written_than_before(make_signed: MakeSite) -> None:
    site = make_signed()
    client = logged_in(site)
    site.clock.advance(10 * DAY)
    assert "Set-Cookie" not in client.get("/me").headers
    with client.session_transaction() as sess:
        assert site.manager.keys.times not in sess


def test_confirming_without_any_timeout_writes_when_it_was_and_no_more(
    make_signed: MakeSite,
) -> None:
    site = make_signed()
    client = logged_in(site, "&stale")
    client.get("/confirm")
    assert client.get("/known").get_json()["authenticated_at"] == 0
    with client.session_transaction() as sess:
        assert site.manager.keys.times not in sess


def test_a_page_that_does_not_ask_for_the_user_writes_nothing(make_signed: MakeSite) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    site.page("/public")
    client = logged_in(site)
    site.clock.advance(20 * MINUTE)
    response = client.get("/public")
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


# The clock


def test_a_clock_that_is_put_back_ends_no_login(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE, LOGIN_ABSOLUTE_TIMEOUT=DAY)
    client = logged_in(site)
    site.clock.advance(-2 * HOUR)
    assert client.get("/me").text == "ann"


def test_a_clock_that_ran_ahead_does_not_keep_an_idle_login_alive(make_signed: MakeSite) -> None:
    site = make_signed(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    site.clock.advance(20 * MINUTE)
    client.get("/me")
    site.clock.advance(-10 * DAY)
    assert client.get("/me").text == "ann"
    site.clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"


def test_a_proof_from_far_ahead_of_the_clock_is_not_fresh(make_site: MakeSite) -> None:
    site = make_site(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    site.page("/recent", site.manager.fresh_login_required(max_age=10 * MINUTE))
    client = logged_in(site)
    site.clock.advance(-5 * SECOND)
    assert client.get("/fresh").text == "fresh", "the clocks of two machines differ a little"
    assert client.get("/recent").status_code == 200
    site.clock.advance(-DAY)
    assert client.get("/fresh").text == "stale"
    assert client.get("/recent").status_code == 401


# What is told


def test_current_login_tells_how_long_is_left_and_since_when(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE, LOGIN_ABSOLUTE_TIMEOUT=HOUR)
    client = logged_in(site)
    known = client.get("/known").get_json()
    assert (known["authenticated_at"], known["expires_in"]) == (0, 30 * 60)
    site.clock.advance(20 * MINUTE)
    known = client.get("/known").get_json()
    assert (known["authenticated_at"], known["expires_in"]) == (-20 * 60, 30 * 60)
    site.clock.advance(20 * MINUTE)
    assert client.get("/known").get_json()["expires_in"] == 20 * 60
    client.get("/confirm")
    known = client.get("/known").get_json()
    assert (known["authenticated_at"], known["expires_in"]) == (0, 30 * 60)


def test_without_a_timeout_a_login_of_the_signed_level_does_not_expire(
    make_signed: MakeSite,
) -> None:
    assert logged_in(make_signed()).get("/known").get_json()["expires_in"] is None


def test_a_fresh_timeout_ends_no_login_and_so_is_not_what_is_left(make_signed: MakeSite) -> None:
    site = make_signed(LOGIN_FRESH_TIMEOUT=15 * MINUTE)
    assert logged_in(site).get("/known").get_json()["expires_in"] is None


def test_nothing_is_left_to_tell_of_a_login_beside_the_session(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    site.manager.request_loader(lambda request: site.users["bob"])
    known = site.browser().get("/known").get_json()
    assert (known["source"], known["expires_in"], known["methods"]) == ("request", None, [])


@pytest.mark.parametrize(
    ("setting", "reason", "words"),
    [
        ("LOGIN_IDLE_TIMEOUT", "expired_idle", "nothing was done"),
        ("LOGIN_ABSOLUTE_TIMEOUT", "expired_absolute", "greatest age"),
    ],
)
def test_whoever_is_sent_to_log_in_again_is_told_why(
    make_site: MakeSite, setting: str, reason: str, words: str
) -> None:
    site = make_site(**{setting: HOUR})
    site.manager.login_view = "/log-in"
    site.page("/guarded", site.manager.login_required)
    site.app.add_url_rule("/flashed", "flashed", lambda: get_flashed_messages())
    person, program = logged_in(site), logged_in(site)
    site.clock.advance(HOUR)
    assert person.get("/guarded").status_code == REDIRECT
    (message,) = person.get("/flashed").get_json()
    assert words in message
    problem = json.loads(program.get("/guarded", headers=PROGRAM).data)
    assert (problem["reason"], problem["ended_reason"]) == ("login_required", reason)


def test_a_new_login_forgets_why_the_last_one_ended(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=HOUR)

    def again() -> list[str]:
        before = site._why()
        site.manager.login_user(site.users["bob"])
        return [before, site._why(), site._me()]

    site.app.add_url_rule("/again", "again", again)
    client = logged_in(site)
    site.clock.advance(HOUR)
    assert client.get("/again").get_json() == ["expired_idle", "None", "bob"]


def test_the_times_of_one_realm_say_nothing_of_another_s(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    staff = Site(("signed", "staff"), clock)
    staff.manager.init_app(site.app)
    site.app.add_url_rule("/staff/login", "staff_login", staff._login)
    site.app.add_url_rule("/staff/me", "staff_me", staff._me)
    client = logged_in(site, "&idle=600")
    client.get("/staff/login?id=bob&idle=1200")
    clock.advance(10 * MINUTE)
    assert client.get("/me").text == "nobody"
    assert client.get("/staff/me").text == "bob"
    clock.advance(20 * MINUTE)
    assert client.get("/staff/me").text == "nobody"


def test_times_are_kept_in_few_bytes() -> None:
    assert Times(1, 2).entry() == [1, 2]
    assert Times(1, 2, absolute=3).entry() == [1, 2, None, 3]
    for times in (Times(1, 2), Times(1, 2, fresh=9), Times(1, 2, 3, 4, 5)):
        assert vars(Times.of(times.entry())) == vars(times)


def test_a_clock_may_be_of_any_time_zone(clock: FrozenClock) -> None:
    east = timezone(timedelta(hours=9))
    site = Site(SIGNED, FrozenClock(datetime(2026, 1, 1, tzinfo=east)))
    site.app.config["LOGIN_IDLE_TIMEOUT"] = 30 * MINUTE
    client = logged_in(site)
    site.clock.advance(29 * MINUTE)
    assert client.get("/me").text == "ann"
    site.clock.advance(31 * MINUTE)
    assert client.get("/me").text == "nobody"


def test_the_time_of_last_activity_never_goes_back(make_site: MakeSite) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    site.clock.advance(-2 * HOUR)
    assert client.get("/me").text == "ann"
    site.clock.advance(2 * HOUR + 29 * MINUTE)
    assert client.get("/me").text == "ann", "a clock that was put back for a while costs no login"
    site.clock.advance(30 * MINUTE)
    assert client.get("/why").text == "expired_idle"


def test_confirming_while_the_clock_is_behind_does_not_put_the_activity_back(
    make_site: MakeSite,
) -> None:
    site = make_site(LOGIN_IDLE_TIMEOUT=30 * MINUTE)
    client = logged_in(site)
    site.clock.advance(-2 * HOUR)
    client.get("/confirm")
    site.clock.advance(2 * HOUR + 29 * MINUTE)
    assert client.get("/me").text == "ann"
