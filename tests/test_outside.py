"""A user outside of requests, and a login that is looked at again in a long one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from flask import Flask, g, render_template_string, session
from tests.policy_site import HOUR, KINDS, MINUTE, SECOND, SIGNED, STORED, Member, Site

from flask_login import (
    AnonymousUserMixin,
    MissingLoginManager,
    SessionStoreUnavailable,
    acting_as,
    current_login,
    current_user,
    get_current_user,
    login_still_valid,
    user_logged_in,
)
from flask_login.testing import FrozenClock


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    return Site(request.param, clock)


@pytest.fixture
def default(clock: FrozenClock) -> Site:
    """A site of the default realm, on the signed level."""
    return Site(SIGNED, clock)


# Outside of a request


def test_outside_of_a_request_a_user_is_the_current_one_inside_of_the_block(site: Site) -> None:
    manager, ann = site.manager, site.users["ann"]
    with site.app.app_context():
        assert manager.get_current_user() is None
        with manager.acting_as(ann) as user:
            assert user is ann
            assert manager.get_current_user() is ann
            assert manager.current_user.get_id() == "ann"
        assert manager.get_current_user() is None


def test_the_functions_mean_the_default_realm(default: Site) -> None:
    ann = default.users["ann"]
    with default.app.app_context(), acting_as(ann):
        assert current_user == ann
        assert get_current_user() is ann
        assert render_template_string("{{ current_user.id }}") == "ann"
    with default.app.app_context():
        assert get_current_user() is None


def test_what_is_known_is_that_nobody_logged_in(site: Site) -> None:
    with site.app.app_context(), site.manager.acting_as(site.users["ann"]):
        login = site.manager.get_current_login()
    assert login is not None
    assert (login.user_id, login.source, login.id, login.actor) == ("ann", "assigned", None, None)
    assert (login.fresh, login.remembered, login.methods) == (False, False, frozenset())
    assert (login.authenticated_at, login.expires_in) == (None, None)


def test_no_record_and_no_event_comes_of_it(clock: FrozenClock) -> None:
    site = Site(STORED, clock)
    assert site.store is not None
    seen: list[object] = []
    with (
        user_logged_in.connected_to(lambda sender, user: seen.append(user)),
        site.app.app_context(),
        site.manager.acting_as(site.users["ann"]),
    ):
        assert site.manager.get_current_user() is site.users["ann"]
    assert seen == []
    assert site.store.list("ann") == []


def test_blocks_nest_and_nobody_is_a_user_too(site: Site) -> None:
    manager, ann, bob = site.manager, site.users["ann"], site.users["bob"]
    with site.app.app_context(), manager.acting_as(ann):
        with manager.acting_as(bob):
            assert manager.get_current_user() is bob
            with manager.acting_as(None):
                assert manager.get_current_user() is None
            assert manager.get_current_user() is bob
        assert manager.get_current_user() is ann


def test_an_error_ends_the_block_like_its_end(site: Site) -> None:
    with site.app.app_context():
        with pytest.raises(ZeroDivisionError), site.manager.acting_as(site.users["ann"]):
            raise ZeroDivisionError
        assert site.manager.get_current_user() is None


def test_a_user_may_be_given_as_a_proxy(default: Site) -> None:
    ann = default.users["ann"]
    with default.app.app_context(), acting_as(ann), acting_as(current_user) as user:
        assert user is ann
        assert get_current_user() is ann


def test_a_thread_is_somebody_only_with_a_copy_of_the_context(default: Site) -> None:
    def who() -> Any:
        with default.app.app_context():
            return get_current_user()

    with default.app.app_context(), acting_as(default.users["ann"]):
        context = copy_context()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(who).result() is None
            assert pool.submit(context.run, who).result() is default.users["ann"]


def test_two_threads_act_as_two_users(site: Site) -> None:
    together = threading.Barrier(2)

    def work(name: str) -> str:
        with site.app.app_context(), site.manager.acting_as(site.users[name]):
            together.wait(10)
            found = site._me()
            together.wait(10)
            return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ("ann", "bob"))) == ["ann", "bob"]


def test_a_user_of_one_realm_is_none_of_another(clock: FrozenClock) -> None:
    site, staff = Site(SIGNED, clock), Site(("signed", "staff"), clock)
    staff.manager.init_app(site.app)
    with site.app.app_context(), staff.manager.acting_as(staff.users["bob"]):
        assert get_current_user() is None
        with acting_as(site.users["ann"]):
            assert staff.manager.get_current_user() is staff.users["bob"]
            assert get_current_user() is site.users["ann"]


def test_a_user_of_one_application_is_none_of_another(clock: FrozenClock) -> None:
    shop, office = Site(SIGNED, clock), Site(SIGNED, clock)
    with shop.app.app_context(), acting_as(shop.users["ann"]):
        with office.app.app_context():
            assert get_current_user() is None
            with acting_as(office.users["bob"]):
                assert get_current_user() is office.users["bob"]
        assert get_current_user() is shop.users["ann"]


def test_without_an_application_or_its_manager_there_is_nobody_to_act_as(default: Site) -> None:
    ann = default.users["ann"]
    with pytest.raises(RuntimeError, match="context"), acting_as(ann):
        raise AssertionError
    with Flask("bare").app_context():
        with pytest.raises(MissingLoginManager), acting_as(ann):
            raise AssertionError
        assert get_current_user() is None
    with default.manager.acting_as(ann):
        assert get_current_user() is None, "of which application?"


def test_requests_of_a_test_client_inside_of_the_block_are_their_browser_s(default: Site) -> None:
    client = default.browser()
    with default.app.app_context(), acting_as(default.users["ann"]):
        assert client.get("/me").text == "nobody"
        client.get("/login?id=bob")
        assert client.get("/me").text == "bob"
        assert get_current_user() is default.users["ann"]


def test_a_command_acts_as_a_user(default: Site) -> None:
    @default.app.cli.command("greet")
    def greet() -> None:
        with acting_as(default.users["ann"]):
            print(f"hello {current_user.id}")  # noqa: T201  # what the command says

    assert default.app.test_cli_runner().invoke(args=["greet"]).output == "hello ann\n"


# Inside of a request


def test_inside_of_a_request_the_user_is_another_until_the_end_of_the_block(site: Site) -> None:
    manager, bob = site.manager, site.users["bob"]

    def both() -> list[Any]:
        with manager.acting_as(bob):
            inside = site._known()
        return [site._me(), inside["user_id"], inside["source"], inside["fresh"], site._me()]

    site.app.add_url_rule("/both", "both", both)
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/both").get_json() == ["ann", "bob", "assigned", False, "ann"]
    assert client.get("/me").text == "ann", "no trace is left"


def test_a_user_whom_nobody_asked_for_before_is_found_after_the_block(site: Site) -> None:
    def later() -> list[str]:
        with site.manager.acting_as(site.users["bob"]):
            inside = site._me()
        return [inside, site._me()]

    site.app.add_url_rule("/later", "later", later)
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/later").get_json() == ["bob", "ann"]


def test_nobody_inside_of_a_request_is_the_object_for_nobody(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        with site.manager.acting_as(None) as user:
            assert user is None
            assert isinstance(site.manager.get_current_user(), AnonymousUserMixin)
            assert site.manager.get_current_login() is None
        assert site.manager.get_current_user() is site.users["ann"]


def test_a_login_and_its_cookies_stay_as_they_are(site: Site) -> None:
    def act() -> str:
        with site.manager.acting_as(site.users["bob"]):
            return site._me()

    site.app.add_url_rule("/both", "both", act)
    client = site.browser()
    client.get("/login?id=ann&remember")
    before = site.cookie(client), site.cookie(client, "remember")
    assert client.get("/both").text == "bob"
    assert (site.cookie(client), site.cookie(client, "remember")) == before


def test_no_guard_lets_pass_but_for_who_the_user_is_now(site: Site) -> None:
    manager = site.manager
    ask = manager.login_required(lambda: "in")
    fresh = manager.fresh_login_required(lambda: "in")
    with site.app.test_request_context(headers={"Accept": "application/json"}):
        manager.login_view = manager.refresh_view = "/elsewhere"
        with manager.acting_as(site.users["bob"]):
            assert ask() == "in"
            answer: Any = fresh()
            assert answer.status_code == 401
        refused: Any = ask()
        assert refused.status_code == 401


def test_what_stands_on_g_is_the_request_s_and_stays(default: Site) -> None:
    ann, bob = default.users["ann"], default.users["bob"]
    with default.app.test_request_context():
        g._login_user = ann
        with acting_as(bob):
            assert get_current_user() is bob
            assert g._login_user is ann
        assert get_current_user() is ann
    with default.app.test_request_context():
        with acting_as(bob):
            assert get_current_user() is bob
            assert "_login_user" not in g
        assert isinstance(get_current_user(), AnonymousUserMixin)


def test_an_error_inside_of_a_request_ends_the_block_too(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        with pytest.raises(ZeroDivisionError), site.manager.acting_as(site.users["bob"]):
            raise ZeroDivisionError
        assert site.manager.get_current_user() is site.users["ann"]


def test_an_actor_is_still_the_actor_after_the_block(site: Site) -> None:
    def both() -> list[Any]:
        with site.manager.acting_as(site.users["bob"]):
            inside = site._me()
        after = site._known()
        return [inside, after["user_id"], after["actor"]]

    site.app.add_url_rule("/both", "both", both)
    client = site.browser()
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    assert client.get("/both").get_json() == ["bob", "ann", "eve"]


# A login that is looked at again


def still_valid_after(site: Site, happens: Callable[[], object]) -> list[Any]:
    """Return what a long connection is told before and after something happens."""
    told: list[Any] = []

    def connection() -> list[Any]:
        told.append(site.manager.login_still_valid())
        happens()
        told.append(site.manager.login_still_valid())
        told.append(site._me())
        return told

    site.app.add_url_rule("/connection", "connection", connection)
    client = site.browser()
    client.get("/login?id=ann&remember")
    client.get("/connection")
    return told


def test_a_login_goes_on_while_nothing_happens(site: Site) -> None:
    assert still_valid_after(site, lambda: site.clock.advance(10 * MINUTE)) == [True, True, "ann"]


@pytest.mark.parametrize("change", ["suspended", "deleted", "a new password", "idle"])
def test_a_login_that_ended_meanwhile_is_found_out(site: Site, change: str) -> None:
    site.app.config["LOGIN_IDLE_TIMEOUT"] = 30 * MINUTE

    def happens() -> None:
        if change == "suspended":
            site.users["ann"].active = False
        elif change == "deleted":
            del site.users["ann"]
        elif change == "idle":
            site.clock.advance(HOUR)
        else:
            site.users["ann"].password = "second"

    assert still_valid_after(site, happens) == [True, False, "nobody"]


def test_a_login_that_was_revoked_meanwhile_is_found_out(clock: FrozenClock) -> None:
    site = Site(STORED, clock)
    told = still_valid_after(site, lambda: site.manager.sessions.revoke_all("ann"))
    assert told == [True, False, "nobody"]


def test_asking_is_no_sign_of_activity(site: Site) -> None:
    site.app.config["LOGIN_IDLE_TIMEOUT"] = 30 * MINUTE
    told: list[bool] = []

    def connection() -> str:
        for _ in range(4):
            told.append(site.manager.login_still_valid())
            site.clock.advance(9 * MINUTE)
        told.append(site.manager.login_still_valid())
        return ""

    site.app.add_url_rule("/connection", "connection", connection)
    client = site.browser()
    client.get("/login?id=ann")
    client.get("/connection")
    assert told == [True] * 4 + [False]


def test_what_comes_after_asking_is_activity_again(site: Site) -> None:
    site.app.config["LOGIN_IDLE_TIMEOUT"] = 30 * MINUTE
    site.app.add_url_rule(
        "/asks", "asks", lambda: f"{site.manager.login_still_valid()} {site._me()}"
    )
    client = site.browser()
    client.get("/login?id=ann")
    for _ in range(3):
        site.clock.advance(20 * MINUTE)
        assert client.get("/asks").text == "True ann"


def test_nobody_has_no_login_that_goes_on(site: Site) -> None:
    with site.app.test_request_context():
        assert site.manager.login_still_valid() is False


def test_the_function_means_the_default_realm(default: Site) -> None:
    with default.app.test_request_context():
        default.manager.login_user(default.users["ann"])
        assert login_still_valid() is True
        default.users["ann"].active = False
        assert login_still_valid() is False


def test_another_user_s_login_in_its_place_is_not_the_same_one(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        assert site.manager.login_still_valid()
        session[site.manager.keys.user_id] = "bob"
        if site.level == "signed":
            session.pop(site.manager.keys.auth_hash)
        assert site.manager.login_still_valid() is False


def test_another_login_of_the_same_user_is_not_the_same_one(clock: FrozenClock) -> None:
    site = Site(STORED, clock)
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        first = session[site.manager.keys.login]
        known = site.manager.get_current_login()
        assert known is not None
        site.manager.sessions.revoke(str(known.id))
        clock.advance(SECOND)
        session[site.manager.keys.login] = first
        assert site.manager.login_still_valid() is False


def test_an_api_key_that_was_withdrawn_meanwhile_is_found_out(site: Site) -> None:
    keys = {"key": "bob"}
    site.manager.request_loader(
        lambda request: site.users.get(keys.get(request.headers.get("X-Key", ""), ""))
    )
    with site.app.test_request_context(headers={"X-Key": "key"}):
        assert site.manager.login_still_valid() is True
        keys.clear()
        assert site.manager.login_still_valid() is False


def test_who_acts_as_another_is_found_out_when_they_may_not_any_more(site: Site) -> None:
    told: list[bool] = []

    def connection() -> str:
        told.append(site.manager.login_still_valid())
        site.users["eve"].admin = False
        told.append(site.manager.login_still_valid())
        return site._me()

    site.app.add_url_rule("/connection", "connection", connection)
    client = site.browser()
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    assert client.get("/connection").text == "nobody"
    assert told == [True, False]


def test_a_store_that_is_silent_is_no_answer_and_the_login_goes_on_when_it_speaks_again(
    clock: FrozenClock,
) -> None:
    site = Site(STORED, clock)
    assert site.store is not None

    def down(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("memory")

    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        answer = site.store.get
        site.store.get = down  # type: ignore[method-assign]  # an outage
        for _ in range(2):
            with pytest.raises(SessionStoreUnavailable):
                site.manager.login_still_valid()
        site.store.get = answer  # type: ignore[method-assign]  # its end
        assert site.manager.login_still_valid() is True


def test_current_login_is_that_of_the_block(default: Site) -> None:
    with default.app.test_request_context():
        default.manager.login_user(default.users["ann"])
        with acting_as(default.users["bob"]):
            assert current_login.user_id == "bob"
        assert current_login.user_id == "ann"


def test_users_may_be_of_any_truth(default: Site) -> None:
    class Empty(Member):
        def __bool__(self) -> bool:
            return False

    default.page("/safe", default.manager.fresh_login_required(impersonated=True))
    empty = default.users["ann"] = Empty("ann")
    with default.app.app_context(), acting_as(empty):
        assert get_current_user() is empty
    client = default.browser()
    client.get("/login?id=eve")
    assert client.get("/act?id=ann").text == "ann"
    default.users["eve"] = Empty("eve", admin=True)
    assert client.get("/known").get_json()["actor"] == "eve"
    assert client.get("/safe").status_code == 200


def test_tasks_of_one_request_that_act_as_two_users_do_not_meet(default: Site) -> None:
    pytest.importorskip("asgiref", reason="async views need it")
    seen: dict[str, list[str]] = {}

    async def act(name: str, mine: asyncio.Event, other: asyncio.Event) -> None:
        with acting_as(default.users[name]):
            mine.set()
            await other.wait()
            seen[name] = [current_user.get_id()]
            await asyncio.sleep(0)
            seen[name].append(current_user.get_id())

    async def view() -> str:
        one, two = asyncio.Event(), asyncio.Event()
        await asyncio.gather(act("ann", one, two), act("bob", two, one))
        return str(current_user.get_id())

    default.app.add_url_rule("/tasks", view_func=view, endpoint="tasks")
    assert default.app.test_client().get("/tasks").text == "None"
    assert seen == {"ann": ["ann"] * 2, "bob": ["bob"] * 2}
