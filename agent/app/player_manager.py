"""Which player is in use. Part of the composition root: it knows all players, and none of them
knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent import events
from agent.app.spotify_account import Account
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import MoodState, Playlist

if TYPE_CHECKING:
    from agent.app.music_folders import MusicFolders
    from agent.players.local import LocalPlayer
    from agent.players.spotify.playlist_lookup import MappedPlaylists


class PlayerManager:
    """The player in use. All methods are called by the controller's thread and return at once."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        report: Report,
        *,
        wanted: str | None,
        spotify_url: str | None,
        tell: Callable[[str], None],
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._report = report
        self._wanted = wanted
        self._spotify_url = spotify_url
        self.account = Account(paths, clock, report, spotify_url=spotify_url, tell=tell)
        self._settings = Settings()
        self._in_use: tuple[object, ...] | None = None
        self._worker: PlayerWorker | None = None
        self._local: LocalPlayer | None = None  # while it is in use
        self._folders: MusicFolders | None = None  # once it was
        self._mapped: MappedPlaylists | None = None  # while Spotify is in use

    def use(self, settings: Settings) -> None:
        """Begin with, or change to, the player that these settings ask for."""
        self._settings = settings
        self.account.look()
        name = self._wanted or settings.player
        if name == "auto":
            # A login that Spotify ended is no wish for other music: the user is asked to log in.
            there = self.account.ended or self.account.exists(settings)
            name = "spotify" if there else "local"
        # Each tells its playlists before its player's own first words: those would be taken for
        # another player's.
        if name == "spotify":
            self._use_spotify(settings)
        else:
            self._use_local(settings)

    def _use_local(self, settings: Settings) -> None:
        from agent.app.music_folders import MusicFolders
        from agent.players.local import LocalPlayer, playlists_for

        if self._folders is None:
            self._folders = MusicFolders(self._paths.music, self._clock)
            self._folders.look_now()
        playlists = playlists_for(settings, self._folders.adopted)
        self._leave_spotify()
        self._report(events.PlayerChanged(LocalPlayer.name, _by_mood(playlists), None))
        # Its volume can be changed while it plays; for the rest it is built anew.
        wanted = ("local", settings.local.model_copy(update={"volume": 1.0}))
        if self._in_use == wanted and self._local is not None:
            self._local.set_volume(settings.local.volume)
            self._retry()
            return
        self._in_use = wanted
        self._local = LocalPlayer(settings.local, self._clock)
        self._give(PlayerBackend.near(self._local))

    def _use_spotify(self, settings: Settings) -> None:
        logged_in = self.account.exists(settings)
        # After a logout it is built anew: its memory is of the one who has left.
        wanted = ("spotify", settings.spotify, self.account.era)
        if self._in_use == wanted and self._mapped is not None:
            self._mapped.use(settings, logged_in)
            if logged_in:  # else the same refusal would only be told anew
                self._retry()
            return
        from agent.app import spotify_login

        backend, mapped = spotify_login.backend(
            settings, self._paths, self._clock, self._report, self._spotify_url
        )
        self._leave_spotify()
        self._local = None
        self._in_use, self._mapped = wanted, mapped
        mapped.use(settings, logged_in)
        self._give(backend)

    def _leave_spotify(self) -> None:
        if self._mapped is not None:
            self._mapped.retire()
            self._mapped = None

    def _give(self, backend: PlayerBackend) -> None:
        if self._worker is None:
            self._worker = PlayerWorker(backend, self.account.heard, self._clock)
            self._worker.start()
        else:
            self._worker.replace(backend)

    def _retry(self) -> None:
        if self._worker is not None:
            self._worker.retry()  # whatever stood in the way may be gone

    def look(self) -> None:
        """Now and then: 'moodtray login' or 'logout' may have been called beside us, and a login
        that ends soon is told once a day. A login may replace one that is refused."""
        if self.account.changed:
            self.use(self._settings)
        if self._mapped is not None:
            self.account.remind(self._settings)
        if self._local is not None and self._folders is not None:
            changed, back = self._folders.look()
            if changed:
                self._use_local(self._settings)
            for playlist in back:
                self._report(events.PlaylistBack(playlist))

    def await_playlist(self, playlist: Playlist) -> None:
        """It was not found: PlaylistBack is reported when its files have changed."""
        if self._local is not None and self._folders is not None:
            self._folders.wait_for(playlist)

    # -- commands to the player

    def play(self, playlist: Playlist, *, asked: bool) -> None:
        if self._worker is not None:
            self._worker.play(playlist, asked=asked)

    def pause(self) -> None:
        if self._worker is not None:
            self._worker.pause()

    def resume(self) -> None:
        if self._worker is not None:
            self._worker.resume()

    def next_track(self) -> None:
        if self._worker is not None:
            self._worker.next_track()

    def expect(self, waiting: bool) -> None:
        if self._worker is not None:
            self._worker.expect(waiting)

    def restart(self) -> None:
        """Let a player that gave up begin anew; its sound device or connection was let go."""
        if self._worker is not None and self._worker.gave_up:
            self._in_use = None
            self.use(self._settings)
            self._worker.restart()

    # -- the end

    def request_stop(self) -> None:
        if self._worker is not None:
            self._worker.request_stop()

    def join(self, timeout: float) -> bool:
        return self._worker is None or self._worker.join(timeout)


def _by_mood(
    playlists: dict[str, tuple[Playlist, ...]],
) -> dict[MoodState, tuple[Playlist, ...]]:
    return {MoodState(emotion): found for emotion, found in playlists.items()}
