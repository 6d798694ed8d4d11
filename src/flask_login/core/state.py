"""What one realm knows of one request, and has decided in it: the state of a `Visit`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .entry import Session
from .ports import Ports
from .users import UNLOADED

if TYPE_CHECKING:
    from .login_entries import LoginEntries
    from .logins import Credential, Presented
    from .realm import Realm
    from .remember import RememberToken

#: A user object, and the id that it was loaded by.
Loaded = tuple[Any, Any]
NOBODY_LOADED: Loaded = (UNLOADED, None)


class State(Ports):
    """The state of a visit. Most requests change a few of these: the rest are the class's."""

    realm: Realm
    #: The application's settings.
    config: Mapping[str, Any]
    #: Whether the response has begun: the browser can't be told anything any more.
    is_late: bool = False

    #: The current user.
    user: Any = UNLOADED
    #: The user that was found last, by whichever of the request's threads and greenlets.
    found: Any = UNLOADED
    #: Which source named the user; None while there is nobody.
    source: str | None = None
    #: Whose login the session is.
    owner: Loaded = NOBODY_LOADED
    #: As whom the session's user acts.
    acted: Loaded = NOBODY_LOADED
    #: The user who impersonates the current one; None while nobody does.
    actor: Any = None
    #: What other code wrote to ``g._login_user`` during this request.
    written: Any = UNLOADED
    #: The session, where it or a cookie may hold a login. Else it does not count as used.
    opened: Session | None = None
    #: Which kind of source is asked at the moment.
    asks: Literal["cookies", "loaders"] | None = None
    #: Whether the login is looked at without a sign of a person.
    is_passive: bool = False
    #: Whether the login has a cookie of its own (``LOGIN_STATE``), and what it then is: made when
    #: it is first asked for.
    by_cookie: bool = False
    in_cookie: LoginEntries | None = None
    #: Whether session protection has refused the session: the remember cookie came with it.
    is_distrusted: bool = False
    #: Whether the application logged somebody in or out while the user was being found out.
    is_decided: bool = False
    #: The user id that the loader does not know at the moment, as text; nothing ends for it yet.
    unknown: str | None = None
    #: The user id that the loader has not known for too long, as text.
    given_up: str | None = None
    #: Why the login that the browser showed is over, when it is.
    ended_reason: str | None = None
    #: What kept the request from knowing its user: told once, nobody from then on.
    failure: BaseException | None = None
    #: How recently, and how, a guard wanted the user to have proved who they are.
    required: tuple[timedelta | None, frozenset[str]] = (None, frozenset())

    # What the response carries

    #: What the response does with the remember cookie.
    cookie: Literal["set", "clear"] | None = None
    #: The response on which the application did it itself, and what the session said then.
    said_on: tuple[Any, Any] | None = None
    #: Whether a remember cookie of another user may be left beside the one to be set.
    leftover: bool = False
    #: How long the browser is remembered; None is the setting's.
    lifetime: timedelta | None = None
    #: The token to set as it is: a new signature, or new credentials, but not a new time.
    reissued: RememberToken | None = None
    #: Whether the response clears what the browser keeps of the pages.
    clear_site_data: bool = False

    # What the level knows

    #: The remember token of this request, once read; None when it has no good one.
    token: RememberToken | None = UNLOADED
    #: The stored login.
    stored: Presented | None = None
    #: The login whose credential was written last: the browser has it when the response is there.
    given: Presented | None = None
    #: The session store's failure, when the session was believed nonetheless.
    trusted: Exception | None = None
    #: What the remember cookies of this request hold, those that were read.
    credentials: Mapping[str, Credential | None] = MappingProxyType({})
    #: Whether the session store left a question of this request without an answer.
    store_failed: bool = False
    #: What there was before the login was brought up to date: the entries of the session, whether
    #: it was modified (None where it does not say so), `cookie` and `reissued`.
    before: tuple[dict[str, Any], bool | None, Any, Any] | None = None
