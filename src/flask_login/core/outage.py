"""The outages of a session store in the log: once when one begins, and once when it is over."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock

from flask_login.sessions.store import SessionStore, SessionStoreUnavailable, named

from .settings import logger

# A store that answers every other question, such as a cluster without one of its nodes, has as many
# outages as there are requests. So many of them are told of in so many seconds.
_MOST, _SPAN = 5, 60.0


class Outages:
    """The outages of one realm's store, as this process knows them."""

    def __init__(self, store: SessionStore, realm: str) -> None:
        self._store, self._realm = store, realm
        self._lock = Lock()
        #: Whether the store gave no answer when it was last asked. Read at each question.
        self.is_on: bool = False
        #: The questions that it has not answered since; and whether it could not even be asked.
        self._unanswered: set[str] = set()
        self._is_unreached = False
        self._began: float = 0.0
        self._last: float = 0.0
        #: Whether the log has been told of this one, and when it was told of the latest ones.
        self._is_told = False
        self._tellings: deque[float] = deque(maxlen=_MOST)

    def note_failure(self, question: str, error: SessionStoreUnavailable, *, tells: bool) -> None:
        """Note that a question went unanswered.

        :param question: the name of one of the methods of `SessionStore`.
        :param tells: log it, if that is news.
        """
        now = time.monotonic()
        with self._lock:
            if not self.is_on:
                self.is_on, self._began = True, now
            self._unanswered.add(question)
            self._is_unreached = self._is_unreached or error.is_unreached
            self._last = now
            flaps = len(self._tellings) == _MOST and now - self._tellings[0] < _SPAN
            if not tells or self._is_told or flaps:
                return
            self._is_told = True
            self._tellings.append(now)
        logger.error(
            "The session store of the realm '%s' (%s) gives no answer: %s. Until it does, requests"
            " of logged-in users get 503, and nobody can log in. It is asked again as they come.",
            self._realm,
            named(self._store),
            error.why,
        )

    def note_answer(self, question: str, asked: float) -> None:
        """Note that a question was answered; log it, if that ends an outage.

        A store that is full still tells what it has, and keeps nothing new. So unless it could not
        be reached, only a question that went unanswered shows that the outage is over.

        :param asked: when, by `time.monotonic`. A question that was asked before another one
            went unanswered shows nothing.
        """
        with self._lock:
            shows = self._is_unreached or question in self._unanswered
            if not shows or asked < self._last:
                return
            self._unanswered.clear()
            self._is_unreached = False
            told = self._is_told
            self.is_on = self._is_told = False
            lasted: float = time.monotonic() - self._began
        if told:
            logger.warning(
                "The session store of the realm '%s' (%s) answers again, after %.0f s.",
                self._realm,
                named(self._store),
                lasted,
            )
