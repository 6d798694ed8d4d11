"""Headers, proxies and the rule that the API never sets a cookie."""

from __future__ import annotations

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.middleware.proxy_fix import ProxyFix

API_PREFIX = "/api/"

# Everything comes from the portal itself and nothing is inline; ``data:`` is for
# the small images inside Bootstrap's style sheet.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not "no-referrer": over https the CSRF check wants the referrer of our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ONE_YEAR = 365 * 24 * 60 * 60


def is_api_request() -> bool:
    return request.path.startswith(API_PREFIX)


class PortalSessionInterface(SecureCookieSessionInterface):
    """Flask's session, except that an answer of the API carries no cookie.

    Saving the session is the last thing Flask does to a response, so a cookie
    that anyone else has set is gone too.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_api_request():
            response.headers.remove("Set-Cookie")
            response.vary.update(("Authorization", "Cookie", "X-API-Key"))
            return
        super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    app.session_interface = PortalSessionInterface()
    app.after_request(add_headers)
    proxies, hosts = app.config["PROXY_FIX"], app.config["PROXY_FIX_HOST"]
    if proxies or hosts:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the way Flask documents
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=hosts
        )


def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}"
    if request.endpoint not in {"static", "bootstrap.static"}:
        # After logout, "Back" must not show the pages of the one who has left.
        response.headers["Cache-Control"] = "no-store"
    return response
