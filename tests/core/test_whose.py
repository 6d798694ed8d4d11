"""Whose login it is: users who can't tell their id, and credentials that say nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest
from flask import session
from tests.policy_site import KINDS, Kind, Member, Site

from flask_login.testing import FrozenClock


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    kind: Kind = request.param
    return Site(kind, clock)


class Row(Member):
    """A row of a database that can be detached from it, and can't tell its id then."""

    is_detached = False

    def get_id(self) -> str:
        if self.is_detached:
            raise LookupError("the row is detached")
        return super().get_id()


def test_a_user_who_can_t_tell_the_id_any_more_has_the_session_that_names_the_same_again(
    site: Site,
) -> None:
    row = Row("ann")
    site.users["ann"] = row

    @site.app.get("/write")
    def write() -> str:
        assert site.manager.get_current_user() is row
        row.is_detached = True
        key = site.manager.keys.user_id
        again = "".join(session[key])
        assert again is not session[key]
        session[key] = again
        return site._fresh()

    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/write").text == "fresh"


def test_a_user_who_can_t_tell_the_id_has_no_session_that_names_another(site: Site) -> None:
    row = Row("ann")
    site.users["ann"] = row

    @site.app.get("/write")
    def write() -> str:
        assert site.manager.get_current_user() is row
        row.is_detached = True
        session[site.manager.keys.user_id] = "bob"
        return site._fresh()

    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/write").text == "stale"


def test_credentials_that_name_their_object_end_no_login_that_began_with_others(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    client = site.browser()
    client.get("/login?id=ann&remember")
    assert client.get("/me").text == "ann"
    site.users["ann"].password = cast("Any", object())
    assert [client.get("/me").text for _ in range(2)] == ["ann", "ann"]
    client.delete_cookie("session")
    assert client.get("/me").text == "ann"
    (record,) = [record for record in caplog.records if record.name == "flask_login"]
    assert "get_session_auth_hash() of" in record.getMessage()
