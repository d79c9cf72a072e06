"""Which player is in use. It knows all players, and none of them knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import events
from agent.app.spotify_account import Account
from agent.players.backend import PlayerBackend
from agent.players.folder_watch import FolderWatch
from agent.players.player_worker import PlayerWorker
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.paths import Paths
from agent.translation import _
from agent.types import MoodState, Playlist

if TYPE_CHECKING:
    from agent.app.music_folders import MusicFolders
    from agent.players.local import LocalPlayer
    from agent.players.spotify.playlist_lookup import MappedPlaylists


class PlayerManager:
    """Gives the player's worker the player that the settings ask for.

    All methods are called by the controller's thread and return at once.
    """

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        report: Report,
        player: PlayerWorker,
        account: Account,
        folders: FolderWatch,
        *,
        wanted: str | None = None,
        spotify_url: str | None = None,
    ) -> None:
        """Serve ``player``; ``wanted``: a player by name, whatever the settings say."""
        self._paths = paths
        self._clock = clock
        self._report = report
        self._wanted = wanted
        self._spotify_url = spotify_url
        self._player = player
        self._account = account
        self._folders = folders
        self._settings = Settings()
        self._in_use: tuple[object, ...] | None = None
        self._local: LocalPlayer | None = None  # while it is in use
        self._adopted: MusicFolders | None = None  # once it was
        self._mapped: MappedPlaylists | None = None  # while Spotify is in use

    def use(self, settings: Settings) -> None:
        """Begin with, or change to, the player that these settings ask for."""
        self._settings = settings
        self._account.look()
        name = self._wanted or settings.player
        if name == "auto":
            # A login that Spotify ended is no wish for other music: the user is asked to log in.
            there = self._account.ended or self._account.exists(settings)
            name = "spotify" if there else "local"
        # Each tells its playlists before its player's own first words: those would be taken for
        # another player's.
        if name == "spotify":
            self._use_spotify(settings)
        else:
            self._use_local(settings)

    def _use_local(self, settings: Settings) -> None:
        from agent.app.music_folders import MusicFolders
        from agent.players.local import NAME, LocalPlayer, playlists_for

        if self._adopted is None:
            self._adopted = MusicFolders(self._paths.music, self._clock)
            self._adopted.look_now()
        playlists = playlists_for(settings, self._adopted.adopted)
        self._leave_spotify()
        self._folders.keep({each.uri for several in playlists.values() for each in several})
        self._report(events.PlayerChanged(_(NAME), _by_mood(playlists), None))
        # Its volume can be changed while it plays; for the rest it is built anew.
        wanted = ("local", settings.local.model_copy(update={"volume": 1.0}))
        if self._in_use == wanted and self._local is not None:
            self._local.set_volume(settings.local.volume)
            self._player.retry()  # whatever stood in the way may be gone
            return
        self._in_use = wanted
        self._local = LocalPlayer(settings.local, self._clock)
        self._player.replace(PlayerBackend.near(self._local))

    def _use_spotify(self, settings: Settings) -> None:
        logged_in = self._account.exists(settings)
        # After a logout it is built anew: its memory is of the one who has left.
        wanted = ("spotify", settings.spotify, self._account.era)
        if self._in_use == wanted and self._mapped is not None:
            self._mapped.use(settings, logged_in)
            if logged_in:  # else the same refusal would only be told anew
                self._player.retry()
            return
        from agent.players.spotify import factory

        backend, mapped = factory.build_backend(
            settings, self._paths, self._clock, self._report, self._spotify_url
        )
        self._leave_spotify()
        self._folders.keep(())
        self._local = None
        self._in_use, self._mapped = wanted, mapped
        mapped.use(settings, logged_in)
        self._player.replace(backend)

    def _leave_spotify(self) -> None:
        if self._mapped is not None:
            self._mapped.retire()
            self._mapped = None

    def look(self) -> None:
        """Look at the login; to be called now and then.

        'moodtray login' or 'logout' may have been called beside us, and a login that ends soon is
        told once a day. A login may replace one that is refused.
        """
        if self._account.changed:
            self.use(self._settings)
        if self._mapped is not None:
            self._account.remind(self._settings)
        if self._local is not None and self._adopted is not None and self._adopted.look():
            self._use_local(self._settings)

    def await_playlist(self, playlist: Playlist) -> None:
        """Report PlaylistBack when the files of a playlist that was not found change.

        Spotify's own are looked up again in their time.
        """
        if self._local is not None:
            self._folders.watch(playlist)

    def forget_names(self) -> None:
        """Delete the names of Spotify's playlists. Raises StoreError."""
        if self._mapped is not None:
            self._mapped.forget_names()

    def renew(self) -> None:
        """Build the player anew for a worker that has none.

        What it held was let go when it gave up.
        """
        if self._player.needs_backend:
            self._in_use = None
            self.use(self._settings)


def _by_mood(
    playlists: dict[str, tuple[Playlist, ...]],
) -> dict[MoodState, tuple[Playlist, ...]]:
    return {MoodState(emotion): found for emotion, found in playlists.items()}
