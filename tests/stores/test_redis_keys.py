"""The names of keys: all of a user's lie together, and no text of a stranger is part of one."""

from __future__ import annotations

import pytest

from flask_login.sessions import records
from flask_login.sessions.redis_keys import TAG, Keys, batches, ids_of, is_id, rests_of

KEYS = Keys("login:")


def test_all_keys_of_a_user_are_in_one_hash_slot_and_those_of_others_in_another() -> None:
    ids = [records.new_id("ada") for _ in range(3)]
    slots = {key.partition("{")[2].partition("}")[0] for key in KEYS.of_user(ids[0][:TAG], ids)}
    assert slots == {records.user_tag("ada")}
    assert f"{{{records.user_tag('ada')}}}" not in KEYS.of(records.new_id("ben"))


def test_the_first_key_of_a_user_is_the_index_and_the_rest_are_the_records() -> None:
    session_id = records.new_id("ada")
    tag, rest = session_id[:TAG], session_id[TAG:]
    assert KEYS.of_user(tag, [session_id]) == [f"login:{{{tag}}}", f"login:{{{tag}}}{rest}"]


@pytest.mark.parametrize("external_id", ["sid", "a b}{*", "\ud800", "x" * 10_000])
def test_an_external_id_is_in_no_name_of_a_key(external_id: str) -> None:
    key = KEYS.of_external(external_id)
    assert external_id not in key
    assert len(key) == len("login:x:") + 22
    assert key == KEYS.of_external(external_id) != KEYS.of_external(f"{external_id}.")


def test_the_entries_of_an_index_are_the_ids_without_their_tag() -> None:
    ids = [records.new_id("ada") for _ in range(3)]
    entries = rests_of(ids)
    assert all(len(entry) == len(ids[0]) - TAG for entry in entries)
    assert ids_of(ids[0][:TAG], [entry.encode() for entry in entries]) == ids


@pytest.mark.parametrize(
    "text", ["", "x" * 32, "x" * 34, "{" + "x" * 32, "é" * 33, "x" * 32 + "\n"]
)
def test_what_no_login_is_named_is_no_id(text: str) -> None:
    assert not is_id(text)
    assert is_id(records.new_id("ada"))


def test_one_command_asks_for_five_hundred_records_at_most_and_none_is_left_out() -> None:
    ids = [str(number) for number in range(1001)]
    parts = [*batches(ids)]
    assert [len(part) for part in parts] == [500, 500, 1]
    assert [one for part in parts for one in part] == ids
    assert [*batches([])] == []
