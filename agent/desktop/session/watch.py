"""The worker that follows the desktop session and tells the controller."""

from __future__ import annotations

import logging
from typing import Protocol

from agent.desktop.session.signals import Signals, combine
from agent.errors import DesktopError
from agent.events import PowerChanged, SessionChanged
from agent.ports import Clock, Report
from agent.settings import SessionSettings
from agent.worker import Worker

log = logging.getLogger(__name__)

CALM = 15.0
"""Seconds between two readings of what must be asked for (idle time)."""
ALERT = 2.0
"""The same while the camera is held off: it should be back soon after the user is."""
NO_SESSION = 60.0
"""Seconds until the next try where there is no desktop session to follow."""


class SessionSource(Protocol):
    """One system's way of telling. The worker's thread, except :meth:`interrupt`."""

    def open(self) -> None:
        """Connect; at most a few seconds. Raises DesktopError when there is nothing to follow."""
        ...

    def read(self) -> Signals:
        """The present state; milliseconds. Raises DesktopError when the connection is lost."""
        ...

    def wait(self, timeout: float) -> None:
        """Return after ``timeout`` seconds, or at once when something changed or on
        :meth:`interrupt`. Raises DesktopError when the connection is lost."""
        ...

    def interrupt(self) -> None:
        """End the present or the next wait. Any thread."""
        ...

    def close(self) -> None:
        """May be called twice; never raises."""
        ...


class SessionWatch(Worker):
    """Reports SessionChanged and PowerChanged, each only when it changed.

    Until the first report the camera may be on. Where nothing can be known (no D-Bus) it stays
    silent and looks again every minute.
    """

    def __init__(
        self, report: Report, clock: Clock, settings: SessionSettings, source: SessionSource
    ) -> None:
        super().__init__("session", report, clock)
        self._settings = settings
        self._source = source
        self._opened = False
        self._told_absence = False
        self._reason: str | None = None
        self._on_battery: bool | None = None

    def apply(self, settings: SessionSettings) -> None:
        """Use other settings from now on. Any thread."""
        self._settings = settings
        self.wake()

    def wake(self) -> None:
        super().wake()
        self._source.interrupt()

    def request_stop(self) -> None:
        super().request_stop()
        self._source.interrupt()

    def cycle(self) -> float | None:
        if not self._opened:
            try:
                self._source.open()
            except DesktopError as error:
                if not self._told_absence:
                    log.info("%s", error)
                    self._told_absence = True
                self._source.close()
                return NO_SESSION
            self._opened = True
            self._told_absence = False
        self._tell(self._source.read())
        self._source.wait(CALM if self._reason is None else ALERT)
        return 0.0

    def release(self) -> None:
        self._opened = False
        self._source.close()

    def _tell(self, signals: Signals) -> None:
        reason = combine(signals, self._settings)
        if reason != self._reason:
            self._reason = reason
            log.info("session: camera %s", "may be on" if reason is None else f"off, {reason}")
            self.report(SessionChanged(reason))
        if signals.on_battery is not None and signals.on_battery != self._on_battery:
            self._on_battery = signals.on_battery
            self.report(PowerChanged(signals.on_battery))
