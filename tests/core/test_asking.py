"""A session store, asked: records that are gone, and ends that are told once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy_site import STORED, Site

from flask_login import login_session_ended
from flask_login.core.asking import AskedStore
from flask_login.sessions import records
from flask_login.testing import FrozenClock


@pytest.fixture
def site(clock: FrozenClock) -> Site:
    return Site(STORED, clock)


def asked_of(site: Site) -> AskedStore:
    assert site.manager._logins is not None
    return site.manager._logins.asked


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_login_whose_record_is_gone_from_the_store_is_nobody_s(
    site: Site, asked_before: bool
) -> None:
    client = site.browser()
    client.get("/login?id=ann&remember")
    if asked_before:
        assert client.get("/me").text == "ann"
    assert site.store is not None
    assert site.store.delete_all("ann") == 1
    assert client.get("/why").text == records.UNKNOWN
    assert client.get("/me").text == "nobody"
    assert site.cookie(client, "remember") is None
    assert len(asked_of(site)._seen) == int(asked_before), "what is not there was not seen"


def test_a_login_that_is_ended_twice_is_announced_once_with_its_first_reason(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_login.audit")
    told: list[Any] = []

    def receive(sender: Any, login: Any, reason: str) -> None:
        told.append((login.user_id, reason))

    client = site.browser()
    client.get("/login?id=ann")
    with login_session_ended.connected_to(receive), site.app.app_context():
        (login,) = site.manager.sessions.list("ann")
        for _ in range(2):
            site.manager.sessions.revoke(login.id)
        client.get("/logout")
        site.manager.sessions.revoke_all("ann")
    assert told == [("ann", records.REVOKED)]
    assert caplog.text.count("login_session_ended") == 1
