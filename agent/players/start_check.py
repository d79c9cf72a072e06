"""Did the playlist start? Judged from the readings that follow the command. Pure."""

from __future__ import annotations

from enum import Enum, auto

from agent.timing import VERIFY_READS, WISH_LIFE
from agent.types import Happening, Playback, Playlist, PlayState

REPEAT_WITHIN = 20.0
"""Seconds after which a start that did not take effect is not repeated: it would surprise."""


class Verdict(Enum):
    """What a reading tells of a start."""

    OPEN = auto()
    STARTED = auto()
    USERS = auto()  # the user's hand is newer than the command
    AGAIN = auto()  # not started: once more
    FAILED = auto()  # nor the second time


class StartCheck:
    """A play command of the time ``sent`` whose effect is not seen yet.

    ``told``: that it failed is known already, and only whether it took effect all the same is still
    open; it is not repeated. ``over_music``: nobody asked for it, and it was sent while music
    played; silence after it is then the user's.
    """

    def __init__(
        self, playlist: Playlist, sent: float, *, told: bool = False, over_music: bool = False
    ) -> None:
        self.playlist = playlist
        self.told = told
        self._sent = sent
        self._over_music = over_music
        self._reads = 0
        self._repeated = False

    def judge(self, seen: Playback, happening: Happening, now: float) -> Verdict:
        """Judge by the newest reading; AGAIN is returned once."""
        there = seen.state is not PlayState.UNAVAILABLE and seen.shows(self.playlist.uri)
        if there and seen.state is PlayState.PLAYING:
            return Verdict.STARTED
        if happening is Happening.USER_CHOSE:
            return Verdict.USERS
        self._reads += 1
        if self._reads < VERIFY_READS:
            return Verdict.OPEN
        if there:  # it was started, and paused at once: by the user
            return Verdict.USERS
        if self._over_music and seen.state is PlayState.PAUSED:
            return Verdict.USERS  # it had no effect, but the music before it was paused
        if self.told or self._repeated or now - self._sent > REPEAT_WITHIN:
            return Verdict.FAILED
        self._repeated, self._reads = True, 0
        return Verdict.AGAIN

    def is_stale(self, now: float) -> bool:
        """Tell whether no reading came for so long that the outcome is of no interest any more."""
        return now - self._sent >= WISH_LIFE
