"""A plugin with which every stored login has a cookie of its own: ``-p tests.by_cookie``.

Each test of the stored level holds for both values of ``LOGIN_STATE``, unless it is listed in
`OF_SESSIONS`. Tests speak of two cookies: ``session``, which ends with the browser, and
``remember_token``, which outlives it. Here a test client answers with what does the same: the login
cookie with its marker, and the login cookie of a remembered login. ``make test-by-cookie`` runs it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from werkzeug.test import Client, Cookie

from flask_login import visit
from flask_login.core import login_cookie

_init = visit.FlaskVisit.__init__


def _by_cookie(self: visit.FlaskVisit, realm: Any, context: Any) -> None:
    _init(self, realm, context)
    said = "LOGIN_STATE" in self.config
    self.by_cookie = login_cookie.is_on(self.config) if said else realm.logins is not None


visit.FlaskVisit.__init__ = _by_cookie  # type: ignore[method-assign]

_get, _set, _delete = Client.get_cookie, Client.set_cookie, Client.delete_cookie
_COPY = "a copy of "
_FLASK = "session"
_NAMES = ("login", "__Host-login")
_REALMS = ("", "_staff")


def _ending(client: Client) -> dict[str, str]:
    """Return the cookies of logins that end with the browser, and those they go with."""
    found = {}
    for name in (f"{name}{realm}" for name in _NAMES for realm in _REALMS):
        login, marker = _get(client, name), _get(client, f"{name}-marker")
        if login is not None and (login.expires is None or marker is not None):
            found[name] = login.value
        if marker is not None:
            found[f"{name}-marker"] = marker.value
    return found


def _get_cookie(self: Client, key: str, *args: Any, **options: Any) -> Cookie | None:
    real = _get(self, key, *args, **options)
    if key == _FLASK and (known := _ending(self)):
        if real is not None:
            known[_FLASK] = real.value
        some = real or _get(self, next(iter(known)))
        assert some is not None
        return replace(some, value=_COPY + json.dumps(known), decoded_value="")
    if real is None and key.startswith("remember_token"):
        login = _get(self, key.replace("remember_token", "login"))
        return login if login is not None and login.expires is not None else None
    return real


def _set_cookie(self: Client, key: str, value: str = "", **options: Any) -> None:
    if key == _FLASK and value.startswith(_COPY):
        for name, copied in json.loads(value.removeprefix(_COPY)).items():
            _set(self, name, copied, **options)
    else:
        _set(self, key, value, **options)


def _delete_cookie(self: Client, key: str, **options: Any) -> None:
    _delete(self, key, **options)
    if key == _FLASK:
        for name in _ending(self):
            login = _get(self, name)
            if name.endswith("-marker") or (login is not None and login.expires is None):
                _delete(self, name)
    elif key.startswith("remember_token"):
        _delete(self, key.replace("remember_token", "login"))


Client.get_cookie = _get_cookie  # type: ignore[method-assign]
Client.set_cookie = _set_cookie  # type: ignore[method-assign]
Client.delete_cookie = _delete_cookie  # type: ignore[method-assign]

#: What tells of pages and examples, and not of the library; and what counts calls.
NOT_OF_THE_LIBRARY = {"test_docs", "test_docs_site", "test_examples", "test_readme", "test_flows"}
NOT_OF_THE_LIBRARY |= {"test_tutorial_app", "test_packaging", "test_workflows"}
#: It tells of the cookies themselves, and sets the setting.
NOT_OF_THE_LIBRARY |= {"test_login_cookie", "test_login_entries"}

#: The tests that tell of logins in Flask's session alone, by what they look at ("…" is any case).
#: What they hold for
#: a login cookie as well stands in ``tests/core/test_login_cookie.py``.
OF_SESSIONS: dict[str, tuple[str, ...]] = {
    "it writes the entries of a login into the session, or reads them there": (
        "test_a_believed_session_ends_when_the_password_changed_during_the_outage",
        "test_a_fresh_session_of_before_is_fresh_and_another_is_not",
        "test_a_loader_that_ends_the_impersonation_gives_the_actor",
        "test_a_loader_that_takes_the_mark_of_a_forced_login_away_breaks_no_page",
        "test_a_login_from_before_the_store_is_adopted_and_can_be_revoked[written by a test]",
        "test_a_login_from_before_the_store_is_refused_where_none_is_accepted[written by a test]",
        "test_a_login_is_fresh_by_a_yes_alone_and_by_no_other_entry",
        "test_a_page_that_tells_of_an_error_is_a_response_that_has_not_begun",
        "test_a_remember_cookie_brings_back_the_actor_and_not_what_is_left_of_the_acting",
        "test_a_remember_cookie_stays_whole_though_a_view_wrote_another_id_to_the_session",
        "test_a_secret_is_not_in_the_store",
        "test_a_session_from_before_the_store_is_known_late_and_gets_no_record",
        "test_a_session_of_old_that_says_none_as_a_text_goes_on",
        "test_a_session_that_names_another_user_than_its_login_is_not_that_user_s",
        "test_a_session_that_other_code_gives_to_another_is_not_the_loaded_user_s",
        "test_a_user_who_can_t_tell_the_id_any_more_has_the_session_that_names_the_same_again",
        "test_a_user_who_can_t_tell_the_id_has_no_session_that_names_another",
        "test_a_view_s_own_503_takes_nothing_back",
        "test_an_adopted_login_counts_for_the_maximum[written by a test]",
        "test_an_entry_of_the_wrong_type_is_an_error_on_no_page[…-user_id]",
        "test_an_id_may_be_awaited",
        "test_another_login_of_the_same_user_is_not_the_same_one",
        "test_another_user_s_login_in_its_place_is_not_the_same_one",
        "test_another_user_that_other_code_wrote_to_the_session_is_known_late_and_ends_nothing",
        "test_clearing_the_session_by_hand_ends_it_with_the_login",
        "test_functions_after_a_request_come_before_the_response_begins",
        "test_methods_that_were_not_noted_by_the_library_prove_nothing",
        "test_such_a_session_gets_a_new_id_at_each_change_of_who_uses_it",
        "test_the_emergency_brake_ends_the_logins_from_before_the_store_too[written by a test]",
        "test_whoever_writes_to_the_store_turns_a_login_into_another_user_s",
        "test_with_a_store_the_key_gives_a_login_only_if_cookies_from_before_it_count",
        "test_a_copied_session_cookie_gives_no_login_unless_it_is_from_before_the_switch",
        "test_a_dump_of_sessions_on_the_server_gives_every_login_in_it[True]",
    ),
    "it looks at the mark of an unknown user in the session: the record has it": (
        "test_a_loader_that_knows_nobody_for_a_moment_logs_nobody_out",
        "test_a_login_removes_the_mark",
        "test_a_mark_that_is_none_or_another_s_is_written_again",
        "test_a_remember_cookie_alone_ends_after_the_grace",
        "test_a_remember_cookie_alone_is_left_as_it_is_while_its_user_is_unknown",
        "test_a_remember_cookie_that_slides_stays_as_it_is_while_its_user_is_unknown",
        "test_any_mark_goes_when_the_user_is_found",
        "test_two_unknown_users_of_one_browser_do_not_take_each_other_s_mark",
    ),
    "a copy from before is told by the marker: it is not fresh, and acts as nobody": (
        "test_a_session_from_before_it_began_is_none_any_more_where_a_store_tells",
        "test_with_a_store_no_copy_of_a_forced_session_outlives_a_ban_either",
    ),
    "it tells of the remember cookie's own name, attributes or hooks": (
        "test_a_hook_is_asked_in_whatever_way_it_was_replaced_and_its_answer_counts[_set_cookie…",
        "test_a_hook_is_asked_in_whatever_way_it_was_replaced_and_its_answer_counts[_clear_cookie…",
        "test_a_remember_cookie_of_another_login_is_not_this_one_s",
        "test_a_remember_cookie_of_settings_from_the_environment_is_set_kept_and_deleted",
    ),
    "it holds the session and the remember cookie apart, which are one here": (
        "test_a_credential_is_renewed_once_an_interval_and_both_where_there_are_both",
        "test_a_daily_visitor_whose_session_lives_is_not_forgotten",
        "test_a_page_that_keeps_no_session_renews_the_token_alone_and_rings_for_nobody",
        "test_a_session_from_before_the_end_is_no_more_than_the_actor_s",
        "test_a_session_that_was_put_back_gets_nothing_while_others_are_on_their_way",
        "test_a_user_who_is_unknown_for_now_is_given_nothing_and_loses_nothing",
        "test_attack_a_copied_session_cookie_of_a_login_in_use_rings_and_ends_it",
        "test_attack_a_mix_of_an_old_session_and_a_newer_token_is_not_fresh",
        "test_attack_an_old_copy_of_the_session_is_given_no_remember_cookie_by_sliding",
        "test_parallel_requests_get_the_same_credentials_and_stay_as_fresh_as_they_were",
        "test_the_test_client_is_nobody_where_the_maximum_denies_its_login",
        "test_the_time_begins_anew_once_an_hour_at_most_and_sooner_only_if_it_is_shorter",
    ),
    "LOGIN_OUTAGE_TRUST needs logins in the session": (
        "test_a_session_is_believed_not_fresh_for_so_long_after_its_last_check",
        "test_nobody_is_believed_by_default_or_on_the_word_of_a_remember_cookie",
        "test_the_time_of_the_last_check_is_not_written_at_each_request",
        "test_while_the_store_is_away_a_forced_login_stays_as_it_is",
    ),
}


def pytest_ignore_collect(collection_path: object) -> bool | None:
    """Leave out what shows documentation and examples, and what counts calls."""
    return True if getattr(collection_path, "stem", None) in NOT_OF_THE_LIBRARY else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the signed level, and expect to fail what tells of sessions alone."""
    signed = [item for item in items if _SIGNED.search(item.name)]
    config.hook.pytest_deselected(items=signed)
    items[:] = [item for item in items if item not in set(signed)]
    reasons = {name: reason for reason, names in OF_SESSIONS.items() for name in names}
    for item in items:
        for name, reason in reasons.items():
            if _of(name).fullmatch(item.name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@cache
def _of(name: str) -> re.Pattern[str]:
    """Return the pattern of a test in all its cases, or in those that "…" stands for."""
    every = "" if "[" in name else r"(\[.*\])?"
    return re.compile(re.escape(name).replace("…", ".*") + every)


#: In the name of a test's case, but not of one that upgrades a "signed session" or "token".
_SIGNED = re.compile(r"\[.*\bsigned\b(?! session| token).*\]")
