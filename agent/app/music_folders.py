"""The user's own music on disk: folders named after moods are adopted."""

from __future__ import annotations

import threading
from pathlib import Path

from agent.players.local import mood_folders
from agent.ports import Clock

EVERY = 5.0
"""Seconds between two looks."""


class MusicFolders:
    """Know the folders that are named after moods; a look itself has a thread of its own.

    So a disk that hangs delays nobody. All else is the controller's thread.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self.adopted: dict[str, tuple[Path, ...]] = {}
        """Emotion -> folders, as of the latest look that was taken in."""
        self._thread: threading.Thread | None = None
        self._next = float("-inf")
        self._found: dict[str, tuple[Path, ...]] | None = None

    def look_now(self) -> None:
        """Look at the folders at once and take it in."""
        self.adopted = mood_folders(self._root)
        self._next = self._clock.monotonic() + EVERY

    def look(self) -> bool:
        """Return what the latest look found.

        Begins the next look when it is time; never blocks.
        """
        if self._thread is not None and self._thread.is_alive():
            return False
        found, self._found = self._found, None
        changed = found is not None and found != self.adopted
        if found is not None:
            self.adopted = found
        if self._clock.monotonic() >= self._next:
            self._next = self._clock.monotonic() + EVERY
            self._thread = threading.Thread(target=self._read, name="music folders", daemon=True)
            self._thread.start()
        return changed

    def _read(self) -> None:
        """Read the folders in the look's thread; the result is read when that has ended."""
        self._found = mood_folders(self._root)
