"""The real clock."""

from __future__ import annotations

import time
from datetime import datetime


class SystemClock:
    """Implements :class:`agent.ports.Clock`."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the wall clock, timezone-aware (local zone)."""
        return datetime.now().astimezone()
