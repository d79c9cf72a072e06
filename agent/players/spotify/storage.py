"""What is kept of Spotify on this computer, and where: the login, names, the count of requests.

The agent looks at these before it knows whether anybody uses Spotify, so the client is not loaded
here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import StoreError
from agent.players.spotify.login_state import LoginNote, PersonalFile
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore, KeyringTokenStore, TokenStore
from agent.ports import Clock
from agent.settings import Settings
from agent.store.history import SqliteHistory
from agent.store.jsonfile import JsonFile
from agent.store.lock import ExclusiveLock
from agent.store.paths import Paths

if TYPE_CHECKING:
    from agent.players.spotify.cache import DisplayCache
    from agent.players.spotify.rate_limit import Ledger

CACHE_FILE = "spotify-names.json"
LIMITS_FILE = "spotify-limits.json"
URI_PREFIX = "spotify:"
"""So begins each address of Spotify's, and no other player's."""


def login_lock(paths: Paths) -> ExclusiveLock:
    """Make the lock of whoever changes the login or what was kept with it, in any process."""
    return ExclusiveLock(paths.state / "spotify-login.lock")


def login_note(paths: Paths, settings: Settings | None = None) -> LoginNote:
    """Open the note on what last happened to the login. ``settings``: for one who makes a login."""
    keyring = settings is not None and settings.spotify.use_keyring
    return LoginNote(paths.state / "spotify-login.json", keyring=keyring)


def token_file(paths: Paths) -> Path:
    """Return the path of the file that keeps the login, unless the keyring does."""
    return paths.config / "spotify-token.json"


def token_store(settings: Settings, paths: Paths) -> TokenStore:
    """Open the place where the login is kept, by setting."""
    lock = login_lock(paths)
    if settings.spotify.use_keyring:
        return KeyringTokenStore(lock)
    return FileTokenStore(token_file(paths), lock)


def display_cache(paths: Paths, clock: Clock) -> DisplayCache:
    """Open the names and covers of playlists, as they are known until the next logout."""
    from agent.players.spotify.cache import DisplayCache

    file = JsonFile(paths.state / CACHE_FILE)
    return DisplayCache(PersonalFile(file, login_lock(paths), login_note(paths)), clock)


def history(
    paths: Paths, on_set_aside: Callable[[StoreError], None] | None = None
) -> SqliteHistory:
    """Open the mood journal, which keeps nothing of Spotify's after a logout."""
    note = login_note(paths)
    return SqliteHistory(
        paths.history_file,
        on_set_aside=on_set_aside,
        forgotten=lambda uri: uri.startswith(URI_PREFIX) and note.logged_out,
    )


def ledger(settings: Settings, paths: Paths, clock: Clock) -> Ledger:
    """Open the count of today's requests and the wait that Spotify asked for."""
    from agent.players.spotify.rate_limit import Ledger

    return Ledger(JsonFile(paths.state / LIMITS_FILE), clock, settings.spotify.daily_requests)


def stored_login(settings: Settings, paths: Paths) -> Token | None:
    """Read the login as it is stored; sends nothing.

    ``needs_reminder(now)`` and ``ends`` are its.
    """
    return Token.from_dict(token_store(settings, paths).load())


def is_logged_in(paths: Paths, settings: Settings) -> bool:
    """Tell whether a login is stored; whether Spotify accepts it only a request can tell."""
    return stored_login(settings, paths) is not None
