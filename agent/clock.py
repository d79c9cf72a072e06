"""The real clock."""

from __future__ import annotations

import time
from datetime import datetime


class SystemClock:
    """Implements :class:`agent.ports.Clock`."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now().astimezone()
