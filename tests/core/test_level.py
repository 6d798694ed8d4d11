"""What holds of a login on both levels: forced logins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Response, stream_with_context
from flask.testing import FlaskClient
from tests.policy_site import KINDS, MINUTE, SECOND, STORED, Kind, Site

from flask_login import SessionStoreUnavailable
from flask_login.testing import FrozenClock

STORES = [STORED, KINDS[3]]


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    return Site(request.param, clock)


def forced(site: Site, how: str = "") -> FlaskClient:
    client = site.browser()
    site.users["ann"].active = False
    assert client.get(f"/login?id=ann&force{how}").text == "True"
    assert client.get("/me").text == client.get("/me").text == "ann"
    return client


def test_a_forced_login_goes_on_while_nothing_changes_and_ends_with_the_next_ban(
    site: Site,
) -> None:
    client = forced(site)
    site.users["ann"].active = True
    assert client.get("/me").text == "ann"
    site.users["ann"].active = False
    assert client.get("/me").text == "nobody"
    site.users["ann"].active = True
    assert client.get("/me").text == "nobody", "and it does not come back"


def test_a_remember_cookie_brings_no_suspended_user_back_though_the_login_was_forced(
    site: Site,
) -> None:
    client = forced(site, "&remember")
    token = site.cookie(client, "remember")
    assert site.browser(remember=token).get("/me").text == "nobody"


def test_a_user_whom_the_remember_cookie_brought_back_is_not_forced_in(site: Site) -> None:
    client = forced(site, "&remember")
    site.users["ann"].active = True
    client.delete_cookie("session")
    assert client.get("/me").text == "ann"
    site.users["ann"].active = False
    assert client.get("/me").text == "nobody"


def test_a_remembered_forced_login_ends_with_the_next_ban_too(site: Site) -> None:
    client = forced(site, "&remember")
    site.users["ann"].active = True
    assert client.get("/me").text == "ann"
    site.users["ann"].active = False
    assert client.get("/me").text == client.get("/me").text == "nobody"


def test_an_actor_who_was_forced_in_acts_no_longer_after_the_next_ban(site: Site) -> None:
    client, eve = site.browser(), site.users["eve"]
    eve.active = False
    client.get("/login?id=eve&force")
    assert client.get("/act?id=bob").text == client.get("/me").text == "bob"
    eve.active = True
    assert client.get("/me").text == "bob"
    eve.active = False
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("kind", STORES, ids=str)
def test_with_a_store_no_copy_of_a_forced_session_outlives_a_ban_either(
    kind: Kind, clock: FrozenClock
) -> None:
    site = Site(kind, clock)
    client = forced(site)
    copied = site.cookie(client)
    site.users["ann"].active = True
    assert client.get("/me").text == "ann"
    clock.advance(MINUTE)
    site.users["ann"].active = False
    assert site.browser(session=copied).get("/me").text == "nobody"
    site.users["ann"].active = True
    assert client.get("/me").text == "ann", "the browser itself has the new one"


@pytest.mark.parametrize("kind", STORES, ids=str)
def test_a_page_s_other_requests_are_still_known_when_a_forced_login_becomes_an_ordinary_one(
    kind: Kind, clock: FrozenClock
) -> None:
    site = Site(kind, clock)
    client = forced(site)
    copied = site.cookie(client)
    site.users["ann"].active = True
    client.get("/me")
    clock.advance(SECOND)
    assert site.browser(session=copied).get("/me").text == "ann"


def test_a_forced_user_who_is_seen_active_in_a_stream_only_is_still_forced(site: Site) -> None:
    @site.app.get("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            yield "begun, "
            yield str(site.manager.current_user.get_id())

        return Response(stream_with_context(parts()))

    client = forced(site)
    site.users["ann"].active = True
    assert client.get("/stream").text == "begun, ann"
    site.users["ann"].active = False
    assert client.get("/me").text == "ann", "no cookie could be sent"


def test_while_the_store_is_away_a_forced_login_stays_as_it_is(
    clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(STORED, clock, LOGIN_OUTAGE_TRUST=timedelta(hours=1))
    client = forced(site)
    copied = site.cookie(client)
    site.users["ann"].active = True

    def away(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("memory")

    monkeypatch.setattr(site.store, "get", away)
    assert client.get("/me").text == "ann"
    monkeypatch.undo()
    assert client.get("/me").text == "ann"
    clock.advance(MINUTE)
    site.users["ann"].active = False
    assert client.get("/me").text == site.browser(session=copied).get("/me").text == "nobody"
