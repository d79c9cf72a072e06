"""A window of this process that OpenCV opens: the preview's and About's.

OpenCV's windows on Linux are Qt's. What that lacks is done here through X11: the program's icon,
the screen's size, and a window that stays empty is opened anew.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from agent.desktop.icons.drawing import app_icon
from agent.types import Frame

T = TypeVar("T")
log = logging.getLogger(__name__)

SCREEN_SHARE = 0.8
"""Share of the screen's width and height that a window's first size may take."""
ICON_SIZES = (16, 24, 32, 48, 64)
LOOKS = (1.0, 2.5, 6.0, 15.0, 30.0)
"""Seconds after the first picture at which it is looked whether anything was painted."""
NO_KEY = 255
"""What :meth:`OpenCvWindow.wait` returns when no key was pressed."""
_DEPTH = 3
"""Levels of windows to look through: a window manager lays a window into a frame of its own."""


class OpenCvWindow:
    """One window. For the main thread of a process of its own.

    Under XWayland Qt may never paint in a window that was opened on a busy machine, whatever it is
    shown, and however it is resized; one that is opened anew is painted. So :meth:`wait` looks a
    few times, at first, whether anything is there.
    """

    def __init__(self, title: str, flags: int) -> None:
        """Open it. ``flags``: OpenCV's WINDOW_ constants."""
        # Qt looks for fonts of its own, which we do not need, and complains.
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
        # It would double the window at 192 dpi, and blur it; the size is ours to choose.
        os.environ["QT_ENABLE_HIGHDPI_SCALING"] = "0"
        from agent.opencv import cv2, name_its_qt

        name_its_qt()
        self._cv2 = cv2
        self._title, self._flags = title, flags
        self._first_size: tuple[int, int] | None = None
        self._picture: Frame | None = None
        self.fills_screen = False
        """Whether it was last asked to fill the screen."""
        self._shown_since = 0.0
        self._looks = list(LOOKS)
        self._pressed: deque[int] = deque()
        cv2.namedWindow(title, flags)

    def resize(self, width: int, height: int) -> None:
        """Ask for a size in pixels."""
        self._first_size = (width, height)
        self._cv2.resizeWindow(self._title, width, height)

    def show(self, picture: Frame) -> None:
        """Show a picture, BGR, from the next :meth:`wait` on; the first one gives it its icon."""
        first, self._picture = self._picture is None, picture
        self._cv2.imshow(self._title, picture)
        if first:
            self._shown_since = time.monotonic()
            self._dress()

    def _dress(self) -> None:
        self._live(1)
        _through_x11(self._title, _set_icon)

    def wait(self, milliseconds: int) -> int:
        """Let the window live for a while; returns the key that was pressed, or NO_KEY."""
        self._live(milliseconds)
        shown_for = time.monotonic() - self._shown_since
        if self._looks and self._picture is not None and shown_for >= self._looks[0]:
            self._looks.pop(0)
            if _through_x11(self._title, _is_empty):
                self._open_anew(self._picture)
            else:
                self._looks.clear()
        return self._pressed.popleft() if self._pressed else NO_KEY

    def _live(self, milliseconds: int) -> None:
        """Let the window draw and listen; no key that is pressed meanwhile is lost."""
        key = self._cv2.waitKey(milliseconds) & 0xFF
        if key != NO_KEY:
            self._pressed.append(key)

    def _open_anew(self, picture: Frame) -> None:
        log.debug("the window stayed empty")
        self._cv2.destroyWindow(self._title)
        self._live(1)
        self._cv2.namedWindow(self._title, self._flags)
        if self._first_size is not None:
            self._cv2.resizeWindow(self._title, *self._first_size)
        if self.fills_screen:
            self.fill_screen(True)
        self._cv2.imshow(self._title, picture)
        self._dress()

    def fill_screen(self, whole: bool) -> None:
        """Change to the whole screen, or back."""
        cv2, self.fills_screen = self._cv2, whole
        mode = cv2.WINDOW_FULLSCREEN if whole else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, mode)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the inside now, in pixels; None where the system does not tell."""
        try:
            _x, _y, width, height = self._cv2.getWindowImageRect(self._title)
        except self._cv2.error:
            return None
        return (width, height) if width > 1 and height > 1 else None

    @property
    def is_there(self) -> bool:
        """False once the user has closed it."""
        try:
            visible = self._cv2.getWindowProperty(self._title, self._cv2.WND_PROP_VISIBLE)
        except self._cv2.error:  # raised, with Qt, once the X button was pressed
            return False
        return bool(visible >= 1.0)

    def close(self) -> None:
        """Close it, if it is there."""
        with contextlib.suppress(self._cv2.error):
            self._cv2.destroyAllWindows()
            self._cv2.waitKey(1)


def screen_size() -> tuple[int, int, float] | None:
    """Return width and height of the screen in pixels, and its user's scale.

    The scale says how much larger than at 96 dpi things are wanted; None where the system does not
    tell.
    """
    if sys.platform == "win32":
        import ctypes

        user = ctypes.windll.user32
        return user.GetSystemMetrics(0), user.GetSystemMetrics(1), 1.0  # it scales by itself
    if sys.platform != "linux":
        return None
    try:
        from Xlib import Xatom
        from Xlib.display import Display

        display = Display()
        screen = display.screen()
        known = screen.root.get_full_property(Xatom.RESOURCE_MANAGER, Xatom.STRING)
        size = screen.width_in_pixels, screen.height_in_pixels
        display.close()
    except Exception:  # noqa: BLE001 - Xlib raises its own kinds and plain ones
        return None
    text = "" if known is None else bytes(known.value).decode("latin-1")
    found = re.search(r"^Xft\.dpi:\s*(\d+)", text, re.MULTILINE)
    dpi = float(found[1]) if found else 96.0
    return (*size, max(0.5, dpi / 96.0))


# -- through X11


def _through_x11(title: str, act: Callable[[Any, Any], T]) -> T | None:
    """Do something with the X server and, of its windows, this process's of that title.

    None where there is no X11, no such window, or the server refuses: the window serves without.
    """
    if sys.platform != "linux":
        return None
    try:
        from Xlib.display import Display

        display = Display()
        try:
            for window in _windows(display.screen().root, _DEPTH):
                if _is_ours(display, window, title):
                    return act(display, window)
        finally:
            display.close()
    except Exception:  # Xlib raises its own kinds and plain ones
        log.debug("X11 does not help with the window", exc_info=True)
    return None


def _windows(window: Any, depth: int) -> Iterator[Any]:
    if depth == 0:
        return
    for child in window.query_tree().children:
        yield child
        yield from _windows(child, depth - 1)


def _is_ours(display: Any, window: Any, title: str) -> bool:
    name = window.get_full_property(
        display.get_atom("_NET_WM_NAME"), display.get_atom("UTF8_STRING")
    )
    process = window.get_full_property(display.get_atom("_NET_WM_PID"), 0)
    if name is None or process is None:
        return False
    return bytes(name.value).decode(errors="replace") == title and process.value[0] == os.getpid()


def _set_icon(display: Any, window: Any) -> None:
    """Give the window the program's icon, where it would wear a stand-in.

    Freedesktop's _NET_WM_ICON: for each size width, height and the rows of ARGB pixels.
    """
    from Xlib import Xatom

    pixels: list[int] = []
    for size in ICON_SIZES:
        flat = app_icon(size).tobytes()
        rows = [flat[at : at + 4] for at in range(0, len(flat), 4)]
        pixels += [size, size, *(a << 24 | r << 16 | g << 8 | b for r, g, b, a in rows)]
    window.change_property(display.get_atom("_NET_WM_ICON"), Xatom.CARDINAL, 32, pixels)
    display.sync()


def _is_empty(_display: Any, window: Any) -> bool:
    """Tell whether nothing was painted: nine spots of nothing, where even Qt's black has alpha."""
    from Xlib import X

    size = window.get_geometry()
    return not any(
        any(window.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data)
        for x in (size.width // 4, size.width // 2, size.width * 3 // 4)
        for y in (size.height // 8, size.height // 2, size.height * 7 // 8)
    )
