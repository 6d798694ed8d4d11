"""The site for servers that speak ASGI: ``tests.integrations.served_asgi:app``."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware
from tests.integrations import served

app = WSGIMiddleware(served.app)
