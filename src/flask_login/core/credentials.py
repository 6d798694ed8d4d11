"""Credentials of the stored level: what the browser holds, and what a good one brought."""

from __future__ import annotations

import re
from typing import NamedTuple

from flask_login.sessions.records import LoginSession

_CREDENTIAL = re.compile(r"([^.]+)\.([^.]+)\.([0-9]{1,9})(?:\.([a-z]))?")


class Credential(NamedTuple):
    """What the browser holds of a login: its handle, its secret and a generation number."""

    id: str
    secret: str
    generation: int
    #: The mark of the type of the user id, where that is no text (`user_ids`).
    mark: str = ""

    def __repr__(self) -> str:
        return f"<Credential of {self.id}>"

    def to_text(self) -> str:
        """Return it as one text; `from_text` reads it."""
        text = f"{self.id}.{self.secret}.{self.generation}"
        return f"{text}.{self.mark}" if self.mark else text

    @classmethod
    def from_text(cls, text: object) -> Credential | None:
        """Return the credential in a text, or None for any other."""
        match = _CREDENTIAL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        session_id, secret, generation, mark = match.groups()
        return cls(session_id, secret, int(generation), mark or "")


class Presented(NamedTuple):
    """A login that a request showed a good credential of."""

    record: LoginSession
    secret: str
    #: Whether the browser is to be given the newest credentials.
    reissue: bool = False
    #: Whether the credential was the newest, and no copy from before a confirmation.
    newest: bool = True
    #: What the browser showed.
    shown: Credential = Credential("", "", 0)

    def __repr__(self) -> str:
        return f"<Presented {self.record.id}>"
