"""How long nobody touched keyboard or pointer, on Linux.

GNOME's compositor tells it on the session bus, others on their Wayland socket, a real X server by
its screen saver extension. Where none does the session's IdleHint has to do.
org.freedesktop.ScreenSaver's GetSessionIdleTime is not asked: desktops disagree whether its unit
is seconds or milliseconds.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Protocol

from agent.desktop.session.bus import Bus

log = logging.getLogger(__name__)


class IdleReader(Protocol):
    """The session worker's thread; milliseconds."""

    def seconds(self) -> float | None:
        """Return the seconds since the last input; None: not known."""
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...


class MutterIdle:
    """GNOME Shell's idle monitor; ``bus`` belongs to the caller."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def seconds(self) -> float | None:
        """Ask GNOME's compositor."""
        answer = self._bus.call(
            "org.gnome.Mutter.IdleMonitor",
            "/org/gnome/Mutter/IdleMonitor/Core",
            "org.gnome.Mutter.IdleMonitor",
            "GetIdletime",
            gives="t",
        )
        return None if answer is None else float(answer[0]) / 1000.0

    def close(self) -> None:
        """Do nothing: there is nothing of its own to close."""


class X11Idle:
    """The screen saver extension of an X server; ``display`` is an open Xlib display."""

    def __init__(self, display: Any) -> None:
        self._display = display

    def seconds(self) -> float | None:
        """Ask the X server's screen saver extension."""
        info = self._display.screen().root.screensaver_query_info()
        return float(info.idle) / 1000.0

    def close(self) -> None:
        """Close the display."""
        try:
            self._display.close()
        except Exception:  # Xlib raises its own kinds when the server went first
            log.debug("the X display closed badly", exc_info=True)


def find_reader(session: Bus | None) -> IdleReader | None:
    """Find the reader that works here, if there is one."""
    if session is not None:
        mutter = MutterIdle(session)
        if mutter.seconds() is not None:
            return mutter
    if os.environ.get("WAYLAND_DISPLAY"):
        # The X server beside it sees the input of X programs alone.
        return _wayland_reader()
    return _x11_reader() if os.environ.get("DISPLAY") else None


def _wayland_reader() -> IdleReader | None:
    from agent.desktop.session.wayland import WaylandIdle

    try:
        return WaylandIdle()
    except (OSError, KeyError, ValueError) as error:
        log.info("the compositor's idle time is not to be had: %r", error)
        return None


def _x11_reader() -> IdleReader | None:
    try:
        from Xlib.display import Display

        display = Display()
        if not display.has_extension("MIT-SCREEN-SAVER"):
            display.close()
            return None
    except Exception as error:  # noqa: BLE001 - Xlib raises its own kinds and plain ones
        log.info("the X server's idle time is not to be had: %s", error)
        return None
    return X11Idle(display)
