"""The site as real servers import it: ``tests.integrations.served:app``.

Its logins are in the database that ``STORE`` names, since a server may have several processes.
"""

from __future__ import annotations

import os

from tests.integrations.flow import make_site

from flask_login.sessions import SQLAlchemySessionStore

store = SQLAlchemySessionStore(os.environ["STORE"]) if os.environ.get("STORE") else None
if store is not None:
    store.create_all()
app = make_site(store)
