"""What a desktop session tells, and what follows from it for the camera. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent.settings import SessionSettings
from agent.translation import _, ngettext
from agent.wording import SCREEN_SHARED

IN_USE = 30.0
"""Seconds without input up to which somebody counts as working."""
NOT_LOCKED_AFTER = 120.0
"""Seconds of steady work after which an unconfirmed lock is taken for over: nobody types that long
at a lock screen."""


@dataclass(frozen=True, slots=True)
class Signals:
    """One reading. None means that this system does not tell."""

    asleep: bool = False
    lid_closed: bool = False  # and no other screen in use
    locked: bool = False
    in_background: bool = False  # another user's session has the screen
    idle_seconds: float | None = None  # since the last key or pointer movement
    idle_hint: bool = False  # the desktop's own opinion; used where idle_seconds is None
    sharing: bool | None = None  # the screen is shown to others
    on_battery: bool | None = None


def is_away(signals: Signals, settings: SessionSettings) -> bool:
    """Tell whether nobody uses the computer, whatever becomes of the camera for that."""
    untouched = signals.idle_hint
    if signals.idle_seconds is not None:
        untouched = signals.idle_seconds >= settings.idle_minutes * 60.0
    gone = signals.asleep or signals.lid_closed or signals.in_background or signals.locked
    return gone or untouched


def combine(signals: Signals, settings: SessionSettings, *, music: bool = False) -> str | None:
    """Why the camera should be off, in the user's words; None: it may be on.

    The strongest reason is told when there are several. ``music``: some plays, so that whoever
    touches nothing may be listening.
    """
    if signals.asleep:
        return _("the computer sleeps")
    if signals.lid_closed:
        return _("the lid is closed")
    if signals.in_background:
        return _("another user has the screen")
    if signals.locked and settings.release_when_locked:
        return _("the screen is locked")
    if signals.sharing and settings.release_when_sharing:
        return SCREEN_SHARED
    if settings.release_when_idle:
        return idle(signals, settings, music=music)
    return None


def idle(signals: Signals, settings: SessionSettings, *, music: bool = False) -> str | None:
    """Say that nobody uses the computer, in the user's words; None: somebody does."""
    if signals.idle_seconds is None:
        return _("nobody uses the computer") if signals.idle_hint and not music else None
    minutes = settings.idle_minutes
    if music:
        minutes = max(minutes, settings.idle_minutes_with_music)
    if signals.idle_seconds < minutes * 60.0:
        return None
    return ngettext(
        "nobody has touched the computer for {minutes:g} minute",
        "nobody has touched the computer for {minutes:g} minutes",
        1 if minutes == 1.0 else 2,
    ).format(minutes=minutes)


class LockSense:
    """Tells a locked screen from the three things that desktops say about it.

    ``hint`` is a state and is believed. A request to lock and the screen saver's word are events:
    a locker that never tells its end would keep the camera off for good, so that these two end
    when somebody has been working for a while.
    """

    def __init__(self) -> None:
        self._hint = False
        self._requested = False
        self._saver = False
        self._working_since: float | None = None

    @property
    def locked(self) -> bool:
        """True when the screen is locked, as far as is known."""
        return self._hint or self._requested or self._saver

    @property
    def hinted(self) -> bool:
        """True when the session's state is a locked one."""
        return self._hint

    def hint(self, locked: bool) -> None:
        """Take in the session's state (logind's LockedHint)."""
        self._hint = locked
        if not locked:
            self._requested = False

    def requested(self, lock: bool) -> None:
        """Take in that somebody asked to lock, or to unlock, the session."""
        self._requested = lock
        if not lock:
            self._saver = False

    def saver(self, active: bool) -> None:
        """Take in that the screen saver started or ended."""
        self._saver = active
        if not active:
            self._requested = False

    def seen(self, now: float, idle_seconds: float | None) -> None:
        """Take in a reading of the input, at monotonic ``now``."""
        working = idle_seconds is not None and idle_seconds <= IN_USE
        if not working or not (self._requested or self._saver):
            self._working_since = None
        elif self._working_since is None:
            self._working_since = now
        elif now - self._working_since >= NOT_LOCKED_AFTER:
            self._requested = self._saver = False
