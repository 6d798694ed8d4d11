"""The default guard: every view needs a login, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from . import config as settings
from .exceptions import ConfigurationError
from .guards import Guards, guard_of, must_log_in
from .marks import is_marked, mark
from .state import (
    RealmInApp,
    drop_before_request,
    get_app,
    get_config,
    get_context,
    get_request,
)
from .utils import manager_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request
    from flask.typing import ResponseReturnValue
    from werkzeug.routing import MapAdapter

    from .timeouts import F

#: On a view, or a class of views, that anybody may see also where a login is required by default.
NOT_REQUIRED = "_login_not_required"

#: On a function that runs before requests and guards by default: a function of the application that
#: returns the manager it guards for, or None where it does not.
DEFAULT_GUARD = "_login_default_guard"


def protect(manager: Guards[Any], target: Flask | Blueprint) -> None:
    """Guard every view of `target`, unless it says otherwise. See `LoginManager.protect`."""
    if not isinstance(target, (Flask, Blueprint)):
        raise ConfigurationError("target", target, "an application or a blueprint")
    _guard_with(target, lambda _: manager)


def exempt(manager: Guards[Any], endpoints: tuple[object, ...]) -> None:
    """Leave endpoints open. See `LoginManager.exempt`."""
    accepted = "names of endpoints, such as 'github.authorized' or 'github.*'"
    if not endpoints:
        raise ConfigurationError("endpoints", endpoints, accepted)
    for endpoint in endpoints:
        name = endpoint.removesuffix(".*") if isinstance(endpoint, str) else ""
        if not name or "*" in name:
            raise ConfigurationError("endpoints", endpoint, accepted)
    manager._exempt_endpoints.update(cast("tuple[str, ...]", endpoints))


def is_exempt(manager: Guards[Any], endpoint: str) -> bool:
    """Tell whether an application left an endpoint open by its name."""
    exempted = manager._exempt_endpoints
    return bool(exempted) and any(_is_named(endpoint, name) for name in exempted)


def exempt_in_vain(manager: Guards[Any], app: Flask) -> list[str]:
    """Return the names that were exempted and that no endpoint of an application has."""
    return sorted(
        name
        for name in manager._exempt_endpoints
        if not any(_is_named(endpoint, name) for endpoint in app.view_functions)
    )


def _is_named(endpoint: str, name: str) -> bool:
    return endpoint == name or (name.endswith(".*") and endpoint.startswith(name[:-1]))


def _answer(manager: Guards[Any]) -> ResponseReturnValue | None:
    """Return what answers this request, or None for who may pass."""
    request = get_request()
    endpoint = request.endpoint
    if endpoint is None or is_open(manager, get_app(), endpoint, request):
        return None
    refuse = must_log_in(lambda: manager)
    return None if refuse is None else cast("ResponseReturnValue", refuse())


def is_open(
    manager: Guards[Any], app: Flask, endpoint: str, request: Request | None = None
) -> bool:
    """Tell whether a manager does not guard an endpoint by default.

    :param request: ask for this request; by default whether it is so for any.
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


def _is_entrance(manager: Guards[Any], app: Flask, endpoint: str, request: Request | None) -> bool:
    """Tell whether an endpoint is the login or refresh view, where the refused are sent."""
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


def _entrances(manager: Guards[Any], app: Flask, blueprint: str) -> Iterator[str]:
    """Yield the login and refresh views; ``.login`` as it is meant in a blueprint."""
    names = (None, blueprint, getattr(app.blueprints.get(blueprint), "name", None))
    views = [(None, manager.login_view), (None, manager.refresh_view)]
    for key, view in [*views, *manager.blueprint_login_views.items()]:
        if view is not None and not view.startswith("."):
            yield view
        elif view is not None and key in names:
            yield f"{blueprint}{view}".removeprefix(".")


def guard_by_default(app: Flask) -> None:
    """Guard every view of an application by default, while the setting says so.

    The default realm does. Where there is none every request fails and says so: it would be worse
    if a site only believed itself to be guarded. An application that does not want it at its first
    request is rid of it from then on, unless it is tested: tests change settings between requests.
    """

    def manager(app: Flask) -> Guards[Any] | None:
        # Read at use: an application that sets it late must not stay open.
        return manager_of(app) if settings.LOGIN_REQUIRED_BY_DEFAULT.read(app.config) else None

    def step_aside() -> None:
        if not (app.testing or manager(app)):
            drop_before_request(app, guard)
        drop_before_request(app, step_aside)

    app.before_request(step_aside)
    guard = _guard_with(app, manager)


def _guard_with(
    target: Flask | Blueprint, manager: Callable[[Flask], Guards[Any] | None]
) -> Callable[[], ResponseReturnValue | None]:
    def guard() -> ResponseReturnValue | None:
        found = manager(get_app())
        return None if found is None else _answer(found)

    setattr(guard, DEFAULT_GUARD, manager)
    target.before_request(guard)
    return guard


def _nearest(app: Flask, endpoint: str) -> list[Any]:
    """Return the managers that guard an endpoint by default, of those nearest to it."""
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
    """Tell whether a URL leads to the view of this request, with the same arguments.

    Not the texts are compared: the routes say what they mean. An endpoint that serves more than
    the login view, such as one for every path, is open for the login view alone.
    """
    parts = urlsplit(url)
    if parts.netloc and not _is_own_host(parts.netloc.lower(), request):
        return False
    adapter: MapAdapter = get_context().url_adapter
    found = _match(adapter, parts.path, request.root_path, request.method)
    return found is not None and found == adapter.match()


def _is_own_host(host: str, request: Request) -> bool:
    """Tell whether a host is this request's, and the application's: anybody can send any host."""
    if host != request.host.lower():
        return False
    config = get_config()
    if config.get("TRUSTED_HOSTS") or get_app().url_map.host_matching:
        return True
    name = str(config["SERVER_NAME"] or "").lower()
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _leads_to(app: Flask, url: str, endpoint: str) -> bool:
    """Tell whether a URL leads to an endpoint, with any method and arguments."""
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
    for _ in range(2):  # a path that lacks the slash at its end is redirected
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
    Its place among the decorators does not matter. A class-based view may be marked itself; the
    classes that inherit from it are not marked by that.

    :param view: the view, which may be any callable, or the class of views. A view of an extension
        has a name instead: see `LoginManager.exempt`.
    :return: the same, marked.

    .. versionadded:: 0.6.90
    """
    mark(view, NOT_REQUIRED)
    return view
