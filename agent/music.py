"""Which player is in use, and the commands that log in and out. Part of the composition root:
it knows all players, and none of them knows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from agent import events as on
from agent.clock import SystemClock
from agent.errors import AgentError
from agent.players.base import PlayerBackend
from agent.players.monitor import PlayerWorker
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import MoodState, Playlist

if TYPE_CHECKING:
    from agent.players.local import LocalPlayer
    from agent.players.spotify.mapped import MappedPlaylists


class Music:
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
        self._tell = tell
        self._settings = Settings()
        self._in_use: tuple[str, object] | None = None
        self._token_seen: tuple[int, ...] | None = None
        self._logged_out = False  # by log_out(), not yet followed by the player
        self._reminded: date | None = None
        self._worker: PlayerWorker | None = None
        self._local: LocalPlayer | None = None  # while it is in use
        self._mapped: MappedPlaylists | None = None  # while Spotify is in use
        self._login: threading.Thread | None = None
        self._logout: threading.Thread | None = None

    def use(self, settings: Settings) -> None:
        """Begin with, or change to, the player that these settings ask for."""
        self._settings = settings
        self._token_seen = self._token_stamp()
        name = self._wanted or settings.player
        if name == "auto":
            # A login that Spotify ended is no wish for other music: the user is asked to log in.
            ended = self._mapped is not None and not self._logged_out
            name = "spotify" if ended or self._logged_in() else "local"
            if name == "local":
                self._logged_out = False
        # Each tells its playlists before its player's own first words: those would be taken for
        # another player's.
        if name == "spotify":
            self._use_spotify(settings)
        else:
            self._use_local(settings)

    def _use_local(self, settings: Settings) -> None:
        from agent.players.local import LocalPlayer, playlists_for

        playlists = playlists_for(settings)
        self._leave_spotify()
        self._report(on.PlayerChanged(LocalPlayer.name, _by_mood(playlists), None))
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
        logged_in = self._logged_in()
        wanted = ("spotify", settings.spotify)
        if self._in_use == wanted and self._mapped is not None:
            self._mapped.use(settings, logged_in)
            if logged_in:  # else the same refusal would only be told anew
                self._retry()
            return
        from agent import spotify_app

        backend, mapped = spotify_app.backend(
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
            self._worker = PlayerWorker(backend, self._report, self._clock)
            self._worker.start()
        else:
            self._worker.replace(backend)

    def _retry(self) -> None:
        if self._worker is not None:
            self._worker.retry()  # whatever stood in the way may be gone

    def _logged_in(self) -> bool:
        # Cheap without the client: without a token file (or keyring) nobody ever logged in.
        if not self._paths.token_file.exists() and not self._settings.spotify.use_keyring:
            return False
        from agent import spotify_app

        return spotify_app.is_logged_in(self._paths, self._settings)

    def _token_stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._paths.token_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def look(self) -> None:
        """Now and then: 'moodtray login' or 'logout' may have been called beside us, and a login
        that ends soon is told once a day. A login may replace the file of one that is refused."""
        if self._token_stamp() != self._token_seen:
            self.use(self._settings)
        today = self._clock.now().date()
        if self._reminded != today and self._in_use is not None and self._in_use[0] == "spotify":
            self._reminded = today
            self._remind()

    def _remind(self) -> None:
        from agent import spotify_app

        login = spotify_app.stored_login(self._settings, self._paths)
        if login is not None and login.needs_reminder(self._clock.now()):
            self._report(
                on.Notice(
                    "Please log in to Spotify again soon",
                    f"Spotify ends every login after six months; yours ends on "
                    f"{login.ends:%d %B}. 'Log in' in the tray or 'moodtray login' renews it.",
                )
            )

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

    def expect(self, waiting: bool) -> None:
        if self._worker is not None:
            self._worker.expect(waiting)

    # -- login

    def log_in(self) -> None:
        """Open the browser for it; the outcome comes as events."""
        if self._login is not None and self._login.is_alive():
            return
        self._login = threading.Thread(target=self._log_in, name="login", daemon=True)
        self._login.start()

    def _log_in(self) -> None:
        try:
            log_in(self._paths, spotify_url=self._spotify_url, tell=self._tell)
            settings = SettingsFile(self._paths).load()
        except AgentError as error:
            self._report(on.Notice(error.title, error.message))
            return
        self._logged_out = False
        self._report(on.Notice("Logged in", "Moodtray may now choose music on Spotify."))
        self._report(on.SettingsChanged(settings))

    def log_out(self) -> None:
        """Remove the login; the outcome comes as events. A locked file or keyring may take long."""
        if self._logout is not None and self._logout.is_alive():
            return
        self._logout = threading.Thread(target=self._log_out, name="logout", daemon=True)
        self._logout.start()

    def _log_out(self) -> None:
        try:
            removed = log_out(self._paths)
            self._logged_out = True
            settings = SettingsFile(self._paths).load()
        except AgentError as error:
            self._report(on.Notice(error.title, error.message))
            return
        what = f"Removed: {', '.join(removed)}." if removed else "Nothing was stored."
        self._report(on.Notice("Logged out", what))
        self._report(on.SettingsChanged(settings))

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


def log_in(
    paths: Paths,
    *,
    client_id: str | None = None,
    no_browser: bool = False,
    spotify_url: str | None = None,
    tell: Callable[[str], None],
) -> None:
    """Log in to Spotify and wait until it is done. Raises NeedsLogin and its kin."""
    from agent import spotify_app

    file = SettingsFile(paths)
    spotify_app.login(
        file.load(),
        paths,
        SystemClock(),
        client_id=client_id,
        no_browser=no_browser,
        spotify_url=spotify_url,
        save_client_id=lambda wanted: _save_client_id(file, wanted),
        tell=tell,
    )


def _save_client_id(file: SettingsFile, client_id: str) -> None:
    file.change("spotify.client_id", client_id)


def log_out(paths: Paths) -> list[str]:
    """Remove every trace of Spotify; returns what was removed."""
    from agent import spotify_app

    return spotify_app.logout(paths, SettingsFile(paths).load())
