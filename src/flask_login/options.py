"""OPTIONS: who answers it, and whether a guard lets it pass.

Flask answers OPTIONS by itself, and a browser asks by it, without any cookie, whether a page of
another site may call (a CORS preflight). Both pass a guard. A view that answers OPTIONS itself is
open by that as a whole, unless ``LOGIN_GUARD_OPTIONS`` is on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .core import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request
    from werkzeug.routing import Rule


def is_answered_by_view(rule: Rule) -> bool:
    """Return whether the view of a rule gets OPTIONS, which Flask answers for most views."""
    automatic = getattr(rule, "provide_automatic_options", False)
    return "OPTIONS" in (rule.methods or {"OPTIONS"}) and not automatic


def is_guarded(request: Request, config: Mapping[str, Any]) -> bool:
    """Return whether the guards look at an OPTIONS request: ``LOGIN_GUARD_OPTIONS``.

    One that looks like a preflight is no exception: anybody can send it, and the view would run.
    """
    setting, rule = settings.LOGIN_GUARD_OPTIONS, request.url_rule
    if request.method != "OPTIONS" or setting.key not in config or not setting.read(config):
        return False
    return rule is not None and is_answered_by_view(rule)
