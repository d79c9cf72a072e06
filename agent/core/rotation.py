"""The playlists of a player: which may be played now, and whose turn it is. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from agent.types import MoodState, Playlist

GONE_FOR = 3600.0
"""Seconds for which a playlist that was not found is not tried again."""
REMEMBERED_STARTS = 50


class Rotation:
    """What may be started for each mood. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._playlists: Mapping[MoodState, tuple[Playlist, ...]] = {}
        self._gone: dict[str, float] = {}  # playlists that could not be found, and when
        self._started: deque[str] = deque(maxlen=REMEMBERED_STARTS)

    def replace(self, playlists: Mapping[MoodState, tuple[Playlist, ...]]) -> bool:
        """Use these playlists from now on; one that was set for no mood before is tried anew.

        True when there is such a one that was gone.
        """
        anew = self._gone.keys() & (_uris(playlists) - _uris(self._playlists))
        for uri in anew:
            del self._gone[uri]
        self._playlists = playlists
        return bool(anew)

    def playable(self, now: float) -> Mapping[MoodState, tuple[Playlist, ...]]:
        """List the playlists by mood, without what was not found of late."""
        gone = {uri for uri, since in self._gone.items() if now - since < GONE_FOR}
        return {
            mood: tuple(playlist for playlist in several if playlist.uri not in gone)
            for mood, several in self._playlists.items()
        }

    @property
    def started(self) -> tuple[str, ...]:
        """Uris of what was started, the newest last: playlists of one mood take turns."""
        return tuple(self._started)

    def had_its_turn(self, uri: str) -> None:
        """Note that this playlist was started last."""
        self._started.append(uri)

    def keeps_its_turn(self, uri: str) -> None:
        """Note that the latest start came to nothing, and not by this playlist's fault."""
        if self._started and self._started[-1] == uri:
            self._started.pop()

    def is_gone(self, uri: str, now: float) -> None:
        """Leave out a playlist that the player no longer finds, for a while."""
        self._gone[uri] = now

    def is_back(self, uri: str) -> bool:
        """Note that it can be played again; True when it was gone."""
        return self._gone.pop(uri, None) is not None

    def alternatives(self, uri: str, now: float) -> tuple[Playlist, ...]:
        """List what else can be played for the moods that this one is for."""
        return tuple(
            playlist
            for mood, several in self.playable(now).items()
            if uri in {each.uri for each in self._playlists[mood]}
            for playlist in several
            if playlist.uri != uri
        )

    def missing(self, now: float) -> frozenset[MoodState]:
        """List the moods whose playlists all were not found of late."""
        playable = self.playable(now)
        return frozenset(
            mood for mood, all_ in self._playlists.items() if all_ and not playable[mood]
        )

    def try_all_again(self) -> None:
        """Try again what was not found: it may be there now."""
        self._gone.clear()


def _uris(playlists: Mapping[MoodState, tuple[Playlist, ...]]) -> set[str]:
    return {playlist.uri for several in playlists.values() for playlist in several}
