"""What keeps the player's worker from asking the player, and whether it is in trouble."""

from __future__ import annotations

from datetime import datetime

from agent.errors import (
    AgentError,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    RateLimited,
    ServiceDown,
)
from agent.players.backend import ReadingsSpent

LIMIT_CHECK = 600.0
"""While rate limited, look at the wall clock that often: the computer may have slept."""

_LASTING = (NeedsLogin, NoDevice, RateLimited, Offline, ServiceDown)
"""Trouble that is over when a reading succeeds; a command's other refusals concern it alone."""


class ErrorState:
    """What stands in the way of calls. One thread's.

    A login that is needed and a rate limit forbid every call; they and other lasting trouble are
    over when a reading succeeds.
    """

    def __init__(self) -> None:
        self._login: NeedsLogin | None = None
        self._limit: RateLimited | None = None
        self._spent: ReadingsSpent | None = None
        self._in_trouble = False

    def blocked(self, now: datetime, *, command: bool = False) -> PlayerError | None:
        """Tell why no call may be made at ``now`` (the wall clock), or None.

        A ``command`` has requests kept for it when the day's readings are spent.
        """
        if self._login is not None:
            return self._login
        if self._limit is not None and now < self._limit.until:
            return self._limit
        if self._spent is not None and not command and now < self._spent.until:
            return self._spent
        return None

    def wait(self, now: datetime) -> float | None:
        """Return the seconds until :meth:`blocked` is worth asking again; None: until a login."""
        blocked = self.blocked(now)
        if self._login is not None or not isinstance(blocked, RateLimited):
            return None
        return min(max(0.0, (blocked.until - now).total_seconds()), LIMIT_CHECK)

    def logged_in(self) -> None:
        """Forget that a login was needed."""
        self._login = None

    def met(self, error: AgentError, *, in_command: bool = False) -> None:
        """Take note of trouble; ``in_command``: it is the answer to a command."""
        if isinstance(error, NeedsLogin):
            self._login = error
        elif isinstance(error, ReadingsSpent):
            self._spent = error
        elif isinstance(error, RateLimited):
            self._limit = error
        if not in_command or isinstance(error, _LASTING):
            self._in_trouble = True

    def overcome(self) -> bool:
        """Note that a reading succeeded; True when there was trouble before."""
        was, self._in_trouble = self._in_trouble, False
        return was
