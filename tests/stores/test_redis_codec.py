"""Records as bytes: whatever is packed comes back, and whatever comes back was packed."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_login.sessions import records
from flask_login.sessions.contract import ENTRIES, MINUTE, NOW, a_record
from flask_login.sessions.records import LoginSession
from flask_login.sessions.redis_codec import lifetime, minutes, newest, pack, pack_text, unpack

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
    "curl/8.4.0",
)

moments = st.datetimes(timezones=st.just(timezone.utc))
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3_652_059))
texts = st.one_of(
    st.text(st.characters(exclude_categories=())),  # lone surrogates too
    st.uuids().map(str),
    st.uuids().map(lambda found: str(found).upper()),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda found: found.exploded),
    st.sampled_from(AGENTS),
    st.sampled_from([f"{'x' * 255}", f"{'x' * 256}", ENTRIES, "[", "[]", " ", "a b", "\x00"]),
)
numbers = st.one_of(st.integers(0, 10), st.sampled_from([255, 256, 65_535, 65_536, 2**31]))
some = st.none()
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.just(records.new_id("ada")),
    "secret_hash": texts,
    "user_id": texts,
    "created_at": moments,
    "last_seen_at": moments,
    "authenticated_at": some | moments,
    "expires_at": moments,
    "methods": st.frozensets(texts, max_size=3),
    "idle_timeout": some | spans,
    "ip_address": some | texts,
    "user_agent": some | texts,
    "external_id": some | texts,
    "auth_hash": some | texts,
    "generation": numbers,
    "renewed_at": some | moments,
    "remember_generation": numbers,
    "remember_until": some | moments,
    "remember_issued_at": some | moments,
    "version": numbers,
    "ended_at": some | moments,
    "ended_reason": some | texts,
    "restored": st.booleans(),
    "remember_first": numbers,
    "absolute_timeout": some | spans,
    "fresh_timeout": some | spans,
    "arrived_number": numbers,
    "arrived_at": some | moments,
    "previous_number": numbers,
    "lost_from": numbers,
    "session_first": numbers,
    "entries": some | texts,
}
kept = st.builds(LoginSession, **FIELDS)


def test_no_field_is_forgotten_here() -> None:
    assert set(FIELDS) == {field.name for field in fields(LoginSession)}


@given(kept)
def test_every_record_comes_back_as_it_was(record: LoginSession) -> None:
    found = unpack(record.id, pack(record))
    assert found == record
    assert list(vars(found)) == [field.name for field in fields(LoginSession)]
    assert replace(found, version=found.version + 1) != record


@given(st.sampled_from([b"", b"\x01", b"\x02", b"\x03"]), st.binary(max_size=200))
def test_any_other_bytes_are_no_record(mark: bytes, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack("an id", mark + data)


@given(kept, st.integers(0), st.integers(1, 255))
def test_bytes_that_were_changed_are_a_record_or_none(
    record: LoginSession, place: int, by: int
) -> None:
    data = bytearray(pack(record))
    data[place % len(data)] ^= by
    try:
        found = unpack(record.id, bytes(data))
    except ValueError:
        return
    assert isinstance(found, LoginSession)


@pytest.mark.parametrize("entries", [None, "{}"])
def test_bytes_that_are_cut_off_or_go_on_are_no_record(entries: str | None) -> None:
    data = pack(a_record(entries=entries))
    for other in (*(data[:end] for end in range(len(data))), data + b"\x00"):
        with pytest.raises(ValueError, match=r"."):
            unpack("an id", other)


@pytest.mark.parametrize("entries", [None, "{}"])
def test_a_record_in_another_format_than_those_of_this_release_is_none(entries: str | None) -> None:
    data = pack(a_record(entries=entries))
    for mark in {*range(256)} - {1, 2, 3}:
        with pytest.raises(ValueError, match="unknown format"):
            unpack("an id", bytes([mark]) + data[1:])


@given(kept)
def test_a_record_without_entries_is_written_as_before_there_were_any(record: LoginSession) -> None:
    data = pack(replace(record, entries=None))
    assert data[0] == 2
    full = pack(replace(record, entries="{}"))
    assert full[0] == 3
    assert full[1:3] == data[1:3]  # the flags that the scripts read
    assert len(full) - len(data) in {3, 6}  # the text and its length


@pytest.mark.parametrize("methods", ["[[]]", "[1", '{"a": 1}', "[{}]"])
def test_methods_that_are_no_list_of_texts_are_no_record_or_harmless(methods: str) -> None:
    record = a_record(methods=frozenset({"x" * len(methods)}))
    data = pack(record).replace(b"x" * len(methods), methods.encode())
    try:
        assert unpack("an id", data).methods == frozenset(methods.split())
    except ValueError:
        assert methods.startswith("[")


@given(texts, texts)
def test_two_texts_have_the_same_bytes_only_if_they_are_the_same(one: str, other: str) -> None:
    assert (pack_text(one) == pack_text(other)) == (one == other)


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("user_id", str(uuid.UUID(int=7)), 17),
        ("external_id", str(uuid.UUID(int=7)), 18),
        ("auth_hash", "0" * 64, 34),
        ("ip_address", "203.0.113.195", 6),
        ("ip_address", "2001:db8::8a2e:370:7334", 18),
        *(("user_agent", agent, 25) for agent in AGENTS),
        ("methods", frozenset({"pwd", "otp"}), 7),
    ],
)
def test_what_is_usual_takes_few_bytes(name: str, value: Any, most: int) -> None:
    plain = a_record("")
    record = replace(plain, **{name: value})
    assert unpack(plain.id, pack(record)) == record
    assert len(pack(record)) - len(pack(plain)) <= most


@pytest.mark.parametrize(
    "address",
    ["2001:0db8:0000:0000:0000:8a2e:0370:7334", "2001:DB8::1", "fe80::1%eth0", "unix:", ""],
)
def test_an_address_in_another_spelling_comes_back_in_that(address: str) -> None:
    record = a_record(ip_address=address)
    assert unpack(record.id, pack(record)) == record


def test_a_span_of_more_than_the_calendar_is_kept_as_that() -> None:
    record = a_record(idle_timeout=timedelta.max, fresh_timeout=timedelta.max)
    found = unpack(record.id, pack(record))
    assert found.idle_timeout == found.fresh_timeout == timedelta(days=3_652_059)


def test_a_user_id_is_not_cut() -> None:
    longest = a_record("x" * 65_535)
    assert unpack(longest.id, pack(longest)) == longest
    with pytest.raises(ValueError, match="longer than 65535 bytes"):
        pack(a_record("x" * 65_536))


def test_a_lifetime_is_counted_from_the_newest_time_that_the_record_knows() -> None:
    record = a_record(expires_at=NOW + 10 * MINUTE)
    day = records.TOMBSTONE
    assert newest(record) == NOW
    assert timedelta(milliseconds=lifetime(record)) == day + 10 * MINUTE
    later = replace(record, last_seen_at=NOW + 3 * MINUTE)
    assert timedelta(milliseconds=lifetime(later)) == day + 7 * MINUTE
    ended = records.end(record, records.LOGOUT, NOW + 5 * MINUTE)
    assert timedelta(milliseconds=lifetime(ended)) == day
    assert minutes(NOW + MINUTE) - minutes(NOW) == 1
    assert minutes(datetime.max.replace(tzinfo=timezone.utc)) < 2**32


BEGAN = replace(
    a_record(),
    id="A" * 11 + "B" * 22,
    secret_hash=records.hash_secret("secret"),
)
#: Records as the code before wrote them: one that began, one that was renewed and seen since, one
#: that was renewed and not seen.
BEFORE: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "0100220000000100064752550bf000000649add4493000ffffffffffffffff00064752550bf000000361646100"
        "064752550bf000000100000021f82bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a2"
        "5b",
        {},
    ),
    (
        "0101e20000000700064752550bf000000649add4493000ffffffffffffffff00064752550bf000000361646100"
        "064752550bf00000064752589f7700000649add449300000064752589f7700000500030021f82bb80d537b1da3"
        "e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
        {},
    ),
    (
        "0109c40000000700064752550bf000000649add4493000ffffffffffffffff00064752550bf000000361646100"
        "064752589f7700000649add449300000064752589f77000005000300020021f82bb80d537b1da3e38bd30361aa"
        "855686bde0eacd7162fef6a25fe97bf527a25b",
        {"authenticated_at": None, "restored": True, "remember_first": 2},
    ),
)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (
            "0200200000000100064752550bf000000649add4493000ffffffffffffffff00064752550bf00000036164"
            "6100064752550bf000000100000021f82bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97"
            "bf527a25b",
            {},
        ),
        (
            "0200620000000100064752550bf000000649add4493000ffffffffffffffff00064752550bf00000036164"
            "6100064752550bf00000064752589f770000064752550bf0000002000000010001000200010021f82bb80d5"
            "37b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
            {"generation": 2, "renewed_at": NOW + MINUTE, "arrived_at": NOW},
        ),
    ],
)
def test_a_record_without_entries_has_the_bytes_that_the_code_before_wrote(
    data: str, fields: dict[str, Any]
) -> None:
    record = replace(BEGAN, **fields)
    assert pack(record).hex() == data
    assert unpack(record.id, bytes.fromhex(data)) == record


@pytest.mark.parametrize(("data", "fields"), BEFORE)
def test_a_record_of_the_code_before_is_read(data: str, fields: dict[str, Any]) -> None:
    record = unpack(BEGAN.id, bytes.fromhex(data))
    if record.generation == 1:
        assert record == replace(BEGAN, arrived_at=NOW)
        return
    assert record == replace(
        BEGAN,
        version=7,
        generation=5,
        renewed_at=NOW + MINUTE,
        remember_generation=3,
        remember_until=BEGAN.expires_at,
        remember_issued_at=NOW + MINUTE,
        # The newest may not have arrived.
        arrived_number=4,
        arrived_at=NOW + MINUTE,
        previous_number=4,
        lost_from=5,
        session_first=5,
        **fields,
    )
