"""Builds the player from the settings and what is stored. Loads the client and its libraries."""

from __future__ import annotations

from agent.players.backend import PlayerBackend
from agent.players.spotify import storage
from agent.players.spotify.cache import DisplayCache
from agent.players.spotify.client import SpotifyClient
from agent.players.spotify.endpoints import Endpoints
from agent.players.spotify.login import TokenKeeper
from agent.players.spotify.oauth import Accounts
from agent.players.spotify.player import SpotifyPlayer
from agent.players.spotify.playlist_lookup import MappedPlaylists
from agent.players.spotify.rate_limit import Ledger
from agent.players.spotify.transport import SpotifySession
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.paths import Paths


def build_player(
    settings: Settings,
    paths: Paths,
    clock: Clock,
    spotify_url: str | None = None,
    cache: DisplayCache | None = None,
) -> SpotifyPlayer:
    """Build the player, not yet connected. ``cache`` is shared with whoever shows names."""
    client, keeper, book = _connection(settings, paths, clock, spotify_url)
    return SpotifyPlayer(
        client,
        keeper,
        book,
        cache or storage.display_cache(paths, clock),
        clock,
        shuffle=settings.spotify.shuffle,
    )


def build_client(
    settings: Settings, paths: Paths, clock: Clock, spotify_url: str | None = None
) -> SpotifyClient:
    """Build what asks Spotify questions beside the player; both count in the same book."""
    return _connection(settings, paths, clock, spotify_url)[0]


def _connection(
    settings: Settings, paths: Paths, clock: Clock, spotify_url: str | None
) -> tuple[SpotifyClient, TokenKeeper, Ledger]:
    at = Endpoints.at(spotify_url)
    book = storage.ledger(settings, paths, clock)
    keeper = TokenKeeper(
        storage.token_store(settings, paths),
        storage.login_note(paths),
        Accounts(at.accounts, clock, book),
        clock,
    )
    session = SpotifySession(at.api, keeper, book, clock)
    return SpotifyClient(session, at.api, clock), keeper, book


def build_backend(
    settings: Settings, paths: Paths, clock: Clock, report: Report, spotify_url: str | None = None
) -> tuple[PlayerBackend, MappedPlaylists]:
    """Build the player as its worker takes it, and the playlists of each mood.

    The playlists are still to be told (``use``).
    """
    cache = storage.display_cache(paths, clock)
    player = build_player(settings, paths, clock, spotify_url, cache)
    mapped = MappedPlaylists(player.name, player.look_up, cache, report)
    return PlayerBackend.remote(player, player.budget, mapped), mapped
