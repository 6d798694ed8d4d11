"""What the server's replies mean, and that the scripts are the ones that it knows by a digest."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from flask_login.sessions.contract import NOW, a_record
from flask_login.sessions.redis_codec import microseconds, pack
from flask_login.sessions.redis_scripts import (
    KIND,
    answer,
    load_scripts,
    moment_of,
    read,
    read_once,
)
from flask_login.sessions.store import SessionStoreUnavailable


def test_a_script_is_named_by_the_digest_of_its_text() -> None:
    scripts = load_scripts()
    assert scripts
    for name, script in scripts.items():
        digest = hashlib.sha1(script.text.encode()).hexdigest()  # noqa: S324  # Redis's name
        assert (script.digest, bool(script.text.strip())) == (digest, True), name


def test_the_bytes_of_a_record_are_read_once_and_mean_the_same_each_time() -> None:
    record = a_record()
    data = pack(record)
    assert read(record.id, data) == record
    assert read_once(record.id, data) is read_once(record.id, data)
    changed = pack(a_record(id=record.id, generation=2))
    assert read_once(record.id, changed).generation == 2


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_bytes_that_are_no_record_are_no_answer(cut: int) -> None:
    record = a_record()
    with pytest.raises(SessionStoreUnavailable) as caught:
        read(record.id, pack(record)[:cut])
    assert caught.value.store == KIND


def test_a_reply_is_a_record_nothing_or_a_record_and_the_moment_of_the_brake() -> None:
    brake = str(microseconds(NOW + timedelta(seconds=1))).encode()
    assert answer(None) == (None, None)
    assert answer(b"record") == (b"record", None)
    assert answer([b"record", brake]) == (b"record", NOW + timedelta(seconds=1))
    assert answer([None, None]) == (None, None)


def test_the_moment_of_a_brake_is_exact_to_the_microsecond() -> None:
    moment = NOW + timedelta(microseconds=1)
    assert moment_of(str(microseconds(moment)).encode()) == moment
    assert moment_of(None) is None
