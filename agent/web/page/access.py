"""Who may see the page: links that work once, the cookie they leave, and the token of each form.

Standard library only: links are made before anybody has asked for a page. The cookie and the form
tokens are signed with a key, so nothing has to be remembered here. At a port that the user chose
the key lies in their runtime folder, and a page that is open survives a restart of the agent.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
from collections import deque
from pathlib import Path

from agent import logs
from agent.addresses import LOOPBACK
from agent.errors import StoreError
from agent.ports import Clock
from agent.store.files import read_private, write_private

LINK_SECONDS = 300.0
"""How long a link works."""
LINKS_KEPT = 16
"""Unused links at most; the oldest goes first."""
SESSION_SECONDS = 12 * 3600.0
"""How long a page may stay open without a new visit."""
RENEW_SECONDS = 3600.0
"""A cookie older than this is replaced at the next visit."""
FREE_FAILURES = 3
"""Wrong links or cookies that are answered at once."""
FAILURE_MEMORY = 60.0
"""Seconds for which a failure counts."""
MAX_DELAY = 4.0
"""Seconds that an answer to a wrong link or cookie waits at most."""
REFUSE_AFTER = 20
"""Failures within FAILURE_MEMORY after which further ones are refused unread."""

KEY_FILE = "page.key"
KEY_BYTES = 100
PAGES = ("", "moods", "history", "history#delete", "settings", "start", "spotify", "face")
"""Where a link may lead: a page, or a part of one."""


class Access:
    """Any thread. ``key`` signs cookies and form tokens."""

    def __init__(self, key: bytes, clock: Clock, port: int) -> None:
        self._key = key
        self._clock = clock
        self.port = port
        self._lock = threading.Lock()
        self._links: dict[bytes, tuple[float, str]] = {}  # digest -> when made, where to
        self._failures: deque[float] = deque(maxlen=REFUSE_AFTER * 2)

    @property
    def cookie_name(self) -> str:
        """The cookie's name; browsers do not keep cookies of one host apart by port."""
        return f"moodtray-{self.port}"

    @property
    def origin(self) -> str:
        """The page's own origin."""
        return f"http://{LOOPBACK}:{self.port}"

    # -- links

    def link(self, page: str = "") -> str:
        """Make an address that opens ``page`` once, within LINK_SECONDS.

        Raises ValueError for a page that is none.
        """
        if page not in PAGES:
            raise ValueError(page)
        token = secrets.token_urlsafe(32)
        logs.hide(token, kind="page")
        with self._lock:
            while len(self._links) >= LINKS_KEPT:
                del self._links[next(iter(self._links))]
            self._links[_digest(token)] = (self._clock.monotonic(), page)
        return f"{self.origin}/enter/{token}"

    def redeem(self, token: str) -> str | None:
        """Use a link up: the page it leads to, None when it is unknown, used or too old."""
        with self._lock:
            made, page = self._links.pop(_digest(token), (None, ""))
        if made is None or self._clock.monotonic() - made > LINK_SECONDS:
            return None
        return page

    # -- the cookie

    def new_session(self) -> str:
        """Make a cookie's value."""
        body = f"{int(self._clock.now().timestamp())}.{secrets.token_urlsafe(16)}"
        session = f"{body}.{self._sign('session', body)}"
        logs.hide(session, kind="page")
        return session

    def is_session(self, value: str) -> bool:
        """Tell whether this is a cookie of ours that still holds."""
        age = self._age(value)
        # A clock that was set back makes a cookie of the future; that locks nobody out.
        return age is not None and abs(age) <= SESSION_SECONDS

    def wants_renewal(self, value: str) -> bool:
        """Tell whether a valid cookie should be replaced."""
        age = self._age(value)
        return age is not None and not 0 <= age <= RENEW_SECONDS

    def form_token(self, session: str) -> str:
        """Make the token that each change from this session's pages carries."""
        return self._sign("form", session.partition(".")[2].partition(".")[0])

    def is_form_token(self, session: str, token: str) -> bool:
        """Tell whether a change carries its session's token."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())

    # -- slowing down

    def failed(self) -> float | None:
        """Count a wrong link or cookie.

        Returns the seconds to wait before it is answered, None when there were so many that it is
        to be refused.
        """
        now = self._clock.monotonic()
        with self._lock:
            self._failures.append(now)
            while self._failures and now - self._failures[0] > FAILURE_MEMORY:
                self._failures.popleft()
            count = len(self._failures)
        if count > REFUSE_AFTER:
            return None
        over = count - FREE_FAILURES
        return 0.0 if over <= 0 else min(MAX_DELAY, 0.125 * 2.0 ** min(over, 10))

    def _age(self, value: str) -> float | None:
        body, _, signature = value.rpartition(".")
        expected = self._sign("session", body)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        return self._clock.now().timestamp() - int(body.partition(".")[0])

    def _sign(self, purpose: str, text: str) -> str:
        signed = f"{purpose}:{self.port}:{text}".encode("utf-8", "replace")
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


def load_key(runtime: Path) -> bytes:
    """Read the key in the runtime folder, or make one.

    A key that cannot be kept is good for this run alone.
    """
    file = runtime / KEY_FILE
    try:
        key = bytes.fromhex(read_private(file, KEY_BYTES).decode("ascii"))
        if len(key) == 32 and file.stat().st_mode & 0o077 == 0:
            return key
    except (OSError, ValueError):
        pass
    key = new_key()
    with contextlib.suppress(StoreError):
        write_private(file, key.hex().encode())
    return key


def new_key() -> bytes:
    """Make a key."""
    return secrets.token_bytes(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
