"""pystray's icon on Windows, fitted: sharp at every scaling of the screen."""

from __future__ import annotations

import ctypes
import logging
import os
import tempfile
from collections.abc import Callable
from typing import Any

from agent.desktop.icons.drawing import ico
from agent.types import MoodState, Status

log = logging.getLogger(__name__)

SM_CXSMICON = 49
"""GetSystemMetrics: the width of a small icon, which is the notification area's."""
SYSTEM_DPI_AWARE = 1


def windows_icon(base: Any) -> Any:
    """Make the class from pystray's ``base``.

    Before any window: tells Windows that this process knows of scaled screens; else it gets 16
    pixels for the icon and blows them up.
    """
    from pystray._util import win32

    _know_scaling()

    class WindowsIcon(base):  # type: ignore[misc]
        """Loads the picture that was drawn for the notification area's very size.

        pystray's own takes the one for the desktop, which Windows then shrinks.
        """

        look: Callable[[], tuple[Status, MoodState, bool]]
        _icon_handle: Any

        def _assert_icon_handle(self) -> None:
            if self._icon_handle:
                return
            size = small_icon_size()
            number, path = tempfile.mkstemp(".ico")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(ico(*self.look()))
                self._icon_handle = win32.LoadImage(
                    None, path, win32.IMAGE_ICON, size, size, win32.LR_LOADFROMFILE
                )
            finally:
                os.unlink(path)

    return WindowsIcon


def small_icon_size() -> int:
    """Return the pixels a side, at this system's scaling: 16, 20, 24, 32, ..."""
    return int(_library("user32").GetSystemMetrics(SM_CXSMICON)) or 16


def _know_scaling() -> None:
    try:
        _library("shcore").SetProcessDpiAwareness(SYSTEM_DPI_AWARE)
    except (OSError, AttributeError) as error:  # before Windows 8.1
        log.debug("scaled screens are not to be told apart: %s", error)


def _library(name: str) -> Any:
    return getattr(ctypes.windll, name)  # type: ignore[attr-defined,unused-ignore]
