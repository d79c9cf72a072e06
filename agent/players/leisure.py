"""When the player's thread does what can wait."""

from __future__ import annotations

from agent.players.backend import Chores
from agent.ports import Clock

SPACING = 2.0
"""Seconds between two pieces of work: a service counts requests over half a minute."""
ROOM = 10.0
"""Seconds that must be free before the next reading: the longest that one request may take."""
REST = 60.0
"""Seconds without such work after a piece that failed."""


class ChoreTimer:
    """One thread's. ``chores`` None: there is never anything to do."""

    def __init__(self, chores: Chores | None, clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._not_before = float("-inf")

    def wait(self, due: float) -> float | None:
        """Seconds until a piece of work fits in before the reading at ``due`` (monotonic); None
        when there is none, or no room for it."""
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
