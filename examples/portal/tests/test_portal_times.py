"""Times as the server writes them: in UTC, and how long ago they were."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from flask_login.testing import FrozenClock
from portal.times import day, hour, in_words, moment, relative
from portal_testing import Visitor


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=31), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(seconds=-1), "in less than a minute"),
        (timedelta(minutes=-5, seconds=-59), "in 5 minutes"),
    ],
)
def test_how_long_ago_a_time_was_is_said_in_words(
    app: Flask, clock: FrozenClock, passed: timedelta, words: str
) -> None:
    assert in_words(-int(passed.total_seconds())) == words
    with app.app_context():
        assert f">{words}</span>" in relative(clock() - passed)


def test_a_time_is_in_utc_and_says_so_and_can_be_read_by_programs(clock: FrozenClock) -> None:
    value = clock().replace(year=2026, month=1, day=5, hour=7, minute=3, second=9, microsecond=0)
    shown = {filter_: filter_(value).replace("\u00a0", " ") for filter_ in (moment, day, hour)}
    assert shown[moment].endswith(">5 Jan 2026, 07:03 UTC</time>")
    assert shown[day].endswith(">5 Jan 2026</time>")
    assert shown[hour].endswith(">07:03 UTC</time>")
    assert all('datetime="2026-01-05T07:03:09+00:00"' in text for text in shown.values())


def test_every_page_has_the_script_that_shows_the_visitors_zone(
    visitor: Visitor, member: Visitor
) -> None:
    for page in (visitor.get("/").text, member.get("/account/devices/").text):
        assert re.search(r'<script src="/static/times\.js"></script>', page)
