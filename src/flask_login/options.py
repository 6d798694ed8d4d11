"""OPTIONS: who answers it, and whether a guard lets it pass.

Flask answers OPTIONS by itself, and a browser asks by it, without any cookie, whether a page of
another site may call (a CORS preflight). Both must pass a guard. A view that answers OPTIONS itself
would be open by that as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import after_this_request

from .core import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request, Response
    from werkzeug.routing import Rule

#: What a preflight's answer needs, beside the headers that begin with ``Access-Control-``.
_NEEDED = frozenset({"allow", "content-length", "vary"})


def is_answered_by_view(rule: Rule) -> bool:
    """Return whether the view of a rule gets OPTIONS, which Flask answers for most views."""
    automatic = getattr(rule, "provide_automatic_options", False)
    return "OPTIONS" in (rule.methods or {"OPTIONS"}) and not automatic


def is_guarded(request: Request, config: Mapping[str, Any]) -> bool:
    """Return whether the guards look at an OPTIONS request: ``LOGIN_GUARD_OPTIONS``.

    A preflight passes, and of what the view answers only the headers that it asks for go out.
    Anybody can send a request that looks like one.
    """
    setting, rule = settings.LOGIN_GUARD_OPTIONS, request.url_rule
    if request.method != "OPTIONS" or setting.key not in config or not setting.read(config):
        return False
    if rule is None or not is_answered_by_view(rule):
        return False
    if "Origin" in request.headers and "Access-Control-Request-Method" in request.headers:
        after_this_request(_only_what_is_asked)
        return False
    return True


def _only_what_is_asked(response: Response) -> Response:
    """Leave of a response what a browser reads of a preflight's answer (Fetch, section 4.8)."""
    body: Any = response.response
    if hasattr(body, "close"):
        body.close()
    response.direct_passthrough = False
    response.set_data(b"")
    for name in {name.lower() for name, _ in response.headers}:
        if name not in _NEEDED and not name.startswith("access-control-"):
            del response.headers[name]
    return response
