"""The user's own music on disk, looked at beside the controller.

Folders named after moods are adopted, and playlists that were not found may come back.
"""

from __future__ import annotations

import threading
from pathlib import Path

from agent.players.local import mood_folders, signature
from agent.ports import Clock
from agent.types import Playlist

EVERY = 5.0
"""Seconds between two looks."""


class MusicFolders:
    """What is known of the folders; a look itself has a thread of its own.

    So a disk that hangs delays nobody. All else is the controller's thread.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self.adopted: dict[str, Path] = {}
        """Emotion -> folder, as of the latest look that was taken in."""
        self._awaited: dict[Playlist, tuple[object, ...] | None] = {}
        self._thread: threading.Thread | None = None
        self._next = float("-inf")
        self._found: dict[str, Path] | None = None
        self._back: list[Playlist] = []

    def look_now(self) -> None:
        """Look at the folders at once and take it in."""
        self.adopted = mood_folders(self._root)
        self._next = self._clock.monotonic() + EVERY

    def wait_for(self, playlist: Playlist) -> None:
        """Watch for a change of the files of a playlist that could not be played."""
        self._awaited[playlist] = signature(playlist)

    def look(self) -> tuple[bool, list[Playlist]]:
        """Tell what the latest look found: whether :attr:`adopted` changed, and what is back.

        Begins the next look when it is time; never blocks.
        """
        if self._thread is not None and self._thread.is_alive():
            return False, []
        found, back = self._found, self._back
        self._found, self._back = None, []
        changed = found is not None and found != self.adopted
        if found is not None:
            self.adopted = found
        for playlist in back:
            self._awaited.pop(playlist, None)
        if self._clock.monotonic() >= self._next:
            self._next = self._clock.monotonic() + EVERY
            self._thread = threading.Thread(
                target=self._read, args=(dict(self._awaited),), name="music folders", daemon=True
            )
            self._thread.start()
        return changed, back

    def _read(self, awaited: dict[Playlist, tuple[object, ...] | None]) -> None:
        """In the look's thread; its results are read when that has ended."""
        self._found = mood_folders(self._root)
        for playlist, before in awaited.items():
            present = signature(playlist)
            if present is not None and present != before:
                self._back.append(playlist)
