r"""Where to go to log in, and where to go back to: safe targets only.

The rule for ``next`` is a white list: a path on this host. The URL standard that browsers
follow drops tabs and newlines, takes ``\\`` for ``/`` and fills in missing slashes, so a
target that merely *parses* as local in Python may leave the host in a browser
(OWASP Unvalidated Redirects and Forwards Cheat Sheet).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from flask import has_app_context, has_request_context, request, session, url_for
from werkzeug.routing import BuildError
from werkzeug.urls import iri_to_uri

from . import legacy
from .core import settings
from .exceptions import UnknownLoginView
from .flask_internals import get_config

if TYPE_CHECKING:
    from flask import Request

# More than any server takes in a request line.
_MOST_CHARACTERS = 8192
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def expand_login_view(login_view: str) -> str:
    """Return the URL of a login view given as an endpoint, a path or a URL."""
    if login_view.startswith(("https://", "http://", "/")):
        return login_view
    try:
        return url_for(login_view)
    except BuildError as error:
        raise UnknownLoginView(login_view, str(error)) from error


def make_next_param(login_url: str, current_url: str) -> str:
    """Return `current_url` as short as the way back from `login_url` allows.

    On the same scheme and host that is the path and query; otherwise `current_url` as it is.

    :param login_url: the URL of the login view, absolute or relative.
    :param current_url: the URL to come back to.
    """
    login, current = urlsplit(login_url), urlsplit(current_url)
    if login.scheme in ("", current.scheme) and login.netloc in ("", current.netloc):
        return urlunsplit(("", "", current.path, current.query, ""))
    return current_url


def login_url(login_view: str, next_url: str | None = None, next_field: str = "next") -> str:
    """Return the URL of a login view, with the page to come back to as a parameter.

    Without `next_url` it needs no application for a path or a URL.

    :param login_view: an endpoint, a path or a URL.
    :param next_url: the page to come back to. One that is not on this host is left out.
    :param next_field: the name of the parameter.

    .. versionchanged:: 0.6.90
        A `next_url` on another host is left out.
    """
    base = expand_login_view(login_view)
    parts = urlsplit(base)
    if next_url is not None and _may_return_to(next_url, base):
        query = parse_qsl(parts.query, keep_blank_values=True)
        target = make_next_param(base, next_url)
        query = [pair for pair in query if pair[0] != next_field] + [(next_field, target)]
        parts = parts._replace(query=urlencode(query))
    if legacy.is_app_replaced():
        forced = legacy.app_in_place().config.get("FORCE_HOST_FOR_REDIRECTS")
    elif next_url is None and not has_app_context():
        return base  # for which no setting is needed
    else:
        forced = settings.FORCE_HOST_FOR_REDIRECTS.read(get_config())
    netloc = forced if isinstance(forced, str) and forced else parts.netloc
    return urlunsplit(parts._replace(netloc=netloc))


def _may_return_to(next_url: str, base: str) -> bool:
    target = make_next_param(base, next_url)
    if has_request_context():
        return all(local_target(url, request) is not None for url in (next_url, target))
    return _is_plain_path(target)  # nobody knows the own host here


def local_target(target: str, request: Request) -> str | None:
    """Return `target` as a path on this host, or None when it is not one.

    An absolute URL of this very scheme, host and port is made relative. Everything else that
    is not a plain path with one leading slash is refused, also when it is only percent-encoding
    that hides what it is.
    """
    if len(target) > _MOST_CHARACTERS or _has_forbidden(target):
        return None
    try:
        parts = urlsplit(target)
        own_host = _is_own_host(parts, request)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        if not own_host:
            return None
        target = urlunsplit(("", "", parts.path or "/", parts.query, parts.fragment))
    return target if _is_plain_path(target) else None


def _has_forbidden(target: str) -> bool:
    return any(c <= " " or c in "\\\x7f" or "\x80" <= c <= "\xa0" for c in target)


def _is_own_host(parts: SplitResult, request: Request) -> bool:
    schemes = ("https",) if request.is_secure else ("http", "https")
    return parts.scheme in schemes and parts.netloc.lower() == request.host.lower()


def _is_plain_path(target: str) -> bool:
    if _has_forbidden(target):
        return False
    path = target.partition("?")[0].partition("#")[0]
    # Nobody encodes a path many times over; each round costs as much as the path is long.
    for _ in range(5):
        if not path.startswith("/") or path.startswith(("//", "/\\")):
            return False
        if any(c < " " or c == "\x7f" for c in path):
            return False
        decoded = unquote(path)
        if decoded == path:
            return True
        path = decoded
    return False


def is_htmx(request: Request) -> bool:
    """Tell whether htmx makes this request, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def return_target(request: Request) -> str | None:
    """Return the URL to come back to after a refusal of this request, or None.

    The page itself for a safe method (RFC 9110, section 9.2.1); nobody can come back *to* a
    POST, so there it is the page the form was on. A fragment that htmx asked for comes back to
    the page it belongs to.
    """
    if is_htmx(request):
        candidate = request.headers.get("HX-Current-URL")
    elif request.method in _SAFE_METHODS:
        candidate = iri_to_uri(request.url)
    else:
        candidate = request.referrer
    if candidate is None or local_target(candidate, request) is None:
        return None
    return candidate


def safe_next_url(default: str) -> str:
    """Return where to go after login: the ``next`` of this request if it is safe, or `default`.

    Looks at the query, then the form, or with ``USE_SESSION_FOR_NEXT`` at the session, from
    which it is taken. Safe is a path on this host, or an absolute URL of this very scheme, host
    and port, which is returned as a path. Use it for every redirect whose target came with the
    request::

        return redirect(safe_next_url(url_for("index")))

    :param default: where to go otherwise, as a URL or path. Returned as it is.

    .. versionadded:: 0.6.90
    """
    return next_or(default, "next")


def next_or(default: str, session_key: str) -> str:
    """Do the work of `safe_next_url` for a realm that keeps its ``next`` under `session_key`."""
    if settings.USE_SESSION_FOR_NEXT_SETTING.read(get_config()):
        target = session.pop(session_key) if session_key in session else None
    else:
        target = request.args.get("next") or request.form.get("next")
    safe = local_target(target, request) if isinstance(target, str) and target else None
    return default if safe is None else safe
