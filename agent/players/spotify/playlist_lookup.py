"""The playlists of each mood as the settings name them.

Told to the controller, and looked up at Spotify bit by bit, so that they have names and those that
are gone are skipped before their turn.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from agent.errors import PlaylistGone, SettingsError
from agent.events import Notice, PlayerChanged, SettingsBroken
from agent.players.spotify.cache import DisplayCache
from agent.players.spotify.playlists import (
    RefusedEntry,
    entries,
    playlist_id,
    playlists_for,
    refused,
)
from agent.ports import Report
from agent.printable import printable
from agent.settings import Settings
from agent.timing import ToldOnce
from agent.translation import _
from agent.types import MoodState, Playlist

log = logging.getLogger(__name__)

TRIES = 2
"""How often a playlist is asked for whose answer cannot be understood."""
MOST_TOLD = 10
"""Entries that are told as no playlists; the others are counted."""
NAMED = 5
"""Playlists that one notice names; the others are counted."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What stands in the settings about one playlist."""

    text: str
    keys: tuple[str, ...]


class MappedPlaylists:
    """Look up the names of the mapped playlists, and tell PlayerChanged for Spotify.

    It is the player's :class:`agent.players.backend.Chores`.

    ``look_up`` is given uri and name; it keeps what it finds in ``cache``, raises PlaylistGone, or
    another PlayerError when asking on makes no sense just now.
    """

    def __init__(
        self, player: str, look_up: Callable[[str, str], None], cache: DisplayCache, report: Report
    ) -> None:
        self._player = player
        self._look_up = look_up
        self._cache = cache
        self._report = report
        self._lock = threading.Lock()  # held while telling: the newest mapping is told last
        self._retired = False
        self._settings = Settings()
        self._entries: dict[str, _Entry] = {}
        self._playlists: dict[MoodState, tuple[Playlist, ...]] | None = None  # as told
        self._skipped: tuple[RefusedEntry, ...] = ()  # entries that were told
        # The player's thread only:
        self._tries: Counter[str] = Counter()
        self._lost: dict[str, bool] = {}  # of this round: True gone, False unreadable
        self._told = ToldOnce()

    # -- any thread

    def use(self, settings: Settings, logged_in: bool | None) -> None:
        """Tell this mapping, and once the entries in it that are skipped."""
        playlists, skipped = playlists_for(settings, self._cache), refused(settings)
        with self._lock:
            self._settings, self._entries = settings, _entries(settings)
            self._tell(playlists, logged_in)
            if skipped and skipped != self._skipped:
                told = [_("{entry} It is skipped.").format(entry=each) for each in skipped]
                if len(told) > MOST_TOLD:
                    told[MOST_TOLD:] = [
                        _("{n} more are skipped as well.").format(n=len(told) - MOST_TOLD)
                    ]
                self._report(SettingsBroken(SettingsError("\n".join(told))))
            self._skipped = skipped

    def forget_names(self) -> None:
        """Delete the names and covers; those that are mapped are looked up again in time.

        Raises StoreError.
        """
        self._cache.forget()

    def retire(self) -> None:
        """Report nothing from now on: another player is in use."""
        with self._lock:
            self._retired = True

    # -- the player's thread

    def pending(self) -> bool:
        """Tell whether a playlist is to be looked up."""
        return not self._retired and self._next() is not None

    def work(self) -> None:
        """Look one playlist up; after the last one tell what was found."""
        uri = self._next()
        if uri is None:
            return
        try:
            self._look_up(uri, self._name(uri))
        except PlaylistGone:
            self._lost[uri] = True
        else:
            self._found(uri)
        if self._next() is None:
            self._end_round()

    def _next(self) -> str | None:
        """Choose the first that was not looked up of late; one that gave trouble comes last."""
        due = [
            uri
            for uri in self._entries
            if playlist_id(uri) is not None  # nothing else can be asked for by its name
            and not self._cache.is_recent(uri)
            and self._tries[uri] < TRIES
        ]
        return min(due, key=lambda uri: self._tries[uri], default=None)

    def _found(self, uri: str) -> None:
        if self._cache.is_recent(uri):
            del self._tries[uri]  # a Counter: no error when it is not there
            self._told.well(uri)
            return
        self._tries[uri] += 1
        if self._tries[uri] == TRIES:
            self._lost[uri] = False

    def _end_round(self) -> None:
        lost, self._lost = self._lost, {}
        with self._lock:
            if self._retired:
                return
            playlists = playlists_for(self._settings, self._cache)
            if playlists != self._playlists:
                self._tell(playlists, logged_in=True)  # how else could it have been looked up
            news = {
                uri: gone
                for uri, gone in lost.items()
                if uri in self._entries and self._told.is_news(uri)
            }
            if news:
                self._report(self._notice(news))

    # -- words

    def _tell(
        self, playlists: dict[MoodState, tuple[Playlist, ...]], logged_in: bool | None
    ) -> None:
        self._playlists = playlists
        self._report(PlayerChanged(self._player, playlists, logged_in))

    def _notice(self, lost: dict[str, bool]) -> Notice:
        gone = [uri for uri, is_gone in lost.items() if is_gone]
        unread = [uri for uri, is_gone in lost.items() if not is_gone]
        told = []
        if gone:
            told.append(
                _("Gone or not yours to see, so Moodtray skips it: {listed}.").format(
                    listed=self._listed(gone)
                )
            )
        if unread:
            told.append(
                _("Spotify gives no usable answer about: {listed}.").format(
                    listed=self._listed(unread)
                )
            )
        what = "A playlist" if len(lost) == 1 else f"{len(lost)} playlists"
        how = _("is gone") if gone == list(lost) and len(lost) == 1 else _("cannot be used")
        return Notice(f"{what} {how}", " ".join([*told, _("Name another one there.")]))

    def _listed(self, uris: Collection[str]) -> str:
        named = [
            _("“{name}” (settings: {keys})").format(
                name=self._name(uri), keys=", ".join(self._entries[uri].keys)
            )
            for uri in uris
        ]
        more = len(named) - NAMED
        return ", ".join(named[:NAMED]) + (
            _(" and {more} more").format(more=more) if more > 0 else ""
        )

    def _name(self, uri: str) -> str:
        entry = self._entries.get(uri)
        return self._cache.name(uri) or (entry.text if entry is not None else uri)


def _entries(settings: Settings) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for emotion, text, uri in entries(settings):
        key = f"spotify_playlists.{emotion}"
        before = found.get(uri)
        keys = before.keys if before is not None else ()
        found[uri] = _Entry(
            before.text if before is not None else printable(text.strip(), 80),
            keys if key in keys else (*keys, key),
        )
    return found
