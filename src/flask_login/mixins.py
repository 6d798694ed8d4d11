"""An old import path: the classes to inherit from, which are defined in `core.users`."""

from __future__ import annotations

from .core.users import AnonymousUserMixin as AnonymousUserMixin
from .core.users import UserMixin as UserMixin
from .core.users import says as says
