"""When a notification may be shown, and how its text is made safe. Pure but for the clock."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from agent.effects import Notification
from agent.ports import Clock
from agent.settings import NotificationSettings
from agent.types import NotificationKind

INTERVAL = 60.0
"""Seconds between two notifications of a kind."""
STALE = 120.0
"""Seconds after which a change of the music is no news."""
LONGEST = 2_000
"""Characters of a notification; ours have some hundreds."""
LOOK = 60.0
"""Seconds between two looks at what is held back, at most: the settings may have changed, or the
wall clock, or the computer has slept."""

NEEDS_USER = frozenset(
    {
        NotificationKind.LOGIN,
        NotificationKind.DEVICE,
        NotificationKind.CAMERA,
        NotificationKind.PROBLEM,
        NotificationKind.WARNING,
    }
)
"""Kinds that outlast the quiet hours."""


@dataclass(frozen=True, slots=True)
class _Held:
    notification: Notification
    since: datetime


class WaitingRoom:
    """Says of each notification whether it is shown now, later or never.

    Later: the newest of a kind that comes within a minute of the last one shown, when that minute
    is over; and the newest of a kind that needs the user, when the quiet hours are. ``holds``
    says whether what was told of a kind still holds. One thread at a time.
    """

    def __init__(
        self,
        clock: Clock,
        holds: Callable[[NotificationKind], bool] = lambda _: True,
        interval: float = INTERVAL,
    ) -> None:
        self._clock = clock
        self._holds = holds
        self._interval = interval
        self._shown: dict[NotificationKind, float] = {}
        self._held: dict[NotificationKind, _Held] = {}

    def offer(self, notification: Notification, settings: NotificationSettings) -> bool:
        """Offer a notification; True: show it now, which counts as shown.

        False: it waits here, or it is dropped.
        """
        kind = notification.kind
        if notification.asked:  # what is held back of its kind keeps its turn
            self._shown[kind] = self._clock.monotonic()
            return True
        if not settings.enabled:
            return False
        if self._is_quiet(settings) and kind not in NEEDS_USER:
            return False
        if self._is_quiet(settings) or self._rest(kind) > 0:
            self._held[kind] = _Held(notification, self._clock.now())
            return False
        self._held.pop(kind, None)
        self._shown[kind] = self._clock.monotonic()
        return True

    def withdraw(self, kind: NotificationKind) -> None:
        """Drop what is held back of this kind: it holds no more."""
        self._held.pop(kind, None)

    def due(self, settings: NotificationSettings) -> list[Notification]:
        """Take what was held back and is to be shown now, oldest first; that counts as shown."""
        if not settings.enabled:
            self._held.clear()
        quiet = self._is_quiet(settings)
        out = []
        for kind, held in sorted(self._held.items(), key=lambda item: item[1].since):
            if quiet and kind in NEEDS_USER:
                continue
            if quiet or self._is_stale(held) or not self._holds(kind):
                del self._held[kind]
            elif self._rest(kind) <= 0:
                del self._held[kind]
                self._shown[kind] = self._clock.monotonic()
                out.append(held.notification)
        return out

    def seconds_left(self, settings: NotificationSettings) -> float | None:
        """Return when to ask :meth:`due` again, at most :data:`LOOK`; None: nothing waits."""
        if not self._held:
            return None
        quiet = 0.0
        if self._is_quiet(settings) and settings.quiet_to is not None:
            quiet = seconds_until(self._clock.now(), settings.quiet_to)
        return min(LOOK, *(max(quiet, self._rest(kind)) for kind in self._held))

    def _is_quiet(self, settings: NotificationSettings) -> bool:
        return is_quiet(self._clock.now().time(), settings.quiet_from, settings.quiet_to)

    def _is_stale(self, held: _Held) -> bool:
        # By the wall clock: the other one stands still while some systems sleep.
        age = (self._clock.now() - held.since).total_seconds()
        return held.notification.kind is NotificationKind.SWITCH and age > STALE

    def _rest(self, kind: NotificationKind) -> float:
        """Return the seconds until this kind may be shown again."""
        last = self._shown.get(kind)
        return 0.0 if last is None else last + self._interval - self._clock.monotonic()


def is_quiet(now: time, quiet_from: time | None, quiet_to: time | None) -> bool:
    """Tell whether ``now`` lies in the quiet hours, which may span midnight.

    The first minute belongs to them, the last does not; without both ends, or with equal ones,
    there are none.
    """
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return False
    now = now.replace(tzinfo=None)
    if quiet_from < quiet_to:
        return quiet_from <= now < quiet_to
    return now >= quiet_from or now < quiet_to


def seconds_until(now: datetime, at: time) -> float:
    """Count from ``now`` to the next time that the clock shows ``at``; > 0, at most a day.

    (On the two days a year when clocks are put on or back it is an hour off.)
    """
    then = datetime.combine(now.date(), at, now.tzinfo)
    if then <= now:
        then += timedelta(days=1)
    return (then - now).total_seconds()


def safe(text: str, markup: bool) -> str:
    """Write ``text`` such that the service shows it letter for letter; the beginning of a long one.

    Some services stand still for seconds over a text that nobody could read anyway.
    """
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    text = "".join(c for c in text if c == "\n" or c.isprintable())
    return html.escape(text, quote=False) if markup else text
