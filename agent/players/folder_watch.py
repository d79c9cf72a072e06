"""Notice when music that could not be played can be: a folder filled, mounted, made or mended."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TypeAlias

from agent.errors import PlaylistGone
from agent.events import PlaylistBack
from agent.players.folders import find
from agent.ports import Clock, Report
from agent.types import Playlist
from agent.worker import Worker

SECONDS = 2.0
"""Between two looks while something is missing; a look at an empty folder takes microseconds."""


Signature: TypeAlias = tuple[tuple[str, int, int], ...]
"""Name, time of the last change and size of each file."""


def signature(playlist: Playlist) -> Signature | None:
    """Tell one state of a playlist's files from another; None: there are none to play."""
    try:
        tracks = find(Path(playlist.uri), playlist.name).tracks
        states = [(str(path), path.stat()) for path in tracks]
    except (PlaylistGone, OSError):
        return None
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


class FolderWatch(Worker):
    """Looks at what :meth:`watch` names until it holds other music, and reports PlaylistBack.

    What lies there at the first look was just found unplayable. A thread of its own: a folder on a
    network may hang.
    """

    def __init__(self, report: Report, clock: Clock) -> None:
        super().__init__("folders", report, clock)
        self._lock = threading.Lock()
        self._missing: dict[str, Playlist] = {}
        self._seen: dict[str, Signature | None] = {}  # as of the first look

    # -- any thread

    def watch(self, playlist: Playlist) -> None:
        """Look at a playlist that could not be played until it can."""
        with self._lock:
            self._missing[playlist.uri] = playlist
            self._seen.pop(playlist.uri, None)
        self.wake()

    def forget(self) -> None:
        """Forget what is missing: the settings have changed."""
        with self._lock:
            self._missing.clear()
            self._seen.clear()

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Look at what is missing, and report what can be played now."""
        with self._lock:
            missing = list(self._missing.values())
        for playlist in missing:
            present = signature(playlist)
            with self._lock:
                before = self._seen.setdefault(playlist.uri, present)
                if present is None or present == before:
                    continue
                there = self._missing.pop(playlist.uri, None)
            if there is not None:
                self.report(PlaylistBack(playlist))
        with self._lock:
            return SECONDS if self._missing else None
