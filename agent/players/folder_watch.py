"""Notice when music that could not be played can be: a folder filled, mounted, made or mended."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Collection
from pathlib import Path

from agent.errors import PlaylistGone
from agent.events import PlaylistBack
from agent.players.folders import find
from agent.ports import Clock, Report
from agent.types import Playlist
from agent.worker import Worker

SECONDS = 2.0
"""Between two looks while something is missing; a look at an empty folder takes microseconds."""
SHARE, LONGEST = 20.0, 60.0
"""Or so many times what the looks took, up to so many: 100,000 damaged files take seconds."""


def signature(playlist: Playlist) -> bytes | None:
    """Tell one state of a playlist's files from another; None: there are none to play.

    By name, time of the last change and size of each file.
    """
    told = hashlib.sha256()
    try:
        for path in find(Path(playlist.uri), playlist.name).tracks:
            state = path.stat()
            told.update(os.fsencode(path) + b"\0%d %d\0" % (state.st_mtime_ns, state.st_size))
    except (PlaylistGone, OSError):
        return None
    return told.digest()


class FolderWatch(Worker):
    """Looks at what :meth:`watch` names until it holds other music, and reports PlaylistBack.

    What lies there at the first look was just found unplayable. A thread of its own: a folder on a
    network may hang.
    """

    def __init__(self, report: Report, clock: Clock) -> None:
        super().__init__("folders", report, clock)
        self._lock = threading.Lock()
        self._missing: dict[str, Playlist] = {}
        self._seen: dict[str, bytes | None] = {}  # as of the first look

    # -- any thread

    def watch(self, playlist: Playlist) -> None:
        """Look at a playlist that could not be played until it can."""
        with self._lock:
            self._missing[playlist.uri] = playlist
            self._seen.pop(playlist.uri, None)
        self.wake()

    def keep(self, uris: Collection[str]) -> None:
        """Look at these alone: others are set for no mood any more."""
        with self._lock:
            for uri in self._missing.keys() - uris:
                del self._missing[uri]
                self._seen.pop(uri, None)

    # -- the worker's thread

    def cycle(self) -> float | None:
        """Look at what is missing, and report what can be played now."""
        began = self.clock.monotonic()
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
            if not self._missing:
                return None
        return max(SECONDS, min(SHARE * (self.clock.monotonic() - began), LONGEST))
