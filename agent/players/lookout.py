"""When to look for a device that music waits for."""

from __future__ import annotations

from collections.abc import Callable

from agent.players.polling import Budget, next_look
from agent.ports import Clock
from agent.timing import WISH_LIFE


class DeviceWatch:
    """One thread's; idle until :meth:`begin`, and again after :meth:`end` or WISH_LIFE."""

    def __init__(self, clock: Clock, budget: Callable[[], Budget | None]) -> None:
        self._clock = clock
        self._budget = budget
        self._until = self._next = float("-inf")

    def begin(self) -> None:
        """A start found no device."""
        now = self._clock.monotonic()
        self._until = now + WISH_LIFE
        self._next = now + next_look(self._budget())

    def end(self) -> None:
        """One is there, or nothing waits for it any more."""
        self._until = float("-inf")

    def wait(self) -> float | None:
        """Seconds until the next look; None: there is none."""
        now = self._clock.monotonic()
        return None if now >= self._until else max(0.0, self._next - now)

    def looked(self) -> None:
        """A look begins now."""
        self._next = self._clock.monotonic() + next_look(self._budget())
