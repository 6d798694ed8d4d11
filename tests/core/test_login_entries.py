"""What a record keeps of a login that has a cookie of its own: for copies, and for late answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import session
from flask.testing import FlaskClient
from tests.core.test_login_cookie import (
    HOUR,
    HTTPS,
    MINUTE,
    SECOND,
    Account,
    Site,
    restart,
    values,
    who,
)
from werkzeug.test import TestResponse

from flask_login import (
    FlaskLoginClient,
    confirm_login,
    current_user,
    login_ended_reason,
    login_still_valid,
    login_user,
)
from flask_login.sessions import MemorySessionStore, SessionStoreUnavailable
from flask_login.signals import remember_token_reused
from flask_login.testing import FrozenClock

NAMES = ("login", "login-marker", "session", "remember_token")


@pytest.fixture
def site(clock: FrozenClock) -> Site:
    return Site(clock)


def jar(client: FlaskClient) -> dict[str, str]:
    found = {name: client.get_cookie(name) for name in NAMES}
    return {name: kept.value for name, kept in found.items() if kept is not None}


def same_browser(site: Site, client: FlaskClient) -> FlaskClient:
    """Return a client for one request of the same browser, sent with its present cookies."""
    other = site.app.test_client()
    other._cookies = dict(client._cookies or {})
    return other


def marker_of(client: FlaskClient) -> dict[Any, Any]:
    return {key: one for key, one in (client._cookies or {}).items() if "marker" in str(key)}


def arrive(client: FlaskClient, response: TestResponse) -> None:
    """Have an answer arrive at the browser."""
    for line in response.headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        if "Max-Age=0" in line:
            client.delete_cookie(name)
        else:
            client.set_cookie(name, value)


# Theft and freshness


@pytest.mark.parametrize("seconds", [0, 40, 80])
def test_attack_who_shows_the_token_alone_is_not_fresh_when_the_owner_s_session_is_moved(
    site: Site, seconds: int
) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    owner = site.logged_in("ann", "remember")
    copied = jar(owner)["remember_token"]
    site.app.config["LOGIN_STATE"] = "cookie"
    site.clock.advance(seconds * SECOND)
    thief = site.app.test_client()
    thief.set_cookie("remember_token", copied)
    known = thief.get("/known").get_json()
    assert (known["fresh"], known["methods"]) == (False, [])
    who(owner)  # its session is moved: under the very marker that the thief was given
    known = thief.get("/known").get_json()
    assert (known["fresh"], known["methods"]) == (False, [])


def test_attack_who_shows_the_login_cookie_alone_has_no_method_of_the_owner_s_after_a_confirmation(
    site: Site,
) -> None:
    view = site.manager.fresh_login_required(methods={"otp"})(lambda: "in")
    site.app.add_url_rule("/vault", "vault", view)
    site.app.add_url_rule(
        "/mfa",
        "mfa",
        lambda: str(login_user(site.users["eve"], remember=True, methods={"pwd", "otp"})),
    )

    @site.app.get("/pwd")
    def pwd() -> str:
        confirm_login(methods={"pwd"})
        return ""

    owner = site.browser()
    owner.get("/mfa")
    owner.get("/act/ann")
    owner.get("/stop")
    thief = site.browser(login=values(owner)["login"])
    assert thief.get("/known").get_json()["methods"] == []
    assert thief.get("/known").get_json()["methods"] == []
    thief.get("/pwd")  # knows the password, and has no second factor
    assert thief.get("/vault").status_code == 401


def test_attack_nor_after_the_owner_was_moved_from_a_session(site: Site) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    owner = site.logged_in("ann", "remember")
    site.app.config["LOGIN_STATE"] = "cookie"
    who(owner)
    thief = site.browser(login=values(owner)["login"])
    assert thief.get("/known").get_json()["methods"] == []
    assert thief.get("/known").get_json()["methods"] == []


# The default, LOGIN_STATE = "session"


def test_under_session_the_login_cookie_of_another_application_stays(site: Site) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    client = site.browser(login="of another application")
    response = client.get("/me")
    assert response.text == "nobody"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("key", ["SESSION_COOKIE_NAME", "REMEMBER_COOKIE_NAME"])
def test_under_session_a_cookie_may_be_named_login(site: Site, key: str) -> None:
    site.app.config.update({"LOGIN_STATE": "session", key: "login"})
    client = site.logged_in("ann", "remember")
    client.get("/logout")
    client.get("/basket")
    client.set_cookie("last_login", "monday")
    assert who(client) == "nobody"


@pytest.mark.parametrize("how", ["", "remember"])
def test_after_switching_back_a_login_takes_the_place_of_the_login_cookie(
    site: Site, how: str
) -> None:
    client = site.logged_in("ann", how)
    site.app.config["LOGIN_STATE"] = "session"
    client.get("/login/bob")  # a view that does not ask who the user is
    assert who(client) == "bob"
    client.get("/logout")
    assert who(client) == "nobody"


def test_side_by_side_the_next_process_does_not_make_bob_ann(site: Site) -> None:
    client = site.logged_in("ann")
    site.app.config["LOGIN_STATE"] = "session"
    client.get("/login/bob")
    site.app.config["LOGIN_STATE"] = "cookie"
    assert who(client) == "bob"


@pytest.mark.parametrize("older", ["stored", "signed"])
def test_the_session_login_that_a_login_cookie_supersedes_is_over(site: Site, older: str) -> None:
    new, old = site.app, site.made(site.store if older == "stored" else None)
    site.app = old
    client = site.logged_in("bob")
    copied = same_browser(site, client)
    site.app = client.application = new
    for name, value in values(site.logged_in("ann")).items():
        client.set_cookie(name.replace("_", "-"), value)
    assert who(client) == "ann"
    client.get("/logout")
    assert who(client) == "nobody"
    copied.application = old
    # On the signed level a copy of a session is good until that ends.
    assert who(copied) == ("nobody" if older == "stored" else "bob")


def test_switching_back_loses_no_login_whose_last_answer_was_lost(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    site.clock.advance(16 * MINUTE)
    who(same_browser(site, client))  # renewed; the answer is lost
    site.clock.advance(40 * SECOND)
    restart(client)
    site.app.config["LOGIN_STATE"] = "session"
    assert who(client) == "ann"
    site.clock.advance(MINUTE)
    assert [who(client), who(client)] == ["ann", "ann"]
    assert client.get_cookie("login") is None


# Honest browsers


@pytest.mark.parametrize("how", ["", "remember"])
def test_an_answer_that_overtakes_impersonate_rings_no_alarm(site: Site, how: str) -> None:
    client = site.logged_in("eve", how)
    site.clock.advance(16 * MINUTE)
    alarms: list[Any] = []
    with remember_token_reused.connected_to(lambda _, **__: alarms.append(1), site.app):
        slow = same_browser(site, client).get("/me")  # renewed; the answer takes 5 seconds
        site.clock.advance(2 * SECOND)
        client.get("/act/ann")
        assert who(client) == "ann"
        site.clock.advance(3 * SECOND)
        arrive(client, slow)
        site.clock.advance(31 * SECOND)
        assert who(client) != "nobody"
    assert alarms == []


@pytest.mark.parametrize("how", ["", "remember"])
def test_an_answer_that_overtakes_a_new_password_costs_no_login(site: Site, how: str) -> None:
    class Person(Account):
        password = "old"

        def get_session_auth_hash(self) -> str:
            return self.password

    def change() -> str:
        current_user.password = "new"
        confirm_login(methods={"pwd"})
        return ""

    site.users["ann"] = Person("ann")
    site.app.add_url_rule("/change", "change", change)
    site.app.add_url_rule("/still", "still", lambda: f"{current_user.id}{login_still_valid()}")
    client = site.logged_in("ann", how)
    site.clock.advance(16 * MINUTE)
    slow = same_browser(site, client).get("/me")
    site.clock.advance(2 * SECOND)
    client.get("/change")
    assert who(client) == "ann"
    site.clock.advance(3 * SECOND)
    arrive(client, slow)
    site.clock.advance(31 * SECOND)
    assert client.get("/still").text == "annTrue"
    site.clock.advance(16 * MINUTE)
    assert who(client) == "ann"


@pytest.mark.parametrize("how", ["", "remember"])
def test_an_answer_that_overtakes_confirm_takes_no_freshness(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    site.clock.advance(16 * MINUTE)
    slow = same_browser(site, client).get("/me")
    arrive(client, same_browser(site, client).get("/me"))
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"
    site.clock.advance(3 * SECOND)
    arrive(client, slow)
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("how", ["", "remember"])
@pytest.mark.parametrize("path", ["/confirm", "/act/ann", "/me"])
def test_a_lost_answer_costs_no_login(site: Site, how: str, path: str) -> None:
    client = site.logged_in("eve", how)
    for _ in range(4):
        site.clock.advance(16 * MINUTE)
        same_browser(site, client).get(path)
        site.clock.advance(2 * MINUTE)
        assert who(client) == "eve"


@pytest.mark.parametrize("how", ["", "remember"])
def test_attack_a_copy_from_before_a_confirmation_ends_the_login_once_that_has_arrived(
    site: Site, how: str
) -> None:
    client = site.logged_in("ann", how)
    site.clock.advance(2 * MINUTE)
    copied = same_browser(site, client)
    client.get("/confirm")
    assert copied.get("/fresh").text == "stale"
    assert who(client) == "ann"
    site.clock.advance(31 * SECOND)
    assert copied.get("/why").text == "token_reused"
    assert client.get("/why").text == "token_reused"


@pytest.mark.parametrize("state", ["cookie", "session"])
def test_asking_twice_in_a_request_does_not_count_as_the_arrival_of_its_answer(
    site: Site, state: str
) -> None:
    site.app.config.update(LOGIN_STATE=state, LOGIN_RENEW_INTERVAL=15 * MINUTE)
    site.app.add_url_rule("/still", "still", lambda: f"{current_user.id}{login_still_valid()}")
    client = site.logged_in()
    site.clock.advance(16 * MINUTE)
    assert same_browser(site, client).get("/still").text == "annTrue"  # the answer is lost
    site.clock.advance(31 * SECOND)
    assert client.get("/why").text == "None"


def test_a_remembered_login_in_use_goes_on_after_its_duration_as_under_session(
    clock: FrozenClock,
) -> None:
    site = Site(clock, REMEMBER_COOKIE_DURATION=HOUR)
    client = site.logged_in("ann", "remember")
    for _ in range(7):
        clock.advance(10 * MINUTE)
        response = client.get("/me")
        assert response.text == "ann"
        for line in response.headers.getlist("Set-Cookie"):
            expires = [part[8:] for part in line.split("; ") if part.startswith("Expires=")]
            # A browser deletes it at once, open or not.
            assert all(parsedate_to_datetime(one) > clock() for one in expires), line
    kept = client.get_cookie("login")
    assert kept is not None
    assert kept.expires is None or kept.expires.astimezone(timezone.utc) > clock()


def test_a_copy_does_not_make_the_owner_do_as_themselves_what_was_meant_for_the_user(
    site: Site,
) -> None:
    client = site.logged_in("eve", "remember")
    site.clock.advance(HOUR)
    client.get("/act/ann")
    assert who(client) == "ann"
    who(site.browser(login=values(client)["login"]))
    # As where it is ended by `may_impersonate`: nobody for this once.
    assert [who(client), who(client)] == ["nobody", "eve"]
    assert client.get("/fresh").text == "stale"


def test_a_request_that_was_sent_before_the_end_does_not_act_as_oneself(site: Site) -> None:
    client = site.logged_in("eve")
    client.get("/act/ann")
    who(client)
    parallel = same_browser(site, client)
    client.get("/stop")
    assert who(parallel) in {"ann", "nobody"}  # "session" has "ann"


@pytest.mark.parametrize("path", ["/confirm", "/act/ann"])
def test_a_store_that_fails_between_two_writes_costs_no_login(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = site.logged_in("eve")
    site.clock.advance(2 * MINUTE)
    written: list[str] = []

    def ask(question: str) -> None:
        written.extend([question] if question == "replace" else [])
        if len(written) > 1:
            raise SessionStoreUnavailable("memory", OSError("down"))

    monkeypatch.setattr(site.store, "_ask", ask)
    client.get(path)
    monkeypatch.undo()
    site.clock.advance(31 * SECOND)
    assert who(client) != "nobody"


@pytest.mark.parametrize("state", ["cookie", "session"])
@pytest.mark.parametrize("how", ["", "remember"])
def test_a_parallel_request_deletes_no_login_that_took_the_place_of_its_own(
    site: Site, how: str, state: str
) -> None:
    site.app.config["LOGIN_STATE"] = state
    client = site.logged_in("ann", how)
    parallel = same_browser(site, client)
    client.get(f"/login/bob?{how}")
    client.get("/basket")
    answer = parallel.get("/me")
    assert (answer.text, "Set-Cookie" in answer.headers) == ("nobody", False)
    arrive(client, answer)
    assert who(client) == "bob"
    assert parallel.get("/why").text == "replaced"
    parallel.get("/login/eve")
    assert who(parallel) == "eve"


@pytest.mark.parametrize("header", ["public, max-age=60", "s-maxage=60", "PUBLIC"])
def test_attack_no_shared_cache_keeps_a_page_with_a_credential(site: Site, header: str) -> None:
    site.app.add_url_rule(
        "/news", "news", lambda: (current_user.id, {"Cache-Control": header, "X-Page": "public"})
    )
    client = site.logged_in("ann", "remember")
    assert client.get("/news").headers["Cache-Control"] == header
    site.clock.advance(16 * MINUTE)
    renewed = client.get("/news")
    assert "Set-Cookie" in renewed.headers
    kept = "max-age=60, private" if "max-age=60" in header[6:] else "private"
    assert renewed.headers["Cache-Control"] == kept


def test_a_browser_that_comes_back_ends_an_impersonation_and_the_log_says_so(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_login.audit")
    client = site.logged_in("eve", "remember")
    client.get("/act/ann")
    caplog.clear()
    site.clock.advance(HOUR)
    assert who(restart(client)) == "eve"
    (said,) = (vars(one) for one in caplog.records if "impersonation" in one.getMessage())
    assert (said["event"], said["user_id"], said["actor"]) == (
        "impersonation_stopped",
        "ann",
        "eve",
    )


def test_a_session_that_a_view_puts_back_is_judged_as_what_it_is(site: Site) -> None:
    site.app.config.update(LOGIN_STATE="session", LOGIN_RENEW_INTERVAL=15 * MINUTE)

    @site.app.get("/back")
    def back() -> str:
        before = dict(session)
        assert current_user.id == "ann"
        assert session["_login"] != before["_login"]
        session.update(before)
        return f"{login_still_valid()} {session['_login'] == before['_login']}"

    client = site.logged_in()
    site.clock.advance(16 * MINUTE)
    assert client.get("/back").text == "True True", "as if the answer had been lost"
    site.clock.advance(2 * MINUTE)
    assert who(client) == "ann"


def test_who_is_behind_and_acts_as_nobody_any_more_is_nobody_once(site: Site) -> None:
    client = site.logged_in("eve")
    site.clock.advance(16 * MINUTE)
    behind = same_browser(site, client)
    client.get("/me")
    client.get("/act/ann")
    behind._cookies = {**(behind._cookies or {}), **marker_of(client)}
    client.get("/stop")
    assert [who(behind), who(behind)] == ["nobody", "eve"]


@pytest.mark.parametrize("state", ["cookie", "session"])
def test_a_token_that_is_asked_for_twice_in_a_request_has_not_arrived_either(
    site: Site, state: str
) -> None:
    site.app.config["LOGIN_STATE"] = state
    site.app.add_url_rule("/still", "still", lambda: f"{current_user.id}{login_still_valid()}")
    client = restart(site.logged_in("ann", "remember"))
    site.clock.advance(2 * MINUTE)
    for _ in range(5):
        assert same_browser(site, client).get("/still").text == "annTrue"  # the answer is lost
        site.clock.advance(2 * MINUTE)
    assert who(client) == "ann"


@pytest.mark.parametrize("end", ["revoked", "unknown", "braked"])
def test_a_login_that_ends_in_the_request_that_renews_it_is_over_when_it_asks_again(
    site: Site, end: str
) -> None:
    def still() -> str:
        before = current_user.get_id()
        if end == "revoked":
            site.manager.sessions.revoke(site.record.id)
        elif end == "unknown":
            site.store.delete_all("ann")
        else:
            ahead = replace(
                site.record, created_at=site.clock() + HOUR, version=site.record.version + 1
            )
            assert site.store.replace(ahead)
            site.store.end_all_before(site.clock())
        return f"{before} {login_still_valid()} {login_ended_reason()}"

    site.app.add_url_rule("/still", "still", still)
    client = site.logged_in()
    site.clock.advance(16 * MINUTE)
    reason = {"revoked": "revoked", "unknown": "unknown", "braked": "revoked"}[end]
    assert client.get("/still").text == f"ann False {reason}"


# Other applications, other cookies


def test_the_remember_cookie_of_another_application_is_not_deleted(site: Site) -> None:
    client = site.browser()
    client.set_cookie("remember_token", "of another application")
    client.get("/login/ann")
    assert client.get_cookie("remember_token") is not None


def test_a_login_cookie_is_found_behind_another_of_its_name(site: Site) -> None:
    good = values(site.logged_in())
    client = site.app.test_client(use_cookies=False)
    # A browser sends the one with the longer path first.
    cookies = f"login=junk; login={good['login']}; login-marker={good['login_marker']}"
    assert client.get("/me", headers={"Cookie": cookies}).text == "ann"


def test_no_other_cookie_may_have_the_name_of_the_marker(clock: FrozenClock) -> None:
    site = Site(clock, LOGIN_COOKIE_NAME="shop", SESSION_COOKIE_NAME="shop-marker")
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    client = site.browser()
    if client.get("/login/ann?remember").status_code == 200:
        client.get("/basket")
        known = client.get("/known").get_json()
        assert (known["source"], known["fresh"]) == ("session", True)


@pytest.mark.parametrize(
    "entries", ["", "null", "[]", "7", "{bad", {"_acting_as": "bob"}, {"_acting_as": ["7", "u"]}]
)
@pytest.mark.parametrize("how", ["", "remember"])
def test_entries_of_another_release_cost_no_500_on_every_page(
    site: Site, how: str, entries: Any
) -> None:
    client = site.logged_in("ann", how)
    record = site.record
    if isinstance(entries, dict):
        assert record.entries is not None
        entries = json.dumps({**json.loads(record.entries), **entries})
    changed = replace(record, entries=entries, version=record.version + 1)
    assert MemorySessionStore.replace(site.store, changed)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/me").status_code == 200
    assert client.get("/logout").status_code == 200


@pytest.mark.parametrize("value", [b"a", ("a", "b")], ids=repr)
def test_an_identifier_that_a_session_can_hold_is_kept(clock: FrozenClock, value: Any) -> None:
    site = Site(clock, SESSION_PROTECTION="strong")
    site.manager._session_identifier_generator = lambda: value
    client = site.logged_in()
    assert who(client) == "ann"


# Tests of applications, and older code


def test_the_test_client_ends_a_login_that_came_over_https(site: Site) -> None:
    client = FlaskLoginClient(site.app)
    client.get("/login/ann", base_url=HTTPS)
    client.logout()
    assert site.record.ended_reason == "logout"


@pytest.mark.parametrize("minutes", [3, 13])
def test_attack_nor_where_the_thief_came_before_the_switch_too(site: Site, minutes: int) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    owner = site.logged_in("ann", "remember")
    thief = site.app.test_client()
    thief.set_cookie("remember_token", jar(owner)["remember_token"])
    site.clock.advance(5 * SECOND)
    assert thief.get("/fresh").text == "stale"
    site.app.config["LOGIN_STATE"] = "cookie"
    site.clock.advance(minutes * MINUTE)
    assert thief.get("/fresh").text == "stale"
    who(owner)
    assert thief.get("/fresh").text == "stale"


def test_the_test_client_is_logged_in_and_out_where_there_is_a_server_name(
    clock: FrozenClock,
) -> None:
    site = Site(clock, SERVER_NAME="example.org")
    client = FlaskLoginClient(site.app, user=site.users["ann"])
    assert who(client) == "ann"
    client.get("/login/ann")
    with client.user(site.users["bob"]):
        assert who(client) == "bob"
    client.logout()
    assert who(client) == "nobody"


def test_where_nobody_may_be_remembered_no_cookie_outlives_the_browser(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    site.app.config["REMEMBER_COOKIE_ENABLED"] = False
    site.clock.advance(16 * MINUTE)
    response = client.get("/me")
    assert response.text == "ann"
    assert not any("Expires" in line for line in response.headers.getlist("Set-Cookie"))


# Copies that do what the browser does


@pytest.mark.parametrize("seconds", [0, 40, 80])
def test_attack_who_ends_the_impersonation_is_not_fresh_by_the_owner_s_confirmation(
    site: Site, seconds: int
) -> None:
    owner = site.logged_in("eve")
    owner.get("/act/ann")
    thief = site.browser(**values(owner))
    thief.get("/stop")
    assert [who(owner), who(owner)] == ["nobody", "eve"]
    site.clock.advance(seconds * SECOND)
    owner.get("/confirm")
    known = owner.get("/known").get_json()
    assert (known["fresh"], known["methods"]) == (True, ["otp"])
    known = thief.get("/known").get_json()
    assert (known["fresh"], known["methods"]) == (False, [])


@pytest.mark.parametrize("gap", [10, 40])
def test_attack_a_marker_from_before_a_restart_is_not_fresh_by_the_next_confirmation(
    site: Site, gap: int
) -> None:
    owner = site.logged_in("ann", "remember")
    site.clock.advance(HOUR)
    restart(owner).get("/me")
    owner.get("/confirm")
    copied = site.browser(**values(owner))
    site.clock.advance(gap * SECOND)
    restart(owner).get("/me")
    assert copied.get("/fresh").text == "stale"
    owner.get("/confirm")
    assert owner.get("/fresh").text == "fresh"
    assert copied.get("/fresh").text == "stale"


def test_a_replaced_session_is_not_fresh_by_an_api_key(site: Site) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    site.manager.request_loader(
        lambda request: site.users["ann"] if "key" in request.args else None
    )
    client = site.logged_in("ann")
    copied = same_browser(site, client)
    client.get("/login/ann")
    assert copied.get("/fresh?key=1").text == "stale"


# Records and keys of before


@pytest.mark.parametrize("how", ["", "remember"])
def test_a_former_key_that_is_taken_away_costs_no_login_in_use(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    before = site.app.config["SECRET_KEY"]
    site.app.config.update(
        SECRET_KEY="another key of 32 random bytes..", SECRET_KEY_FALLBACKS=[before]
    )
    response = client.get("/me")
    assert response.text == "ann"
    assert len(response.headers.getlist("Set-Cookie")) == 2
    assert "Set-Cookie" not in client.get("/me").headers
    site.app.config["SECRET_KEY_FALLBACKS"] = []
    assert (who(client), client.get("/fresh").text) == ("ann", "fresh")


@pytest.mark.parametrize("state", ["cookie", "session"])
def test_credentials_that_older_code_counted_apart_are_good_for_parallel_requests(
    site: Site, state: str
) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    client = site.logged_in("ann", "remember")
    site.clock.advance(HOUR)
    restart(client).get("/me")
    who(client)
    record = site.record
    counts = ("generation", "arrived_number", "lost_from", "previous_number")
    apart: dict[str, Any] = {name: getattr(record, name) + 3 for name in counts}
    assert site.store.replace(replace(record, **apart, version=record.version + 1))
    site.app.config["LOGIN_STATE"] = state
    site.clock.advance(HOUR)
    restart(client)
    tabs = [same_browser(site, client) for _ in range(2)]
    assert [who(tab) for tab in tabs] == ["ann", "ann"]
    for _ in range(8):
        site.clock.advance(16 * MINUTE)
        assert who(tabs[1]) == "ann"
        assert "Set-Cookie" not in tabs[1].get("/me").headers
    assert site.record.ended_reason is None


JUNK: list[dict[str, Any] | str] = [
    "[" * 100_000,
    *({"number": number} for number in (True, 10**12, -5, 1.5, "x", None, [1])),
    *({"marker": marker} for marker in (["x"], None, True)),
    *({"_at": "x"}, {"_methods": 7}, {"_methods": {"pwd": True}}, {"_id": [1]}, {"_fresh": "x"}),
    *({"_force": 1}, {"_unknown_since": 5}, {"_unknown_since": {"a": 1}}, {"_user_id": "bob"}),
    *({"_acting_as": user_id} for user_id in (5, None, "ab", ["x", "b"], [5, "u"], [["a"], "i"])),
    *({"_acting_as": user_id} for user_id in (["9" * 5000, "i"], ["(" * 300, "b"], {"a": 1})),
]


@pytest.mark.parametrize("entries", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("how", ["", "remember"])
def test_entries_that_make_no_sense_break_no_page_and_cost_no_login(
    site: Site, how: str, entries: dict[str, Any] | str
) -> None:
    client = site.logged_in("ann", how)
    record = site.record
    text = (
        entries
        if isinstance(entries, str)
        else json.dumps({**json.loads(record.entries or ""), **entries})
    )
    changed = replace(record, entries=text, version=record.version + 1)
    assert MemorySessionStore.replace(site.store, changed)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    for path in ("/me", "/known", "/confirm", "/me"):
        assert client.get(path).status_code == 200, path
    for _ in range(3):
        site.clock.advance(16 * MINUTE)
        assert who(client) == "ann"
    assert client.get("/logout").status_code == 200


# Switching over, with requests side by side


def ask(site: Site, state: str, client: FlaskClient, path: str = "/me") -> str:
    """Ask a process with this ``LOGIN_STATE``."""
    site.app.config["LOGIN_STATE"] = state
    return client.get(path).text


@pytest.mark.parametrize("how", ["", "remember"])
@pytest.mark.parametrize(("before", "after"), [("session", "cookie"), ("cookie", "session")])
def test_two_parallel_requests_right_after_a_switch_ring_no_alarm(
    site: Site, how: str, before: str, after: str
) -> None:
    site.app.config.update(LOGIN_STATE=before, LOGIN_RENEW_INTERVAL=15 * MINUTE)
    client = site.logged_in("ann", how)
    site.clock.advance(16 * MINUTE)
    site.app.config["LOGIN_STATE"] = after
    parallel = same_browser(site, client)
    first, second = same_browser(site, client).get("/me"), parallel.get("/me")
    arrive(client, first)
    assert who(client) == "ann"
    arrive(client, second)
    site.clock.advance(31 * SECOND)
    assert who(client) == "ann"
    assert site.record.ended_reason is None


@pytest.mark.parametrize("how", ["", "remember"])
def test_nor_do_they_with_the_default_interval(site: Site, how: str) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    client = site.logged_in("ann", how)
    site.clock.advance(16 * MINUTE)
    site.app.config["LOGIN_STATE"] = "cookie"
    parallel = same_browser(site, client)
    first, second = same_browser(site, client).get("/me"), parallel.get("/me")
    arrive(client, first)
    assert who(client) == "ann"
    arrive(client, second)
    site.clock.advance(31 * SECOND)
    assert who(client) == "ann"


@pytest.mark.parametrize("how", ["", "remember"])
def test_who_logs_in_while_the_user_before_is_unknown_is_logged_in(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    del site.users["ann"]
    assert who(client) == "nobody"
    assert client.get("/login/bob").text == "True"
    assert who(client) == "bob"


def test_a_remember_token_beside_the_login_of_an_unknown_user_brings_its_login_back(
    site: Site,
) -> None:
    token = values(site.logged_in("bob", "remember"))["login"]
    client = site.logged_in("ann")
    del site.users["ann"]
    assert who(client) == "nobody"
    site.clock.advance(2 * MINUTE)
    client.set_cookie("remember_token", token)
    assert [who(client), who(client)] == ["bob", "bob"]


def test_a_session_beside_a_login_cookie_without_its_marker_is_not_thrown_away(
    site: Site,
) -> None:
    client = site.logged_in("ann")
    site.clock.advance(16 * MINUTE)
    one, other = same_browser(site, client), same_browser(site, client)
    site.app.config["LOGIN_STATE"] = "session"
    taken = one.get("/me")  # the session takes the login over: both cookies are deleted
    site.app.config["LOGIN_STATE"] = "cookie"
    renewed = other.get("/me")  # sets the login cookie, and no marker: it came with that
    arrive(client, taken)
    arrive(client, renewed)
    assert [who(client), who(client)] == ["ann", "ann"]


@pytest.mark.parametrize("how", ["", "remember"])
def test_nor_one_beside_a_login_cookie_whose_login_is_over(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    old = values(client)["login"]
    assert ask(site, "session", client, "/login/bob") == "True"
    client.set_cookie("login", old)
    assert ask(site, "cookie", client) == "bob"


def test_a_late_request_that_is_given_no_login_cookie_deletes_no_session(site: Site) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    client = site.logged_in("ann", "remember")
    site.clock.advance(16 * MINUTE)
    late = same_browser(site, client)
    assert [ask(site, "cookie", client), ask(site, "cookie", client)] == ["ann", "ann"]
    assert ask(site, "session", client) == "ann"
    site.app.config["LOGIN_STATE"] = "cookie"
    answer = late.get("/me")
    lines = " ".join(answer.headers.getlist("Set-Cookie"))
    assert "login=" in lines or "session=;" not in lines
    arrive(client, answer)
    assert ask(site, "session", client) == "ann"


@pytest.mark.parametrize("how", ["", "remember"])
def test_a_copy_of_the_session_of_before_takes_no_freshness_from_the_login_cookie(
    site: Site, how: str
) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    owner = site.logged_in("ann", how)
    copied = jar(owner)["session"]
    site.app.config["LOGIN_STATE"] = "cookie"
    who(owner)
    owner.get("/confirm")
    assert owner.get("/fresh").text == "fresh"
    assert site.browser(session=copied).get("/fresh").text == "stale"
    assert owner.get("/fresh").text == "fresh"


@pytest.mark.parametrize("how", ["", "remember"])
def test_what_was_proved_in_the_session_is_kept_when_it_is_moved_once_more(
    site: Site, how: str
) -> None:
    client = site.logged_in("ann", how)
    site.clock.advance(HOUR)
    assert ask(site, "cookie", client) == "ann"
    assert ask(site, "session", client) == "ann"
    site.clock.advance(HOUR)
    client.get("/confirm")
    assert ask(site, "cookie", client, "/fresh") == "fresh"
    assert client.get("/known").get_json()["methods"] == ["otp", "pwd"]


@pytest.mark.parametrize("how", ["", "remember"])
def test_nor_does_a_parallel_request_whose_answer_is_lost(site: Site, how: str) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    client = site.logged_in("ann", how)
    site.clock.advance(16 * MINUTE)
    site.app.config["LOGIN_STATE"] = "cookie"
    parallel = same_browser(site, client)
    who(client)
    assert client.get("/fresh").text == "fresh"
    who(parallel)  # the answer is lost
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("how", ["", "remember"])
def test_after_switching_back_the_test_client_s_logout_ends_the_login_of_the_cookie(
    site: Site, how: str
) -> None:
    client = FlaskLoginClient(site.app)
    client.get(f"/login/ann?{how}")
    copied = values(client)
    site.app.config["LOGIN_STATE"] = "session"
    client.logout()
    assert who(client) == "nobody"
    assert who(site.browser(**copied)) == "nobody"
