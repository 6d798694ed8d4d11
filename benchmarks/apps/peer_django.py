"""Django: its sessions in signed cookies and its `login_required`, with users in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="fd6c1ba3b8a2e5f04c0d8a4b1f5e9270",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[f"{__name__}.People"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    ROOT_URLCONF=__name__,
    DATABASES={},
)
django.setup()

from django.contrib.auth import get_user_model, login  # noqa: E402  # once Django is set up
from django.contrib.auth.decorators import login_required  # noqa: E402  # as above
from django.contrib.auth.signals import user_logged_in  # noqa: E402  # as above
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  # as above
from django.http import HttpRequest, HttpResponse  # noqa: E402  # as above
from django.test.utils import override_settings  # noqa: E402  # as above
from django.urls import path  # noqa: E402  # as above

from .wsgi import Variant, ask, environ  # noqa: E402  # as above

_ADA = get_user_model()(id=1234, username="ada", password="x")
user_logged_in.disconnect(dispatch_uid="update_last_login")  # there is no database


class People:
    """Finds the one user there is."""

    def get_user(self, user_id: int) -> Any:
        return _ADA if user_id == _ADA.id else None


def log_in(request: HttpRequest) -> HttpResponse:
    login(request, _ADA, f"{__name__}.People")
    return HttpResponse("ok")


@login_required
def page(request: HttpRequest) -> HttpResponse:
    assert request.user.username
    return HttpResponse("ok")


def nothing(request: HttpRequest) -> HttpResponse:
    # Read and decoded, as Flask does for every request with a session cookie.
    request.session.get("nothing")
    return HttpResponse("ok")


urlpatterns = [path("login", log_in), path("page", page), path("nothing", nothing)]


def session(urls: Mapping[str, str]) -> Variant:
    app = WSGIHandler()
    only_sessions = ["django.contrib.sessions.middleware.SessionMiddleware"]
    # A handler keeps the middleware there is when it is made.
    with override_settings(MIDDLEWARE=only_sessions):
        handler = WSGIHandler()

    def bare(request: dict[str, Any], start_response: Any) -> Any:
        request["PATH_INFO"] = "/nothing"
        return handler(request, start_response)

    found = ask(app, environ("/login"))
    cookies = {"sessionid": found.cookies["sessionid"]}
    made = Variant(app, bare, {"page": [environ("/page", cookies)]})
    made.facts["cookie"] = len(f"sessionid={cookies['sessionid']}")
    return made


VARIANTS: dict[str, Callable[[Mapping[str, str]], Variant]] = {"Django": session}


def versions() -> dict[str, Any]:
    """Return what is compared here."""
    return {"Django": django.get_version()}
