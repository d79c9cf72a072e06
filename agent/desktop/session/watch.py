"""The worker that follows the desktop session and tells the controller."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from agent.desktop.session.signals import Signals, combine, idle, is_away
from agent.errors import DesktopError
from agent.events import PowerChanged, SessionChanged, UserIsBack
from agent.ports import Clock, Report
from agent.settings import SessionSettings
from agent.timing import ToldOnce
from agent.worker import Worker

log = logging.getLogger(__name__)

CALM = 15.0
"""Seconds between two readings of what must be asked for (idle time)."""
ALERT = 2.0
"""The same while the camera is held off: it should be back soon after the user is."""
RELEASE_STEP, RELEASE_STEPS = 0.05, 60
"""Seconds between two looks whether the camera is off before the computer sleeps, and how many:
3 s in all; systems wait 5 s at most."""
NO_SESSION = 60.0
"""Seconds until the next try where there is no desktop session to follow."""


class SessionSource(Protocol):
    """One system's way of telling. The worker's thread, except :meth:`interrupt`."""

    def open(self) -> None:
        """Connect; at most a few seconds. Raises DesktopError when there is nothing to follow."""
        ...

    def read(self) -> Signals:
        """Read the present state; milliseconds. Raises DesktopError when the connection is lost."""
        ...

    def wait(self, timeout: float) -> None:
        """Wait ``timeout`` seconds, or until something changed or :meth:`interrupt`.

        Raises DesktopError when the connection is lost.
        """
        ...

    def let_sleep(self) -> None:
        """Let a computer that is about to sleep wait no longer: the camera is off.

        May be called when it does not; never raises.
        """
        ...

    def interrupt(self) -> None:
        """End the present or the next wait. Any thread."""
        ...

    def close(self) -> None:
        """Let go of everything. May be called twice; never raises."""
        ...


class SessionWatch(Worker):
    """Reports SessionChanged and PowerChanged, each only when it changed, and UserIsBack.

    Until the first report the camera may be on. Where nothing can be known (no D-Bus) it stays
    silent and looks again every minute. ``camera_is_off`` (any thread, at once) says when a
    computer that is about to sleep may do so, ``music_plays`` whether
    somebody may be listening.
    """

    def __init__(
        self,
        report: Report,
        clock: Clock,
        settings: SessionSettings,
        source: SessionSource,
        camera_is_off: Callable[[], bool] = lambda: True,
        music_plays: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__("session", report, clock)
        self._settings = settings
        self._source = source
        self._camera_is_off = camera_is_off
        self._music_plays = music_plays
        self._opened = False
        self._absence = ToldOnce()
        self._asleep = False
        self._reason: str | None = None
        self._away = False
        self._on_battery: bool | None = None

    def apply(self, settings: SessionSettings) -> None:
        """Use other settings from now on. Any thread."""
        self._settings = settings
        self.wake()

    def wake(self) -> None:
        """End the present wait, also the source's."""
        super().wake()
        self._source.interrupt()

    def request_stop(self) -> None:
        """Ask the thread to end; returns at once."""
        super().request_stop()
        self._source.interrupt()

    def cycle(self) -> float | None:
        """Read the session, report what changed, and wait."""
        if not self._opened:
            try:
                self._source.open()
            except DesktopError as error:
                if self._absence.is_news():
                    log.info("%s", error)
                self._source.close()
                return NO_SESSION
            self._opened = True
            self._absence.well()
        signals = self._source.read()
        self._tell(signals)
        if signals.asleep and not self._asleep:
            self._await_release()
        self._asleep = signals.asleep
        self._source.wait(CALM if self._reason is None else ALERT)
        return 0.0

    def release(self) -> None:
        """Close the source."""
        self._opened = False
        self._source.close()

    def _await_release(self) -> None:
        """Wait until the camera is off or hangs: the controller was told."""
        for _ in range(RELEASE_STEPS):
            if self._camera_is_off():
                break
            self.pause_within_cycle(RELEASE_STEP)
        self._source.let_sleep()

    def _tell(self, signals: Signals) -> None:
        music = self._music_plays()
        reason = combine(signals, self._settings, music=music)
        if reason != self._reason:
            self._reason = reason
            log.info("session: camera %s", "may be on" if reason is None else f"off, {reason}")
            untouched = reason is not None and reason == idle(signals, self._settings, music=music)
            self.report(SessionChanged(reason, idle=untouched))
        was_away, self._away = self._away, is_away(signals, self._settings)
        if was_away and not self._away:
            self.report(UserIsBack())
        if signals.on_battery is not None and signals.on_battery != self._on_battery:
            self._on_battery = signals.on_battery
            self.report(PowerChanged(signals.on_battery))
