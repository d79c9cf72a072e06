"""The preview's child process: one OpenCV window, fed by :mod:`agent.desktop.preview.shared_frame`.

A process of its own, because OpenCV's windows want the main thread (as the tray does) and because
whatever a window system does to it then harms nobody else.
"""

from __future__ import annotations

import contextlib
import signal
import time
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any

from agent.desktop.opencv_window import NO_KEY, SCREEN_SHARE, OpenCvWindow, screen_size
from agent.desktop.process_guard import guard_memory
from agent.translation import N_, _

TITLE = N_("Moodtray preview")
FIRST_SIZE = (760, 570)
"""Pixels; the height follows the first frame's shape."""
STALE_AFTER = 2.0
"""Seconds without a new frame after which the window says that it shows an old one."""

ATTACHED, READY, CLOSED, CLOSE = "attached", "ready", "closed", "close"


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

    ``name`` is the shared memory's. Sends ATTACHED when its name is needed no longer, READY when
    the window stands, CLOSED as soon as it was closed, and a Key or a number when the user presses
    one. ``language``: what it speaks.
    """
    guard_memory()
    # Ctrl+C in the terminal goes to both processes; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from agent.desktop.preview.shared_frame import SharedFrame
    from agent.store import catalogues

    catalogues.speak(language)
    with contextlib.suppress(FileNotFoundError):  # closed again before we had begun
        shared = SharedFrame.attach(name)
        try:
            connection.send(ATTACHED)
            _Window(shared, connection).show()
        except (BrokenPipeError, EOFError, ConnectionError):
            pass  # the parent is gone, so are we
        finally:
            shared.close()


class _Window:
    def __init__(self, shared: Any, connection: Connection) -> None:
        from agent.opencv import cv2

        cv2.setNumThreads(1)  # the drawing is small; the cores belong to others
        self._cv2 = cv2
        self._shared = shared
        self._connection = connection
        self._seen = 0
        self._shown: Any = None
        self._fresh = 0.0
        self._drawn: tuple[int, tuple[int, int], bool, bool] | None = None

    def show(self) -> None:
        cv2 = self._cv2
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        self._window = window = OpenCvWindow(_(TITLE), flags)
        self._wait_for_first()
        window.resize(*self._first_size())
        if self._has_picture:  # at once, before what draws the rest is loaded
            window.show(cv2.flip(self._shown.frame, 1))
        self._connection.send(READY)
        while not self._told_to_close():
            self._draw()
            # Short naps while frames come, long ones while none do.
            key = window.wait(5 if time.monotonic() - self._fresh < 0.5 else 40)
            if key == 27 and window.fills_screen:
                window.fill_screen(False)
                continue
            if key in (27, ord("q")) or not window.is_there:
                break
            if key != NO_KEY:
                self._press(key)
        self._connection.send(CLOSED)
        window.close()

    def _press(self, key: int) -> None:
        character = chr(key).lower()
        if character == "f":
            self._window.fill_screen(not self._window.fills_screen)
        elif character == " ":
            if self._has_picture:
                self._connection.send(str(Key.PAUSE))
            elif self._shown is not None and self._shown.resumes:
                self._connection.send(str(Key.RESUME))
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
        stale, size = self._is_stale, self._window.size or FIRST_SIZE
        full = self._window.fills_screen
        if stale:
            self._shown = None  # nothing of it is kept
        drawn = (self._seen, size, stale, full)
        if self._drawn == drawn:
            return
        new = self._drawn is None or self._drawn[0] != self._seen
        self._drawn = drawn
        shown = self._shown or Shown(NOTHING, (), None, 0.0, "")
        self._window.show(compose(shown, size, stale=stale, full=full))
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
