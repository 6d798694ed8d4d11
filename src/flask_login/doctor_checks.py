"""The checks that ``flask login doctor`` makes, and which of them an application gets."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .answering import CONSEQUENCES

if TYPE_CHECKING:
    from flask import Flask

    from .findings import Finding
    from .ports import RealmInApp

#: The checks of every application, by the code of what each finds.
OF_EVERY_APPLICATION = frozenset(
    {
        "blind_proxy_fix",
        "csrf_token_kept",
        "current_key_is_fallback",
        "debug_mode",
        "guard_above_route",
        *(f"guard_below_{kind}" for kind in CONSEQUENCES),
        "guarded_elsewhere",
        "insecure_remember_cookie",
        "insecure_session_cookie",
        "login_cookie_shared",
        "login_disabled",
        "misspelt_attribute",
        "misspelt_setting",
        "no_proxy_fix",
        "no_secret_key",
        "no_session_protection",
        "no_session_samesite",
        "odd_setting",
        "options_guarded",
        "options_unguarded",
        "remember_cookie_elsewhere",
        "remember_cookie_readable",
        "same_site_none_insecure",
        "session_cookie_prefix",
        "session_cookie_readable",
        "session_cookie_unprefixed",
        "session_id_kept",
        "unknown_exempt_endpoint",
        "unknown_login_view",
        "weak_fallback_key",
        "weak_secret_key",
        "wrong_setting",
    }
)
#: The further checks of an application with a session store.
OF_STORES = frozenset(
    {
        "legacy_logins_accepted",
        "memory_store",
        "store_fails",
        "store_unavailable",
        "unmigrated_tables",
    }
)
#: The further checks of an application one of whose stores answers.
OF_ANSWERS = frozenset({"brake_ahead", "shared_store", "store_evicts"})

#: What a store is found to be that gives no answer to look at.
_SILENCE = ("store_fails", "store_unavailable")


def checks_made(app: Flask, findings: Collection[Finding]) -> frozenset[str]:
    """Return the codes of the checks that were made, whatever they found.

    :param app: the application that was examined.
    :param findings: what `doctor.examine` has found in it.
    """
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    made = OF_EVERY_APPLICATION
    if app.url_build_error_handlers:  # then other endpoints may exist
        made -= {"unknown_login_view"}
    stores = sum(known.manager._logins is not None for known in realms.values())
    if not stores:
        return made
    silent = sum(finding.code in _SILENCE for finding in findings)
    return made | OF_STORES if silent == stores else made | OF_STORES | OF_ANSWERS


def left_out(made: Collection[str]) -> str:
    """Say why checks were left out; return an empty text if none was that can be made good."""
    if not OF_STORES.issubset(made):
        return f"{len(OF_STORES | OF_ANSWERS)} more need a session store"
    if not OF_ANSWERS.issubset(made):
        return f"{len(OF_ANSWERS)} more need an answer of the session store"
    return ""
