"""The camera's frames for more than one looker: the preview, and the page's first steps."""

from __future__ import annotations

import threading

from agent.types import FrameView
from agent.vision.watcher import Tap, Watcher


class Taps:
    """Share the watcher's one tap.

    Any thread; the watcher looks at every frame while there is a looker, and no more once there is
    none.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._lookers: dict[str, Tap] = {}

    def set(self, name: str, tap: Tap | None) -> None:
        """Give a looker every frame from now on; None: no longer."""
        with self._lock:
            lookers = {other: known for other, known in self._lookers.items() if other != name}
            if tap is not None:
                lookers[name] = tap
            self._lookers = lookers
            self._watcher.set_tap(self._show if lookers else None)

    def _show(self, view: FrameView) -> None:
        """In the watcher's thread."""
        for tap in self._lookers.values():
            tap(view)
