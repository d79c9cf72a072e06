"""The preview's child process: one OpenCV window, fed by :mod:`agent.desktop.preview.shared_frame`.

A process of its own, because OpenCV's windows want the main thread (as the tray does) and because
whatever a window system does to it then harms nobody else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from multiprocessing.connection import Connection
from typing import Any

TITLE = "Moodtray preview"
FIRST_SIZE = (760, 570)
"""Pixels; the height follows the first frame's shape."""
STALE_AFTER = 2.0
"""Seconds without a new frame after which the window says that it shows an old one."""

READY, CLOSED, CLOSE = "ready", "closed", "close"


def main(name: str, connection: Connection) -> None:
    """Show frames until the parent says so, dies, or the user closes the window. ``name`` is the
    shared memory's. Sends READY when the window stands and CLOSED as soon as it was closed.
    """
    # Ctrl+C in the terminal goes to both processes; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenCV's Qt looks for fonts of its own, which we do not need, and complains.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    from agent.desktop.preview.shared_frame import FrameRoad

    with contextlib.suppress(FileNotFoundError):  # closed again before we had begun
        road = FrameRoad.attach(name)
        try:
            _Window(road, connection).show()
        except (BrokenPipeError, EOFError, ConnectionError):
            pass  # the parent is gone, so are we
        finally:
            road.close()


class _Window:
    def __init__(self, road: Any, connection: Connection) -> None:
        import cv2

        cv2.setNumThreads(1)  # the drawing is small; the cores belong to others
        self._cv2 = cv2
        self._road = road
        self._connection = connection
        self._seen = 0
        self._shown: Any = None
        self._fresh = 0.0
        self._drawn: tuple[int, tuple[int, int], bool] | None = None

    def show(self) -> None:
        cv2 = self._cv2
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        self._wait_for_first()
        cv2.resizeWindow(TITLE, *self._first_size())
        if self._shown is not None:  # at once, before what draws the rest is loaded
            cv2.imshow(TITLE, self._shown.frame)
        cv2.waitKey(1)
        self._connection.send(READY)
        while not self._told_to_close():
            self._draw()
            # Short naps while frames come, long ones while none do.
            key = cv2.waitKey(5 if time.monotonic() - self._fresh < 0.5 else 40) & 0xFF
            if key in (27, ord("q")) or not self._is_there():
                break
        self._connection.send(CLOSED)
        with contextlib.suppress(cv2.error):
            cv2.destroyAllWindows()
            cv2.waitKey(1)

    def _wait_for_first(self) -> None:
        """Give the first frame a moment, so that the window does not begin empty."""
        end = time.monotonic() + 0.15
        while self._shown is None and time.monotonic() < end:
            self._take()
            time.sleep(0.01)

    def _first_size(self) -> tuple[int, int]:
        if self._shown is None:
            return FIRST_SIZE
        height, width = self._shown.frame.shape[:2]
        return FIRST_SIZE[0], round(FIRST_SIZE[0] * height / width)

    def _told_to_close(self) -> bool:
        return self._connection.poll() and self._connection.recv() == CLOSE

    def _take(self) -> None:
        for _ in range(3):  # a torn frame is followed by a whole one
            self._seen, shown = self._road.read(self._seen)
            if shown is not None:
                self._shown = shown
                self._fresh = time.monotonic()
                break

    def _draw(self) -> None:
        import numpy as np

        from agent.desktop.preview.picture import compose
        from agent.desktop.preview.shared_frame import Shown

        self._take()
        stale = time.monotonic() - self._fresh > STALE_AFTER or self._shown is None
        size = self._size()
        if self._drawn == (self._seen, size, stale):
            return
        new = self._drawn is None or self._drawn[0] != self._seen
        self._drawn = (self._seen, size, stale)
        shown = self._shown or Shown(np.zeros((3, 4, 3), np.uint8), (), None, 0.0, "")
        self._cv2.imshow(TITLE, compose(shown, size, stale=stale))
        if new:
            self._road.count_drawn()

    def _size(self) -> tuple[int, int]:
        """Of the window's inside now, or the first size where the system does not tell."""
        try:
            _x, _y, width, height = self._cv2.getWindowImageRect(TITLE)
        except self._cv2.error:
            return FIRST_SIZE
        return (width, height) if width > 1 and height > 1 else FIRST_SIZE

    def _is_there(self) -> bool:
        try:
            visible = self._cv2.getWindowProperty(TITLE, self._cv2.WND_PROP_VISIBLE)
        except self._cv2.error:  # raised, with Qt, once the X button was pressed
            return False
        return visible >= 1.0
