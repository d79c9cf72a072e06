"""The preview's child process: one OpenCV window, fed by :mod:`agent.desktop.preview.shared_frame`.

A process of its own, because OpenCV's windows want the main thread (as the tray does) and because
whatever a window system does to it then harms nobody else.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any

from agent.desktop.process_guard import guard_memory
from agent.translation import N_, _

TITLE = N_("Moodtray preview")
FIRST_SIZE = (760, 570)
"""Pixels; the height follows the first frame's shape."""
STALE_AFTER = 2.0
"""Seconds without a new frame after which the window says that it shows an old one."""

SCREEN_SHARE = 0.8
"""Share of the screen's width and height that the first size may take."""

READY, CLOSED, CLOSE = "ready", "closed", "close"


class Key(StrEnum):
    """What the user wants by a key; besides these, "1" to "7": show that mood in a lesson."""

    PAUSE = "pause"
    RESUME = "resume"
    LEARN = "learn"
    KEEP = "keep"
    STOP = "stop"


WORDS = {
    "l": Key.LEARN.value,
    "\r": Key.KEEP.value,
    "\n": Key.KEEP.value,
    "x": Key.STOP.value,
    **{number: number for number in "1234567"},
}
"""What is sent for a key, besides those that the window itself obeys."""


def main(name: str, connection: Connection, language: str = "en") -> None:
    """Show frames until the parent says so, dies, or the user closes the window.

    ``name`` is the shared memory's. Sends READY when the window stands, CLOSED as soon as it was
    closed, and a Key or a number when the user presses one. ``language``: what it speaks.
    """
    guard_memory()
    # Ctrl+C in the terminal goes to both processes; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenCV's Qt looks for fonts of its own, which we do not need, and complains.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    # It would double the window on a screen of 192 dpi, and blur it; the size is ours to choose.
    os.environ["QT_ENABLE_HIGHDPI_SCALING"] = "0"
    from agent.desktop.preview.shared_frame import SharedFrame
    from agent.store import catalogues

    catalogues.speak(language)
    with contextlib.suppress(FileNotFoundError):  # closed again before we had begun
        shared = SharedFrame.attach(name)
        try:
            _Window(shared, connection).show()
        except (BrokenPipeError, EOFError, ConnectionError):
            pass  # the parent is gone, so are we
        finally:
            shared.close()


class _Window:
    def __init__(self, shared: Any, connection: Connection) -> None:
        import cv2

        cv2.setNumThreads(1)  # the drawing is small; the cores belong to others
        self._cv2 = cv2
        self._shared = shared
        self._connection = connection
        self._seen = 0
        self._shown: Any = None
        self._fresh = 0.0
        self._drawn: tuple[int, tuple[int, int], bool] | None = None
        self._full = False

    def show(self) -> None:
        cv2 = self._cv2
        cv2.namedWindow(_(TITLE), cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        self._wait_for_first()
        cv2.resizeWindow(_(TITLE), *self._first_size())
        if self._has_picture:  # at once, before what draws the rest is loaded
            cv2.imshow(_(TITLE), cv2.flip(self._shown.frame, 1))
        cv2.waitKey(1)
        self._connection.send(READY)
        while not self._told_to_close():
            self._draw()
            # Short naps while frames come, long ones while none do.
            key = cv2.waitKey(5 if time.monotonic() - self._fresh < 0.5 else 40) & 0xFF
            if key in (27, ord("q")) or not self._is_there():
                break
            self._press(key)
        self._connection.send(CLOSED)
        with contextlib.suppress(cv2.error):
            cv2.destroyAllWindows()
            cv2.waitKey(1)

    def _press(self, key: int) -> None:
        character = chr(key).lower()
        if character == "f":
            self._fill_screen()
        elif character == " ":
            self._connection.send(str(Key.PAUSE if self._has_picture else Key.RESUME))
        elif character in WORDS:
            self._connection.send(WORDS[character])

    def _wait_for_first(self) -> None:
        """Give the first frame a moment, so that the window does not begin empty."""
        end = time.monotonic() + 0.15
        while self._shown is None and time.monotonic() < end:
            self._take()
            time.sleep(0.01)

    def _first_size(self) -> tuple[int, int]:
        """Return a size that is as large on any screen, and never larger than it."""
        width, height = FIRST_SIZE
        if self._shown is not None and not self._shown.blank:
            height = round(width * self._shown.frame.shape[0] / self._shown.frame.shape[1])
        screen = screen_size()
        if screen is None:
            return width, height
        most_wide, most_high, scale = screen
        scale = min(scale, SCREEN_SHARE * most_wide / width, SCREEN_SHARE * most_high / height)
        return round(width * scale), round(height * scale)

    def _fill_screen(self) -> None:
        """Change to the whole screen, or back."""
        cv2, self._full = self._cv2, not self._full
        mode = cv2.WINDOW_FULLSCREEN if self._full else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(_(TITLE), cv2.WND_PROP_FULLSCREEN, mode)

    def _told_to_close(self) -> bool:
        return self._connection.poll() and self._connection.recv() == CLOSE

    def _take(self) -> None:
        for _attempt in range(3):  # a torn frame is followed by a whole one
            self._seen, shown = self._shared.read(self._seen)
            if shown is not None:
                self._shown = shown
                self._fresh = time.monotonic()
                break

    def _draw(self) -> None:
        from agent.desktop.preview.picture import compose
        from agent.desktop.preview.shared_frame import NOTHING, Shown

        self._take()
        stale, size = self._is_stale, self._size()
        if stale:
            self._shown = None  # nothing of it is kept
        if self._drawn == (self._seen, size, stale):
            return
        new = self._drawn is None or self._drawn[0] != self._seen
        self._drawn = (self._seen, size, stale)
        shown = self._shown or Shown(NOTHING, (), None, 0.0, "")
        self._cv2.imshow(_(TITLE), compose(shown, size, stale=stale))
        if new:
            self._shared.count_drawn()

    @property
    def _has_picture(self) -> bool:
        """True while there is a picture of now."""
        shown = self._shown
        fresh = time.monotonic() - self._fresh <= STALE_AFTER
        return shown is not None and not shown.blank and fresh

    @property
    def _is_stale(self) -> bool:
        """True while there is neither a picture of now nor word why not."""
        return not self._has_picture and (self._shown is None or not self._shown.blank)

    def _size(self) -> tuple[int, int]:
        """Return the window's inside now, or the first size where the system does not tell."""
        try:
            _x, _y, width, height = self._cv2.getWindowImageRect(_(TITLE))
        except self._cv2.error:
            return FIRST_SIZE
        return (width, height) if width > 1 and height > 1 else FIRST_SIZE

    def _is_there(self) -> bool:
        try:
            visible = self._cv2.getWindowProperty(_(TITLE), self._cv2.WND_PROP_VISIBLE)
        except self._cv2.error:  # raised, with Qt, once the X button was pressed
            return False
        return visible >= 1.0


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
