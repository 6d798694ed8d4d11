"""Two-step login: what is between the steps opens nothing, and is worth nothing elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import session
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from tests.policy_site import DAY, HOUR, KINDS, MINUTE, SECOND, SIGNED, STORED, Kind, Member, Site

from flask_login import (
    ConfigurationError,
    InvalidUserId,
    SessionStoreUnavailable,
    begin_login,
    complete_login,
    pending_user,
    user_logged_in,
)
from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.testing import FrozenClock

MakeSite = Callable[..., Site]
OTHER = {"User-Agent": "another browser"}


@pytest.fixture(params=KINDS, ids=str)
def make_site(request: pytest.FixtureRequest, clock: FrozenClock) -> MakeSite:
    return lambda **config: Site(request.param, clock, **config)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def begun(site: Site, how: str = "") -> FlaskClient:
    client = site.browser()
    assert client.get(f"/begin?id=ann{how}").text == "True"
    return client


def what_is_in_the_session(site: Site, client: FlaskClient) -> dict[str, Any]:
    with client.session_transaction() as sess:
        return dict(sess[site.manager.keys.pending])


# The way it is meant


def test_a_user_is_logged_in_after_the_second_step_and_not_before(site: Site) -> None:
    client = begun(site)
    assert (client.get("/me").text, client.get("/pending").text) == ("nobody", "ann")
    assert client.get("/complete").text == "True"
    assert (client.get("/me").text, client.get("/pending").text) == ("ann", "nobody")
    assert client.get("/fresh").text == "fresh"


def test_what_both_steps_proved_is_known_of_the_login_each_with_its_time(
    make_site: MakeSite,
) -> None:
    site = make_site()
    guard = site.manager.fresh_login_required
    site.page("/pwd", guard(max_age=5 * MINUTE, methods={"pwd"}))
    site.page("/otp", guard(max_age=5 * MINUTE, methods={"otp"}))
    client = begun(site, "&methods=pwd")
    site.clock.advance(4 * MINUTE)
    client.get("/complete?methods=otp")
    assert client.get("/known").get_json()["methods"] == ["otp", "pwd"]
    assert (client.get("/pwd").status_code, client.get("/otp").status_code) == (200, 200)
    site.clock.advance(2 * MINUTE)
    assert (client.get("/pwd").status_code, client.get("/otp").status_code) == (401, 200)


def test_a_method_that_is_proved_in_both_steps_counts_from_the_second(site: Site) -> None:
    site.page("/pwd", site.manager.fresh_login_required(max_age=5 * MINUTE, methods={"pwd"}))
    client = begun(site, "&methods=pwd")
    site.clock.advance(4 * MINUTE)
    client.get("/complete?methods=pwd")
    site.clock.advance(4 * MINUTE)
    assert client.get("/pwd").status_code == 200


def test_methods_that_nobody_told_are_not_assumed(site: Site) -> None:
    client = begun(site)
    client.get("/complete")
    assert client.get("/known").get_json()["methods"] == []


def test_the_second_step_remembers_as_the_first_one_was_asked_to(site: Site) -> None:
    client = begun(site, "&remember&duration=86400")
    assert site.cookie(client, "remember") is None
    client.get("/complete")
    token = site.cookie(client, "remember")
    assert token is not None
    site.clock.advance(DAY - SECOND)
    assert site.browser(remember=token).get("/me").text == "ann"
    site.clock.advance(SECOND)
    assert site.browser(remember=token).get("/me").text == "nobody"


def test_a_login_that_was_not_asked_to_be_remembered_is_not(site: Site) -> None:
    client = begun(site)
    client.get("/complete")
    assert site.cookie(client, "remember") is None


def test_the_functions_mean_the_default_realm(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    with site.app.test_request_context():
        assert begin_login(site.users["ann"], methods={"pwd"}) is True
        assert pending_user() is site.users["ann"]
        assert complete_login(methods={"otp"}) is True
        assert pending_user() is None
        assert session["_user_id"] == "ann"


def test_the_event_of_a_login_is_sent_once_after_the_second_step(site: Site) -> None:
    seen: list[str] = []

    def receive(sender: object, user: Member) -> None:
        seen.append(user.id)

    with user_logged_in.connected_to(receive):
        client = begun(site)
        assert seen == []
        client.get("/complete")
    assert seen == ["ann"]


# Between the steps


def test_between_the_steps_no_guard_lets_pass(site: Site) -> None:
    guards = {
        "/login-needed": site.manager.login_required,
        "/when": site.manager.login_required(when=lambda user: True),
        "/fresh-needed": site.manager.fresh_login_required,
        "/recent": site.manager.fresh_login_required(max_age=HOUR),
        "/pwd": site.manager.fresh_login_required(methods={"pwd"}),
    }
    for path, guard in guards.items():
        site.page(path, guard)
    site.page("/guests", site.manager.anonymous_required)
    site.manager.protect(site.app)
    site.page("/default")
    client = begun(site, "&methods=pwd&remember")
    for path in (*guards, "/default"):
        assert client.get(path).status_code == 401, path
    assert client.get("/guests").status_code == 200


def test_between_the_steps_nothing_is_known_of_a_login(site: Site) -> None:
    client = begun(site, "&methods=pwd&remember")
    assert client.get("/known").get_json() == {}
    assert client.get("/fresh").text == "stale"
    assert client.get("/why").text == "None"
    assert client.get("/confirm").text == "nobody"
    assert client.get("/stop").text == "False"
    assert client.get("/act?id=bob").status_code == 403
    if site.store is not None:
        assert site.store.list("ann") == []


def test_an_inactive_user_does_not_get_to_the_second_step(site: Site) -> None:
    site.users["ann"].active = False
    client = site.browser()
    assert client.get("/begin?id=ann").text == "False"
    assert client.get("/pending").text == "nobody"


def test_without_a_first_step_there_is_no_second(site: Site) -> None:
    client = site.browser()
    assert client.get("/complete").text == "False"
    assert client.get("/me").text == "nobody"


def test_the_second_step_has_to_be_taken_in_time(make_site: MakeSite) -> None:
    for timeout in (10 * MINUTE, MINUTE):
        site = make_site(LOGIN_PENDING_TIMEOUT=timeout)
        client = begun(site)
        site.clock.advance(timeout - SECOND)
        assert client.get("/pending").text == "ann"
        site.clock.advance(SECOND)
        assert client.get("/pending").text == "nobody"
        assert client.get("/complete").text == "False"
        assert client.get("/me").text == "nobody"


def test_clocks_that_differ_a_little_do_not_stand_in_the_way(site: Site) -> None:
    client = begun(site)
    site.clock.advance(-5 * SECOND)
    assert client.get("/pending").text == "ann"
    site.clock.advance(-DAY)
    assert client.get("/pending").text == "nobody"


# Attacks


def test_a_pending_login_in_another_browser_is_none(site: Site) -> None:
    copied = site.cookie(begun(site))
    thief = site.browser(session=copied)
    assert thief.get("/pending", headers=OTHER).text == "nobody"
    assert thief.get("/complete", headers=OTHER).text == "False"
    assert thief.get("/me", headers=OTHER).text == "nobody"


def test_without_session_protection_a_change_of_address_between_the_steps_does_not_matter(
    make_site: MakeSite,
) -> None:
    client = begun(make_site(SESSION_PROTECTION=None))
    assert client.get("/complete", headers=OTHER).text == "True"


def test_a_pending_login_replayed_after_completion_logs_nobody_in_by_itself(site: Site) -> None:
    client = begun(site)
    copied = site.cookie(client)
    client.get("/complete")
    replay = site.browser(session=copied)
    assert replay.get("/me").text == "nobody"
    assert replay.get("/pending").text == "ann", "the second factor is asked for again"
    site.clock.advance(10 * MINUTE)
    assert replay.get("/complete").text == "False"


@pytest.fixture
def stored(clock: FrozenClock) -> Site:
    return Site(STORED, clock)


@pytest.mark.parametrize("kind", [STORED, KINDS[3]], ids=str)
def test_with_a_store_a_copy_of_the_session_cannot_take_the_second_step_again(
    kind: Kind, clock: FrozenClock
) -> None:
    site = Site(kind, clock)
    client = begun(site, "&remember")
    copied = site.cookie(client)
    assert client.get("/complete").text == "True"
    for _ in range(2):
        thief = site.browser(session=copied)
        assert thief.get("/complete?methods=otp").text == "False"
        assert (thief.get("/me").text, thief.get("/pending").text) == ("nobody", "nobody")
        assert site.cookie(thief, "remember") is None
    assert client.get("/me").text == "ann"
    client.get("/logout")
    assert site.browser(session=copied).get("/complete").text == "False"


def test_of_two_copies_that_take_the_second_step_at_once_one_is_logged_in(
    stored: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = begun(stored)
    thief = stored.browser(session=stored.cookie(client))
    assert stored.store is not None
    replace, answers = stored.store.replace, list[str]()

    def replace_later(record: LoginSession) -> bool:
        # Between the thief's look at the record and its change the owner is quicker.
        monkeypatch.setattr(stored.store, "replace", replace)
        answers.append(client.get("/complete").text)
        return replace(record)

    monkeypatch.setattr(stored.store, "replace", replace_later)
    assert thief.get("/complete").text == "False"
    assert answers == ["True"]
    assert (client.get("/me").text, thief.get("/me").text) == ("ann", "nobody")


def test_a_pending_login_that_no_record_stands_for_is_not_completed_with_a_store(
    stored: Site,
) -> None:
    for ticket in (None, "of no record", records.new_id("ann"), 7, ["x"], "\ud800"):
        client = begun(stored)
        with client.session_transaction() as sess:
            sess["_pending"] = {**sess["_pending"], "ticket": ticket}
        assert client.get("/complete").text == "False"
        assert client.get("/pending").text == "nobody"


def test_what_stands_for_a_pending_login_is_a_login_of_nobody(stored: Site) -> None:
    client = begun(stored)
    ticket = what_is_in_the_session(stored, client)["ticket"]
    assert stored.store is not None
    record = stored.store.get(ticket)
    assert record is not None
    assert stored.store.list("ann") == []
    assert "ann" not in repr(record)
    assert record.purge_at - stored.clock() < 2 * DAY
    with client.session_transaction() as sess:
        sess["_user_id"] = record.user_id
        sess["_login"] = f"{record.id}.{record.secret_hash}.1"
    assert client.get("/me").text == "nobody"


def gives_no_answer(*_: object, **__: object) -> None:
    raise SessionStoreUnavailable("memory")


def test_a_store_that_is_away_lets_nobody_complete(
    stored: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = begun(stored)

    monkeypatch.setattr(stored.store, "get", gives_no_answer)
    assert client.get("/complete").status_code == 503
    monkeypatch.undo()
    assert client.get("/me").text == "nobody"
    assert client.get("/complete").text == "True"


def test_a_store_that_dies_while_a_login_drops_what_is_pending_logs_nobody_in(
    stored: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = begun(stored)

    monkeypatch.setattr(stored.store, "get", gives_no_answer)
    assert client.get("/login?id=bob").status_code == 503
    monkeypatch.undo()
    assert (client.get("/me").text, client.get("/pending").text) == ("nobody", "ann")


def test_logout_drops_a_pending_login(site: Site) -> None:
    client = begun(site)
    client.get("/logout")
    assert client.get("/pending").text == "nobody"
    assert client.get("/complete").text == "False"


def test_a_pending_login_replayed_after_a_logout_opens_nothing(site: Site) -> None:
    client = begun(site, "&remember")
    copied = site.cookie(client)
    client.get("/complete")
    client.get("/logout")
    replay = site.browser(session=copied)
    assert replay.get("/me").text == "nobody"
    assert site.cookie(replay, "remember") is None


@pytest.mark.parametrize("path", ["/logout", "/begin?id=ann", "/begin?id=bob", "/login?id=bob"])
def test_with_a_store_a_copy_of_a_pending_login_that_was_dropped_completes_nothing(
    stored: Site, path: str
) -> None:
    browser = stored.browser()
    browser.get("/begin?id=ann")
    copied = stored.cookie(browser)
    browser.get(path)
    replay = stored.browser(session=copied)
    assert replay.get("/complete").text == "False"
    assert replay.get("/me").text == "nobody"
    is_begun = path.startswith("/begin")
    assert browser.get("/complete").text == str(is_begun)


def test_the_emergency_brake_ends_what_is_pending_too(clock: FrozenClock) -> None:
    site = Site(KINDS[1], clock)
    assert site.manager._logins is not None
    client = begun(site)
    clock.advance(timedelta(minutes=1))
    with site.app.app_context():
        site.manager.sessions.revoke_everyone()
    assert client.get("/complete").text == "False"
    assert client.get("/pending").text == "nobody"


def test_a_first_step_by_a_clock_that_was_ahead_is_ended_by_the_emergency_brake(
    clock: FrozenClock,
) -> None:
    site = Site(KINDS[1], clock)
    clock.advance(timedelta(minutes=6))
    client = begun(site)
    clock.advance(-timedelta(minutes=6))
    with site.app.app_context():
        site.manager.sessions.revoke_everyone()
    assert client.get("/complete").text == "False"


def test_a_pending_login_from_before_a_change_of_the_password_is_worth_nothing(site: Site) -> None:
    for before, after in (("first", "second"), (None, "first"), ("first", None)):
        site.users["ann"].password = before
        client = begun(site)
        site.users["ann"].password = after
        assert client.get("/pending").text == "nobody"
        assert client.get("/complete").text == "False"


def test_a_user_class_that_begins_to_tell_its_credentials_ends_what_is_pending(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = Member.get_session_auth_hash
    monkeypatch.delattr(Member, "get_session_auth_hash")
    client = begun(site)
    assert client.get("/pending").text == "ann"
    monkeypatch.setattr(Member, "get_session_auth_hash", method, raising=False)
    assert client.get("/pending").text == "nobody"


def test_a_user_who_is_suspended_or_deleted_between_the_steps_stays_out(site: Site) -> None:
    client = begun(site)
    site.users["ann"].active = False
    assert client.get("/complete").text == "False"
    site.users["ann"].active = True
    assert client.get("/complete").text == "False", "it was dropped, not kept waiting"
    client = begun(site)
    ann = site.users.pop("ann")
    assert client.get("/complete").text == "False"
    site.users["ann"] = ann
    assert client.get("/me").text == "nobody"


def test_who_begins_as_one_and_then_as_another_can_only_complete_as_the_other(
    site: Site,
) -> None:
    client = begun(site, "&methods=pwd&remember")
    client.get("/begin?id=bob&methods=sms")
    assert client.get("/pending").text == "bob"
    client.get("/complete?methods=otp")
    known = client.get("/known").get_json()
    assert (known["user_id"], known["methods"]) == ("bob", ["otp", "sms"])
    assert site.cookie(client, "remember") is None, "that was ann's wish"


def test_two_tabs_complete_one_login_once(site: Site) -> None:
    client = begun(site)
    assert client.get("/complete").text == "True"
    assert client.get("/complete").text == "False"
    assert client.get("/me").text == "ann"


def test_who_is_logged_in_stays_so_until_another_s_second_step(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=bob&remember&methods=otp")
    client.get("/begin?id=ann&methods=pwd")
    assert (client.get("/me").text, client.get("/pending").text) == ("bob", "ann")
    client.get("/complete?methods=hwk")
    known = client.get("/known").get_json()
    assert (known["user_id"], known["methods"]) == ("ann", ["hwk", "pwd"])
    client.delete_cookie("session")
    assert client.get("/me").text == "nobody", "bob's remember cookie went with him"
    if site.store is not None:
        assert [record.ended_reason for record in site.store.list("bob")] == ["replaced"]


def test_an_ordinary_login_drops_what_is_pending(site: Site) -> None:
    client = begun(site)
    client.get("/login?id=bob")
    assert (client.get("/me").text, client.get("/pending").text) == ("bob", "nobody")
    assert client.get("/complete").text == "False"


def test_a_remember_cookie_and_a_pending_login_do_not_mix(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=bob&remember")
    token = site.cookie(client, "remember")
    client = site.browser(remember=token)
    client.get("/begin?id=ann")
    assert (client.get("/me").text, client.get("/fresh").text) == ("bob", "stale")
    assert client.get("/pending").text == "ann"


def test_a_login_that_is_denied_at_the_end_logs_nobody_in(clock: FrozenClock) -> None:
    site = Site(STORED, clock, LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    site.browser().get("/login?id=ann")
    clock.advance(SECOND)
    client = begun(site)
    copied = site.cookie(client)
    assert client.get("/complete").text == "False"
    assert (client.get("/me").text, client.get("/pending").text) == ("nobody", "ann")
    site.manager.sessions.revoke_all("ann")
    assert site.browser(session=copied).get("/complete").text == "False"
    assert client.get("/complete").text == "True", "there is room now"


def test_beginning_renews_the_session_s_id_and_leaves_the_forms_that_are_open(site: Site) -> None:
    renewed: list[dict[str, Any]] = []
    interface: Any = SecureCookieSessionInterface()  # Flask's own is everybody's
    site.app.session_interface = interface
    interface.regenerate = lambda sess: renewed.append(dict(sess))
    client = site.browser()
    with client.session_transaction() as sess:
        sess["csrf_token"] = "of an open form"
    client.get("/begin?id=ann")
    assert len(renewed) == 1
    with client.session_transaction() as sess:
        assert sess["csrf_token"] == "of an open form"
    client.get("/complete")
    assert len(renewed) == 2


def test_a_pending_login_of_one_realm_is_none_in_another(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    staff = Site(("signed", "staff"), clock)
    staff.manager.init_app(site.app)
    for name in ("pending", "complete", "me"):
        site.app.add_url_rule(f"/staff/{name}", f"staff_{name}", getattr(staff, f"_{name}"))
    client = begun(site)
    assert client.get("/staff/pending").text == "nobody"
    assert client.get("/staff/complete").text == "False"
    with client.session_transaction() as sess:
        sess["_staff.pending"] = sess["_pending"]
    assert client.get("/staff/pending").text == "nobody", "its digest is of the other realm"


@pytest.mark.parametrize("entry", [None, 7, "ann", [], {}, {"user_id": "ann"}, {"a": 1}])
def test_an_entry_of_somebody_else_s_under_that_name_is_no_pending_login(
    site: Site, entry: Any
) -> None:
    client = site.browser()
    with client.session_transaction() as sess:
        sess[site.manager.keys.pending] = entry
    assert client.get("/pending").text == "nobody"
    assert client.get("/complete").text == "False"


def test_the_session_between_the_steps_holds_no_secret(site: Site) -> None:
    site.users["ann"].password = "canary"
    noted = what_is_in_the_session(site, begun(site, "&methods=pwd"))
    assert "canary" not in str(noted)
    assert re.fullmatch(r"[\w-]{22}", noted["credentials"])


# Wrong arguments


def test_a_user_without_an_id_cannot_begin(site: Site) -> None:
    user = Member("none")
    user.id = None  # type: ignore[assignment]  # as before it is saved
    user.get_id = lambda: None  # type: ignore[assignment,method-assign,return-value]  # likewise
    with site.app.test_request_context(), pytest.raises(InvalidUserId):
        site.manager.begin_login(user)


def test_wrong_arguments_are_named(site: Site) -> None:
    ann: Any = site.users["ann"]
    with site.app.test_request_context():
        with pytest.raises(ConfigurationError, match="duration"):
            site.manager.begin_login(ann, True, 3600)  # type: ignore[arg-type]  # which is wrong
        for call in (site.manager.begin_login, lambda _, **how: site.manager.complete_login(**how)):
            with pytest.raises(ConfigurationError, match="methods"):
                call(ann, methods="pwd")
        assert site.manager.keys.pending not in session


def test_a_user_may_be_given_as_a_proxy(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        assert site.manager.begin_login(site.manager.current_user) is True
        assert site.manager.pending_user() is site.users["ann"]


def test_loaders_may_be_async(make_site: MakeSite) -> None:
    pytest.importorskip("asgiref", reason="async loaders need Flask's extra 'async'")
    site = make_site()

    async def load(user_id: str) -> Member | None:
        return site.users.get(user_id)

    site.manager.user_loader(load)
    client = begun(site)
    assert client.get("/pending").text == "ann"
    assert client.get("/complete").text == "True"
    assert client.get("/me").text == "ann"


def test_a_fraction_of_a_second_of_remembering_is_kept(site: Site) -> None:
    noted = what_is_in_the_session(site, begun(site, "&remember&duration=1.5"))
    assert timedelta(seconds=noted["duration"]) == timedelta(seconds=1.5)


# A user who is unknown for a moment


def test_a_user_who_is_unknown_between_the_steps_may_take_the_second_when_found_again(
    site: Site,
) -> None:
    client = site.browser()
    client.get("/begin?id=ann")
    ann = site.users.pop("ann")
    assert client.get("/pending").text == "nobody"
    assert client.get("/complete").text == "False"
    site.users["ann"] = ann
    assert client.get("/pending").text == "ann"
    assert client.get("/complete").text == "True"
    assert client.get("/me").text == "ann"


def test_without_a_grace_an_unknown_user_s_second_step_is_dropped(site: Site) -> None:
    site.app.config["LOGIN_UNKNOWN_USER_GRACE"] = timedelta(0)
    client = site.browser()
    client.get("/begin?id=ann")
    ann = site.users.pop("ann")
    assert client.get("/pending").text == "nobody"
    site.users["ann"] = ann
    assert client.get("/pending").text == "nobody"
