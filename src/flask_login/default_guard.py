"""The default guard: every view needs a login, unless it is marked as public."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from .core import settings
from .core.exceptions import ConfigurationError
from .current import manager_of
from .flask_internals import get_app, get_config, get_request, leave_out
from .guards import DEFAULT_GUARD as DEFAULT_GUARD
from .guards import guard_of, guard_requests, must_log_in
from .marks import is_marked, mark

if TYPE_CHECKING:
    from flask import Request
    from flask.typing import ResponseReturnValue
    from werkzeug.routing import MapAdapter

    from .marks import F
    from .ports import Manager, RealmInApp

#: On the function that guards while the setting is on.
_BY_SETTING = "_login_by_setting"

#: On a view, or a class of views, that stays public where a login is required by default.
NOT_REQUIRED = "_login_not_required"


def protect(manager: Manager, target: Flask | Blueprint) -> None:
    """Guard every view of an application or a blueprint, unless it says otherwise.

    A view passes that has a guard of its own or is marked by `login_not_required`; static
    files, and the login and refresh views, pass too. What is no view keeps its status: 404
    stays 404. Blueprints nested in the blueprint are guarded with it. Where two realms protect
    the same view, the one counts that is nearer to it.

    :param target: the application, or a blueprint that is not registered yet. For the whole
        application the setting ``LOGIN_REQUIRED_BY_DEFAULT`` does the same.

    Raises `ConfigurationError` for anything else: a view is guarded by `login_required`.

    .. versionadded:: 0.6.90
    """
    if not isinstance(target, (Flask, Blueprint)):
        raise ConfigurationError("target", target, "an application or a blueprint")
    guard_requests(target, lambda _: manager, _answer)


def exempt(manager: Manager, *endpoints: str) -> None:
    """Leave endpoints open where a login is required by default, although nothing marks them.

    For the views of extensions, which `login_not_required` can't stand above: what an identity
    provider sends browsers back to, say. Where ``LOGIN_REQUIRED_BY_DEFAULT`` or `protect`
    guards them for this realm, anybody sees them then; guards that a view has itself stay::

        login_manager.exempt("github.login", "github.authorized")
        login_manager.exempt("github.*")  # all of a blueprint, and of those nested in it

    It may be called at any time, before there are such endpoints too. ``flask login doctor``
    names those that there are not.

    :param endpoints: names of endpoints, as `flask.url_for` takes them; ``.*`` at the end
        stands for the rest of the name.

    Raises `ConfigurationError` for what is no such name: a view, a list, ``"*"``.

    .. versionadded:: 0.6.90
    """
    accepted = "names of endpoints, such as 'github.authorized' or 'github.*'"
    if not endpoints:
        raise ConfigurationError("endpoints", endpoints, accepted)
    for endpoint in endpoints:
        name = endpoint.removesuffix(".*") if isinstance(endpoint, str) else ""
        if not name or "*" in name:
            raise ConfigurationError("endpoints", endpoint, accepted)
    manager._exempt_endpoints.update(endpoints)


def is_exempt(manager: Manager, endpoint: str) -> bool:
    """Return whether an endpoint was exempted by its name."""
    exempted = manager._exempt_endpoints
    return bool(exempted) and any(_is_named(endpoint, name) for name in exempted)


def exempt_in_vain(manager: Manager, app: Flask) -> list[str]:
    """Return the exempted names that no endpoint of an application has."""
    return sorted(
        name
        for name in manager._exempt_endpoints
        if not any(_is_named(endpoint, name) for endpoint in app.view_functions)
    )


def _is_named(endpoint: str, name: str) -> bool:
    return endpoint == name or (name.endswith(".*") and endpoint.startswith(name[:-1]))


def _answer(manager: Manager) -> ResponseReturnValue | None:
    """Return the answer to a caller who may not pass; None for any other."""
    request = get_request()
    endpoint = request.endpoint
    if endpoint is None or is_open(manager, get_app(), endpoint, request):
        return None
    refuse = must_log_in(lambda: manager)
    return None if refuse is None else cast("ResponseReturnValue", refuse())


def is_open(manager: Manager, app: Flask, endpoint: str, request: Request | None = None) -> bool:
    """Return whether a manager leaves an endpoint open by default.

    :param request: the request to ask for; by default any request.
    """
    view = app.view_functions.get(endpoint)
    if guard_of(view) is not None or is_marked(view, NOT_REQUIRED):
        return True
    if is_exempt(manager, endpoint):
        return True
    if _serves_files(app, endpoint) or manager not in _nearest(app, endpoint):
        return True
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    managers = [manager, *(known.manager for known in realms.values())]
    return any(_is_entrance(known, app, endpoint, request) for known in managers)


def _is_entrance(manager: Manager, app: Flask, endpoint: str, request: Request | None) -> bool:
    """Return whether an endpoint is the login or refresh view, to which guards redirect."""
    for view in _entrances(manager, app, endpoint.rpartition(".")[0]):
        if not view.startswith(("/", "http://", "https://")):
            found = view == endpoint
        elif request is None:
            found = _leads_to(app, view, endpoint)
        else:
            found = _leads_here(view, request)
        if found:
            return True
    return False


def _entrances(manager: Manager, app: Flask, blueprint: str) -> Iterator[str]:
    """Yield the login and refresh views; ``.login`` relative to the blueprint."""
    names = (None, blueprint, getattr(app.blueprints.get(blueprint), "name", None))
    views = [(None, manager.login_view), (None, manager.refresh_view)]
    for key, view in [*views, *manager.blueprint_login_views.items()]:
        if view is not None and not view.startswith("."):
            yield view
        elif view is not None and key in names:
            yield f"{blueprint}{view}".removeprefix(".")


def register(app: Flask) -> None:
    """Guard every view of an application by default, while the setting is on.

    The default realm guards. Without one every request fails with an error, so that no site stays
    open unnoticed.
    """

    def manager(app: Flask) -> Manager | None:
        return manager_of(app) if settings.LOGIN_REQUIRED_BY_DEFAULT.read(app.config) else None

    guard = guard_requests(app, manager, _answer, settings.LOGIN_REQUIRED_BY_DEFAULT.key)
    setattr(guard, _BY_SETTING, True)


def step_aside(app: Flask) -> None:
    """Guard by default no more, where the setting is off when the first request comes.

    In a test it may be set between two requests.
    """
    config = cast("dict[str, Any]", app.config)
    if not (app.testing or config.get(settings.LOGIN_REQUIRED_BY_DEFAULT.key)):
        for function in app.before_request_funcs.get(None, ()):
            if getattr(function, _BY_SETTING, False):
                leave_out(app.before_request_funcs, function)


def _nearest(app: Flask, endpoint: str) -> list[Any]:
    """Return the managers that guard an endpoint by default, on the level nearest to it."""
    parts = endpoint.split(".")[:-1]
    inner_first = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    found = (_guarding(app, scope) for scope in (*inner_first, None))
    return next(filter(any, found), list[Any]())


def _guarding(app: Flask, scope: str | None) -> list[Any]:
    guards = [getattr(f, DEFAULT_GUARD, None) for f in app.before_request_funcs.get(scope, ())]
    return [manager(app) for manager in guards if manager is not None]


def _serves_files(app: Flask, endpoint: str) -> bool:
    blueprint, _, name = endpoint.rpartition(".")
    scaffold = app.blueprints.get(blueprint) if blueprint else app
    return name == "static" and scaffold is not None and scaffold.has_static_folder


def _leads_here(url: str, request: Request) -> bool:
    """Return whether a URL leads to the view of this request, with the same arguments.

    The URLs are matched by the routes, not compared as texts. An endpoint that serves more than
    the login view, such as one for every path, is open for the login view alone.
    """
    parts = urlsplit(url)
    if parts.netloc and not _is_own_host(parts.netloc.lower(), request):
        return False
    adapter = cast("MapAdapter", get_app().create_url_adapter(get_request()))
    found = _match(adapter, parts.path, request.root_path, request.method)
    return found is not None and found == adapter.match()


def _is_own_host(host: str, request: Request) -> bool:
    """Return whether a host is this request's and the application's: clients can send any host."""
    if host != request.host.lower():
        return False
    config = get_config()
    if config.get("TRUSTED_HOSTS") or get_app().url_map.host_matching:
        return True
    name = str(config["SERVER_NAME"] or "").lower()
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _leads_to(app: Flask, url: str, endpoint: str) -> bool:
    """Return whether a URL leads to an endpoint, with any method and arguments."""
    config = cast("dict[str, Any]", app.config)
    path, adapter = urlsplit(url).path, app.url_map.bind("")
    root = (config["APPLICATION_ROOT"] or "/").rstrip("/")  # Flask takes None too
    for rule in app.url_map.iter_rules(endpoint):
        methods: Collection[str] = rule.methods or ("GET",)
        for method in methods:
            found = _match(adapter, path, root, method)
            if found is not None and found[0] == endpoint:
                return True
    return False


def _match(
    adapter: MapAdapter, path: str, root: str, method: str
) -> tuple[str, Mapping[str, Any]] | None:
    for _ in range(2):  # a path without the slash at its end is redirected
        if not path.startswith(f"{root}/"):
            break
        try:
            return adapter.match(unquote(path.removeprefix(root)), method)
        except RequestRedirect as redirect:
            parts = urlsplit(redirect.new_url)
            path = parts.path if parts.netloc == adapter.get_host(None) else ""
        except HTTPException:
            break
    return None


def login_not_required(view: F) -> F:
    """Mark a view as public where a login is required by default.

    That is in an application with ``LOGIN_REQUIRED_BY_DEFAULT``, or under `LoginManager.protect`.
    Its place among the decorators does not matter. A class-based view can be marked too; classes
    that inherit from it are not marked by that.

    :param view: the view, which may be any callable, or the class of views. A view of an extension
        has a name instead: see `LoginManager.exempt`.
    :return: the same view, marked.

    .. versionadded:: 0.6.90
    """
    mark(view, NOT_REQUIRED)
    return view
