"""The status of a redirect: 302 in every Flask of today, and Flask's to change."""

from __future__ import annotations

from flask import redirect

#: What `flask.redirect` answers with where nobody names a status.
REDIRECT = redirect("/").status_code
