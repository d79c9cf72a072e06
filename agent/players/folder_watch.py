"""Notice when music that was missing is there: a folder filled, mounted or made."""

from __future__ import annotations

import threading
from pathlib import Path

from agent.errors import PlaylistGone
from agent.events import PlaylistBack
from agent.players.folders import find
from agent.ports import Clock, Report
from agent.types import Playlist
from agent.worker import Worker

SECONDS = 2.0
"""Between two looks while something is missing; a look at an empty folder takes microseconds."""


class FolderWatch(Worker):
    """Looks at what :meth:`watch` names until it holds music, and reports PlaylistBack.

    A thread of its own: a folder on a network may hang.
    """

    def __init__(self, report: Report, clock: Clock) -> None:
        super().__init__("folders", report, clock)
        self._lock = threading.Lock()
        self._missing: dict[str, Playlist] = {}

    # -- any thread

    def watch(self, playlist: Playlist) -> None:
        """Look at a playlist that could not be played until it can."""
        with self._lock:
            self._missing[playlist.uri] = playlist
        self.wake()

    def forget(self) -> None:
        """Forget what is missing: the settings have changed."""
        with self._lock:
            self._missing.clear()

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Look at what is missing, and report what can be played now."""
        with self._lock:
            missing = list(self._missing.values())
        for playlist in missing:
            try:
                find(Path(playlist.uri), playlist.name, enough=1)
            except PlaylistGone:
                continue
            with self._lock:
                there = self._missing.pop(playlist.uri, None)
            if there is not None:
                self.report(PlaylistBack(playlist))
        with self._lock:
            return SECONDS if self._missing else None
