"""Impersonation: the actor never gets more than was allowed, and never acts by accident."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import session
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from tests.policy_site import HOUR, KINDS, MINUTE, SIGNED, STORED, Member, Site

from flask_login import (
    ImpersonationDenied,
    impersonate,
    impersonation_started,
    impersonation_stopped,
    stop_impersonating,
    user_logged_in,
    user_logged_out,
)
from flask_login.testing import FrozenClock

Events = list[tuple[str, str | None, str | None]]


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    return Site(request.param, clock)


@pytest.fixture
def audited(caplog: pytest.LogCaptureFixture) -> Callable[[], Events]:
    """Return a function that gives the audit events since it was called last."""
    caplog.set_level(logging.INFO, "flask_login.audit")

    def take() -> Events:
        found = [vars(record) for record in caplog.records]
        caplog.clear()
        return [(facts["event"], facts["user_id"], facts["actor"]) for facts in found]

    return take


def acting(site: Site, how: str = "") -> FlaskClient:
    """Return the browser of eve, who acts as ann."""
    client = site.browser()
    assert client.get(f"/login?id=eve{how}").text == "True"
    assert client.get("/act?id=ann").text == "ann"
    return client


# The way it is meant


def test_the_actor_is_the_user_until_they_stop(site: Site) -> None:
    client = acting(site)
    assert client.get("/me").text == "ann"
    assert client.get("/known").get_json()["actor"] == "eve"
    assert client.get("/stop").text == "True"
    known = client.get("/known").get_json()
    assert (known["user_id"], known["actor"], known["fresh"]) == ("eve", None, True)
    assert client.get("/stop").text == "False"


def test_what_is_known_of_the_login_is_the_actor_s_and_not_fresh(site: Site) -> None:
    site.app.config["LOGIN_IDLE_TIMEOUT"] = HOUR
    known = acting(site, "&methods=otp&remember").get("/known").get_json()
    assert known == {
        "user_id": "ann",
        "source": "session",
        "fresh": False,
        "remembered": True,
        "methods": ["otp"],
        "authenticated_at": 0,
        "expires_in": 3600,
        "actor": "eve",
    }


def test_both_functions_mean_the_default_realm(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    with site.app.test_request_context():
        site.manager.login_user(site.users["eve"])
        impersonate(site.users["ann"])
        assert site.manager.get_current_user() is site.users["ann"]
        assert stop_impersonating() is True
        assert site.manager.get_current_user() is site.users["eve"]
        assert stop_impersonating() is False


def test_both_events_are_sent_with_user_and_actor(site: Site) -> None:
    seen: list[tuple[str, str, str, str]] = []

    def started(sender: object, user: Member, actor: Member) -> None:
        seen.append(("started", user.id, actor.id, site._me()))

    def stopped(sender: object, user: Member, actor: Member) -> None:
        seen.append(("stopped", user.id, actor.id, site._me()))

    with (
        impersonation_started.connected_to(started),
        impersonation_stopped.connected_to(stopped),
    ):
        acting(site).get("/stop")
        acting(site).get("/logout")
    once = [("started", "ann", "eve", "ann"), ("stopped", "ann", "eve", "eve")]
    assert seen == once * 2


def test_a_callback_may_be_async(site: Site) -> None:
    pytest.importorskip("asgiref", reason="async callbacks need Flask's extra 'async'")

    async def may(actor: Member, user: Member) -> bool:
        return actor.admin and user.id != "bob"

    assert site.manager.may_impersonate(may) is may
    client = acting(site)
    assert client.get("/me").text == "ann"
    client.get("/stop")
    assert client.get("/act?id=bob").status_code == 403


# Who may not


def denied(site: Site, client: FlaskClient, user: str) -> bool:
    who = client.get("/me").text
    response = client.get(f"/act?id={user}")
    return (response.status_code, client.get("/me").text) == (403, who)


def test_without_a_callback_nobody_may(site: Site) -> None:
    site.manager.may_impersonate_callback = None
    client = site.browser()
    client.get("/login?id=eve")
    assert denied(site, client, "ann")


@pytest.mark.parametrize("answer", [False, None, 0, "", lambda: False])
def test_a_callback_that_does_not_say_yes_says_no(site: Site, answer: Any) -> None:
    site.manager.may_impersonate(lambda actor, user: answer)
    client = site.browser()
    client.get("/login?id=eve")
    assert denied(site, client, "ann")


def test_a_callback_that_fails_lets_nobody_act(site: Site) -> None:
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    site.manager.may_impersonate(lambda actor, user: actor.nonsense)
    client = site.browser()
    client.get("/login?id=eve")
    assert client.get("/act?id=ann").status_code == 500
    assert client.get("/me").text == "eve"


def test_who_is_not_allowed_to_cannot_and_is_told_no_reason(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=bob")
    assert denied(site, client, "ann")
    assert "You may not act as this user." in client.get("/act?id=ann").text


def test_nobody_cannot(site: Site) -> None:
    site.manager.may_impersonate(lambda actor, user: True)
    assert denied(site, site.browser(), "ann")


def test_an_api_key_cannot_even_over_somebody_s_session(site: Site) -> None:
    site.manager.may_impersonate(lambda actor, user: True)
    site.manager.request_loader(lambda request: site.users["bob"])
    assert denied(site, site.browser(), "ann")


def test_nobody_acts_as_a_third_while_acting_as_another(site: Site) -> None:
    site.manager.may_impersonate(lambda actor, user: True)
    client = acting(site)
    assert denied(site, client, "bob")
    assert denied(site, client, "eve")
    assert client.get("/known").get_json()["actor"] == "eve"


def test_nobody_acts_as_themselves(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    assert denied(site, client, "eve")


def test_nobody_acts_as_a_user_who_is_suspended_or_has_no_id(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    site.users["ann"].active = False
    assert denied(site, client, "ann")
    site.users["ann"].active = True
    site.users["ann"].get_id = lambda: None  # type: ignore[assignment,method-assign,return-value]  # as before it is saved
    assert denied(site, client, "ann")


def test_the_error_tells_developers_why(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    with site.app.test_request_context():
        site.manager.login_user(site.users["bob"])
        with pytest.raises(ImpersonationDenied, match="may not act as this user") as caught:
            site.manager.impersonate(site.users["ann"])
    assert (caught.value.reason, caught.value.code) == ("impersonation_denied", 403)
    assert "actor" in caught.value.cause


# Whose right ends


def test_a_right_that_is_taken_away_ends_with_the_next_request(site: Site) -> None:
    client = acting(site)
    site.users["eve"].admin = False
    assert client.get("/me").text != "ann"
    site.users["eve"].admin = True
    assert client.get("/me").text == "eve", "it does not come back by itself"


@pytest.mark.parametrize("end", ["suspended", "deleted", "of a wrong id"])
def test_a_user_who_is_gone_is_not_acted_as_any_more(site: Site, end: str) -> None:
    client = acting(site)
    if end == "suspended":
        site.users["ann"].active = False
    elif end == "deleted":
        del site.users["ann"]
    else:

        @site.manager.user_loader
        def load(user_id: str) -> Member:
            return site.users[user_id if user_id == "eve" else str(int(user_id))]

    assert client.get("/me").text == "nobody"
    assert client.get("/me").text == "eve"


def test_what_was_meant_for_the_user_is_never_done_to_the_actor(site: Site) -> None:
    site.page("/delete-my-account", site.manager.login_required, methods=["POST"])
    client = acting(site)
    site.users["ann"].active = False
    assert client.post("/delete-my-account").status_code == 401
    assert client.get("/me").text == "eve"


def test_an_actor_who_is_suspended_is_out_and_does_not_live_on_in_the_user(site: Site) -> None:
    client = acting(site, "&remember")
    site.users["eve"].active = False
    assert client.get("/me").text == "nobody"
    assert client.get("/me").text == "nobody"
    with client.session_transaction() as sess:
        assert site.manager.keys.acting_as not in sess


def test_the_actor_s_timeouts_go_on(site: Site) -> None:
    site.app.config["LOGIN_IDLE_TIMEOUT"] = 30 * MINUTE
    client = acting(site)
    site.clock.advance(31 * MINUTE)
    assert client.get("/why").text == "expired_idle"
    assert client.get("/me").text == "nobody"


def test_an_actor_whose_login_ended_in_a_long_connection_does_not_come_back_by_stopping(
    site: Site,
) -> None:
    def connection() -> list[object]:
        before = site._me()
        site.users["eve"].active = False
        told = site.manager.login_still_valid()
        return [before, told, site.manager.stop_impersonating(), site._me()]

    site.app.add_url_rule("/connection", "connection", connection)
    assert acting(site).get("/connection").get_json() == ["ann", False, False, "nobody"]


def test_a_change_of_the_actor_s_password_ends_it_and_one_of_the_user_s_does_not(
    site: Site,
) -> None:
    client = acting(site)
    site.users["ann"].password = "second"
    assert client.get("/me").text == "ann"
    site.users["eve"].password = "second"
    assert client.get("/me").text == "nobody"


def test_session_protection_looks_at_the_actor_s_client(site: Site) -> None:
    site.app.config["SESSION_PROTECTION"] = "strong"
    client = acting(site)
    thief = site.browser(session=site.cookie(client))
    assert thief.get("/me", headers={"User-Agent": "another"}).text == "nobody"


# What acting does not open


def test_a_fresh_login_guard_refuses_who_acts_as_another_and_sends_them_nowhere(
    site: Site,
) -> None:
    guard = site.manager.fresh_login_required
    site.manager.refresh_view = "/refresh"
    site.page("/plain", guard)
    site.page("/recent", guard(max_age=HOUR))
    site.page("/otp", guard(methods={"otp"}))
    client = acting(site, "&methods=otp")
    for path in ("/plain", "/recent", "/otp"):
        assert client.get(path).status_code == 403, "no password they could give is the user's"
    client.get("/stop")
    for path in ("/plain", "/recent", "/otp"):
        assert client.get(path).status_code == 200


def test_a_view_may_allow_it_to_an_actor_who_is_as_fresh(site: Site) -> None:
    guard = site.manager.fresh_login_required
    site.page("/plain", guard(impersonated=True))
    site.page("/recent", guard(max_age=HOUR, impersonated=True))
    site.page("/otp", guard(methods={"otp"}, impersonated=True))
    client = acting(site, "&methods=pwd")
    answers = {path: client.get(path).status_code for path in ("/plain", "/recent", "/otp")}
    assert answers == {"/plain": 200, "/recent": 200, "/otp": 403}
    site.clock.advance(HOUR)
    assert client.get("/recent").status_code == 403
    assert acting(site, "&stale").get("/plain").status_code == 403


def test_the_user_s_own_password_does_not_make_the_actor_fresh(site: Site) -> None:
    client = acting(site, "&stale")
    client.get("/confirm?methods=pwd")
    assert client.get("/fresh").text == "stale"
    client.get("/stop")
    assert client.get("/fresh").text == "stale"
    assert client.get("/known").get_json()["methods"] == []


def test_a_test_on_the_user_is_one_on_the_user_not_on_the_actor(site: Site) -> None:
    site.page("/admin", site.manager.login_required(when=lambda user: user.admin))
    client = acting(site)
    assert client.get("/admin").status_code == 403
    client.get("/stop")
    assert client.get("/admin").status_code == 200


# Ends


def test_logout_ends_the_actor_s_login_and_none_of_the_user_s(site: Site) -> None:
    ann, eve = site.browser(), acting(site)
    ann.get("/login?id=ann")
    seen: list[str] = []

    def receive(sender: object, user: Member) -> None:
        seen.append(user.id)

    with user_logged_out.connected_to(receive):
        assert eve.get("/logout").text == "True"
    assert seen == ["eve"]
    assert (eve.get("/me").text, ann.get("/me").text) == ("nobody", "ann")


def test_logging_out_everywhere_is_about_the_actor_s_logins(clock: FrozenClock) -> None:
    site = Site(STORED, clock)
    ann, other = site.browser(), site.browser()
    ann.get("/login?id=ann")
    other.get("/login?id=eve")
    acting(site).get("/logout?everywhere")
    assert (ann.get("/me").text, other.get("/me").text) == ("ann", "nobody")


def test_revoking_the_user_s_logins_leaves_the_actor_s(clock: FrozenClock) -> None:
    site = Site(STORED, clock)

    def revoke() -> str:
        user_id = site.manager.current_user.get_id()
        return str(site.manager.sessions.revoke_all(user_id, keep_current=True))

    site.app.add_url_rule("/revoke", "revoke", revoke)
    ann, eve = site.browser(), acting(site)
    ann.get("/login?id=ann")
    assert eve.get("/revoke").text == "1"
    assert (eve.get("/me").text, ann.get("/me").text) == ("ann", "nobody")


def test_revoking_the_actor_s_login_ends_it_at_once(clock: FrozenClock) -> None:
    site = Site(STORED, clock)
    client = acting(site)
    with site.app.app_context():
        assert site.manager.sessions.revoke_all("eve") == 1
    assert client.get("/me").text == "nobody"


def test_the_remember_cookie_stays_the_actor_s(site: Site) -> None:
    client = acting(site, "&remember")
    back = site.browser(remember=site.cookie(client, "remember"))
    assert back.get("/me").text == "eve"
    assert back.get("/known").get_json()["actor"] is None


def test_a_new_login_while_acting_is_nobody_s_but_the_new_user_s(site: Site) -> None:
    seen: list[str] = []

    def receive(sender: object, user: Member) -> None:
        seen.append(site._known()["actor"])

    client = acting(site, "&remember")
    with user_logged_in.connected_to(receive):
        client.get("/login?id=bob")
    assert seen == [None]
    known = client.get("/known").get_json()
    assert (known["user_id"], known["actor"]) == ("bob", None)
    assert client.get("/stop").text == "False"


def test_the_second_step_of_a_login_ends_it_too(site: Site) -> None:
    client = acting(site)
    client.get("/begin?id=bob")
    assert client.get("/me").text == "ann"
    client.get("/complete")
    known = client.get("/known").get_json()
    assert (known["user_id"], known["actor"]) == ("bob", None)


def test_a_session_from_before_the_end_is_no_more_than_the_actor_s(site: Site) -> None:
    client = acting(site)
    copied = site.cookie(client)
    client.get("/stop")
    replay = site.browser(session=copied)
    assert replay.get("/known").get_json()["actor"] == "eve", "the actor's own login, still"
    site.users["eve"].admin = False
    assert replay.get("/me").text != "ann"
    site.users["eve"].password = "second"
    assert site.browser(session=copied).get("/me").text == "nobody"


def test_with_a_store_nobody_begins_again_to_act_by_a_session_from_before_the_end(
    clock: FrozenClock,
) -> None:
    site = Site(("stored", None), clock)
    client = acting(site)
    copied = site.cookie(client)
    client.get("/stop")
    clock.advance(MINUTE)
    assert site.browser(session=copied).get("/me").text == "nobody"
    assert client.get("/me").text == "eve"


def test_a_session_from_before_the_end_is_dead_once_the_actor_logged_out(
    clock: FrozenClock,
) -> None:
    site = Site(STORED, clock)
    client = acting(site)
    copied = site.cookie(client)
    client.get("/logout")
    assert site.browser(session=copied).get("/me").text == "nobody"


def test_a_session_from_before_it_began_is_none_any_more_where_a_store_tells(
    clock: FrozenClock,
) -> None:
    site = Site(STORED, clock)
    client = site.browser()
    client.get("/login?id=eve")
    copied = site.cookie(client)
    client.get("/act?id=ann")
    clock.advance(MINUTE)
    assert site.browser(session=copied).get("/me").text == "nobody"
    assert client.get("/me").text == "ann"


@pytest.mark.parametrize("rotates", [False, True])
def test_forms_that_were_open_before_are_not_sent_as_somebody_else_where_tokens_are_renewed(
    site: Site, rotates: bool
) -> None:
    site.app.config["LOGIN_ROTATE_CSRF_TOKEN"] = rotates
    renewed: list[dict[str, Any]] = []
    interface: Any = SecureCookieSessionInterface()  # Flask's own is everybody's
    site.app.session_interface = interface
    interface.regenerate = lambda sess: renewed.append(dict(sess))
    client = site.browser()
    client.get("/login?id=eve")

    def token() -> str | None:
        with client.session_transaction() as sess:
            found = sess.get("csrf_token")
            sess["csrf_token"] = "a form is open"
            return found

    expected = None if rotates else "a form is open"
    for path in ("/act?id=ann", "/stop"):
        token()
        client.get(path)
        assert token() == expected
    client.get("/act?id=ann")
    token()
    site.users["eve"].admin = False
    client.get("/me")
    assert token() == expected
    assert len(renewed) == 5, "login, start, stop, start, end"


def test_clearing_the_session_by_hand_ends_it_with_the_login(site: Site) -> None:
    def clear() -> str:
        site._me()
        session.clear()
        return str(site.manager.stop_impersonating())

    site.app.add_url_rule("/clear", "clear", clear)
    client = acting(site)
    assert client.get("/clear").text == "True"
    assert client.get("/me").text == "nobody"


# The audit log


def test_every_audit_event_in_between_tells_the_actor(
    site: Site, audited: Callable[[], Events]
) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    audited()
    client.get("/act?id=ann")
    client.get("/stop")
    assert audited() == [
        ("impersonation_started", "ann", "eve"),
        ("impersonation_stopped", "ann", "eve"),
    ]
    client.get("/act?id=ann")
    client.get("/logout")
    events = audited()
    assert events[:2] == [
        ("impersonation_started", "ann", "eve"),
        ("impersonation_stopped", "ann", "eve"),
    ]
    assert all(user == "eve" for _, user, _ in events[2:])


def test_what_the_actor_does_to_logins_is_audited_with_the_actor(
    clock: FrozenClock, audited: Callable[[], Events]
) -> None:
    site = Site(STORED, clock)
    site.app.add_url_rule(
        "/revoke", "revoke", lambda: str(site.manager.sessions.revoke_all(site._me()))
    )
    site.browser().get("/login?id=ann")
    client = acting(site)
    audited()
    client.get("/revoke")
    assert audited() == [("login_session_ended", "ann", "eve")]


@pytest.mark.parametrize("end", ["the right", "the user", "a new login"])
def test_an_end_that_nobody_asked_for_is_audited_too(
    site: Site, audited: Callable[[], Events], end: str
) -> None:
    client = acting(site)
    audited()
    if end == "the right":
        site.users["eve"].admin = False
    elif end == "the user":
        del site.users["ann"]
    client.get("/login?id=bob" if end == "a new login" else "/me")
    assert ("impersonation_stopped", "ann", "eve") in audited()


def test_the_audit_event_names_the_actor_s_stored_login(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(STORED, clock)
    assert site.store is not None
    caplog.set_level(logging.INFO, "flask_login.audit")
    acting(site)
    (record,) = site.store.list("eve")
    (event,) = [r for r in caplog.records if vars(r)["event"] == "impersonation_started"]
    assert vars(event)["login_id"] == record.id
    assert vars(event)["ip"] == "127.0.0.1"


# Two realms


def test_acting_in_one_realm_is_not_acting_in_another(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    staff = Site(("signed", "staff"), clock)
    staff.manager.init_app(site.app)
    for name in ("login", "known", "me"):
        site.app.add_url_rule(f"/staff/{name}", f"staff_{name}", getattr(staff, f"_{name}"))
    client = site.browser()
    client.get("/staff/login?id=eve")
    assert client.get("/act?id=ann").status_code == 403
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    assert client.get("/me").text == "ann"
    assert client.get("/staff/known").get_json()["actor"] is None
    assert client.get("/staff/me").text == "eve"


def test_an_entry_for_acting_without_a_login_makes_nobody_anybody(site: Site) -> None:
    client = site.browser()
    with client.session_transaction() as sess:
        sess[site.manager.keys.acting_as] = "ann"
    assert client.get("/me").text == "nobody"
    client.get("/login?id=eve")
    assert client.get("/me").text == "eve"


def test_a_remember_cookie_brings_back_the_actor_and_not_what_is_left_of_the_acting(
    site: Site,
) -> None:
    client = acting(site, "&remember")
    with client.session_transaction() as sess:
        del sess[site.manager.keys.user_id]
    for _ in range(2):
        known = client.get("/known").get_json()
        assert (known["user_id"], known["actor"]) == ("eve", None)
