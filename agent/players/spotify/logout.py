"""The end of a login at the user's wish: every stored trace of Spotify is removed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection

from agent import logs
from agent.errors import StoreError
from agent.players.spotify import storage
from agent.players.spotify.token_store import FileTokenStore, KeyringTokenStore
from agent.settings import Settings
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths, refuse_ways_of_strangers
from agent.translation import N_, _

log = logging.getLogger(__name__)

SHORTEST_NAME = 3
"""Characters of a name that is looked for in the log: shorter ones are in every line."""

KEPT = N_(
    "Kept: your moods, your settings (with the client ID and the playlists that you entered), and "
    "today's count of requests, which keeps your account within Spotify's limits."
)
REVOKE = N_(
    "To have Spotify forget Moodtray as well, remove its access at spotify.com/account/apps."
)
"""Both for people."""


def logout(paths: Paths, settings: Settings) -> list[str]:
    """Remove every trace; returns what was removed, for people.

    Raises StoreError that names what could not be; all else is removed nevertheless. A running
    agent, in this process or another, sees the note and writes nothing back. The count of requests
    stays, and so does a wait that Spotify asked for: the next login has to keep to them, and they
    tell nothing about a person.
    """
    removed: list[str] = []
    troubles: list[StoreError] = []

    def remove(what: str, deletion: Callable[[], bool]) -> None:
        try:
            if deletion():
                removed.append(what)
        except StoreError as error:
            troubles.append(error)

    lock, note = storage.login_lock(paths), storage.login_note(paths)
    file = storage.token_file(paths)
    names = JsonFile(paths.state / storage.CACHE_FILE)
    with lock.hold():
        noted = note.read()
        try:  # before all else: from here on nothing is written back
            note.note_logout()
        except StoreError as error:
            troubles.append(error)
        remove(_("the login ({file})").format(file=file), FileTokenStore(file, lock).delete)
        # The setting may have been changed since the login, so both places are looked at. Where
        # nobody ever used the keyring, one that cannot be opened is no trouble.
        may_be_there = settings.spotify.use_keyring or (noted is not None and noted.keyring)
        known = len(troubles)
        remove(_("the login in the system's keyring"), KeyringTokenStore(lock).delete)
        if not may_be_there:
            for trouble in troubles[known:]:
                log.info("no keyring was looked at: %s", trouble)
            del troubles[known:]
        known_names = _names_in(names.load())
        remove(
            _("names of playlists and of the last device ({path})").format(path=names.path),
            names.delete,
        )
    journal = storage.history(paths)
    try:
        with contextlib.suppress(StoreError):  # told below
            noted_names = journal.playlist_names(storage.URI_PREFIX)
            known_names |= {name for name in noted_names if len(name) >= SHORTEST_NAME}
        remove(
            _("Spotify's playlists in the history ({path})").format(path=journal.path),
            lambda: journal.forget_playlists(storage.URI_PREFIX),
        )
    finally:
        journal.close()
    remove(
        _("what the log says about Spotify ({path})").format(path=paths.logs),
        lambda: _forget_log(paths, ("spotify", *known_names)),
    )
    if troubles:
        told = [trouble.message for trouble in troubles]
        if removed:
            told.append(_("Removed: {removed}.").format(removed=", ".join(removed)))
        raise StoreError(" ".join(told), title=_("Not everything could be removed"))
    return removed


def _forget_log(paths: Paths, words: Collection[str]) -> bool:
    refuse_ways_of_strangers(paths.logs / logs.LOG_NAME, followed=False)
    return logs.forget_naming(paths.logs, words)


def _names_in(kept: dict[str, object] | None) -> set[str]:
    """Find every name of a playlist or device among what was kept, whatever else is there."""
    found: set[str] = set()
    several = [kept]
    while several:
        one: object = several.pop()
        if isinstance(one, dict):
            several += one.values()
            name = one.get("name")
            if isinstance(name, str) and len(name) >= SHORTEST_NAME:
                found.add(name)
    return found
