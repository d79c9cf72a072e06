"""A clock that tests drive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Implements agent.ports.Clock; time moves only by :meth:`advance`."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        self._elapsed = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self._elapsed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock ahead, or back; the other goes on as it was."""
        self._start += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds
