"""The JSON API: by session, ``X-API-Key``, HTTP Basic or ``Bearer`` token.

It has safe methods only, so there is nothing that a forged request could do. A
method that changes something must first refuse callers known by a cookie.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from flask_login import current_login, login_required

from .login import signed_in_user

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/profile")
@login_required
def profile() -> Response:
    """Tell who is calling, and how they proved it."""
    user = signed_in_user()
    return jsonify(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        created=user.created_at.isoformat(),
        authenticated_by=current_login.source,
    )


@bp.after_request
def offer_basic(response: Response) -> Response:
    """Tell a refused program of HTTP Basic too; a browser would ask for it in a box of its own."""
    accepted = request.headers.get("Accept", "")
    browser = "Sec-Fetch-Mode" in request.headers or "text/html" in accepted
    if response.status_code == 401 and not browser:
        response.headers.add("WWW-Authenticate", 'Basic realm="portal", charset="UTF-8"')
    return response
