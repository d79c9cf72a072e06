"""When the player's thread does what is not urgent: looks for a device, and does chores."""

from __future__ import annotations

from collections.abc import Callable

from agent.players.backend import Chores
from agent.players.polling import Budget, next_look
from agent.ports import Clock
from agent.timing import WISH_LIFE

SPACING = 2.0
"""Seconds between two pieces of work: a service counts requests over half a minute."""
ROOM = 10.0
"""Seconds that must be free before the next reading: the longest that one request may take."""
REST = 60.0
"""Seconds without such work after a piece that failed."""


class DeviceWatch:
    """When to look for a device that music waits for.

    One thread's; idle until :meth:`begin`, and again after :meth:`end` or WISH_LIFE.
    """

    def __init__(self, clock: Clock, budget: Callable[[], Budget | None]) -> None:
        self._clock = clock
        self._budget = budget
        self._until = self._next = float("-inf")

    def begin(self) -> None:
        """Begin to look: a start found no device."""
        now = self._clock.monotonic()
        self._until = now + WISH_LIFE
        self._next = now + next_look(self._budget())

    def end(self) -> None:
        """Stop: a device is there, or nothing waits for one any more."""
        self._until = float("-inf")

    def wait(self) -> float | None:
        """Return the seconds until the next look; None: there is none."""
        now = self._clock.monotonic()
        return None if now >= self._until else max(0.0, self._next - now)

    def looked(self) -> None:
        """Note that a look begins now."""
        self._next = self._clock.monotonic() + next_look(self._budget())


class ChoreTimer:
    """One thread's. ``chores`` None: there is never anything to do."""

    def __init__(self, chores: Chores | None, clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._not_before = float("-inf")

    def wait(self, due: float) -> float | None:
        """Return the seconds until a piece of work fits in before the reading at ``due``.

        Monotonic; None when there is none, or no room for it.
        """
        if self._chores is None or not self._chores.pending():
            return None
        now = self._clock.monotonic()
        begin = max(now, self._not_before)
        return begin - now if due - begin >= ROOM else None

    def work(self) -> None:
        """Do one piece. Raises the PlayerError family; after any failure there is a rest."""
        if self._chores is not None:
            self._not_before = self._clock.monotonic() + REST
            self._chores.work()
            self._not_before = self._clock.monotonic() + SPACING
