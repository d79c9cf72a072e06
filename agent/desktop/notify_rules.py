"""When a notification may be shown, and how its text is made safe. Pure."""

from __future__ import annotations

import html
from datetime import time

from agent.ports import Clock
from agent.types import NotificationKind

INTERVAL = 60.0
"""Seconds between two notifications of a kind."""


class RateGate:
    """Lets one notification of a kind through in ``interval`` seconds. One thread at a time."""

    def __init__(self, clock: Clock, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._last: dict[NotificationKind, float] = {}

    def allow(self, kind: NotificationKind) -> bool:
        """True when this kind may be shown now; that counts as shown."""
        now = self._clock.monotonic()
        last = self._last.get(kind)
        if last is not None and now - last < self._interval:
            return False
        self._last[kind] = now
        return True


def is_quiet(now: time, quiet_from: time | None, quiet_to: time | None) -> bool:
    """Whether ``now`` lies in the quiet hours, which may span midnight. The first minute belongs
    to them, the last does not; without both ends, or with equal ones, there are none."""
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return False
    now = now.replace(tzinfo=None)
    if quiet_from < quiet_to:
        return quiet_from <= now < quiet_to
    return now >= quiet_from or now < quiet_to


def safe(text: str, markup: bool) -> str:
    """``text`` such that the service shows it letter for letter: control characters go, and where
    the service reads markup, its signs are escaped."""
    text = "".join(c for c in text if c == "\n" or c.isprintable())
    return html.escape(text, quote=False) if markup else text
