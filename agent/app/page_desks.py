"""What the page gets from cameras, players and the desktop; see ``agent.web.page.context``.

Part of the composition root: the page knows none of them, and they know nothing of it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import addresses, logs
from agent.app import own_face, promise_file, spotify_login
from agent.app.taps import Taps
from agent.core.person import STRANGER, Person
from agent.desktop import consent
from agent.errors import AgentError, NeedsLogin, PlaylistGone
from agent.opencv import cv2
from agent.players import folders, local
from agent.players.spotify import storage
from agent.players.spotify.endpoints import DASHBOARD
from agent.players.spotify.playlists import canonical
from agent.ports import Clock
from agent.printable import printable
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.translation import _, ngettext
from agent.types import LOOPS, FrameView, MoodState, Playlist
from agent.vision.camera import OpenCVCamera
from agent.web.page.context import (
    CameraChoice,
    Card,
    Device,
    Kept,
    PlayerName,
    SpotifyState,
    Still,
)

if TYPE_CHECKING:
    from agent.app.spotify_account import Account
    from agent.players.spotify.client import SpotifyClient

log = logging.getLogger(__name__)

STILL_LIFE = 2.0
"""Seconds after the last question for which stills are made."""
STILL_WAIT = 1.5
"""Seconds that a question waits for its picture."""
STILL_WIDTH = 560
LIST_LIFE = 600.0
"""Seconds for which the list of playlists is good."""
FOLDERS_LIFE = 2.0
"""Seconds for which the folders that are named after moods are taken as they were found."""
CHOICES_LIFE = 20.0
"""Seconds for which the list of cameras is good; a camera need not be opened at every look."""
BOX_COLOUR = (255, 255, 255)


class ConsentAnswers:
    """The question about the camera, kept where the dialog keeps it."""

    question = consent.QUESTION
    text = consent.TEXT

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock

    def given(self) -> bool:
        """Tell whether the camera is allowed."""
        return consent.is_given(self._paths)

    def give(self) -> None:
        """Allow it."""
        consent.give(self._paths, self._clock.now())

    def withdraw(self) -> bool:
        """Take that back; True when there was something to take back."""
        return consent.withdraw(self._paths)


def kept(paths: Paths, settings: Settings) -> list[Kept]:
    """List what Moodtray keeps on this computer, and where; looks at the files' names alone."""

    def file(title: str, about: str, path: Path) -> Kept:
        return Kept(title, about, printable(str(path)), os.path.exists(path))

    login = file(
        _("Login to Spotify"),
        _("What Spotify gave us instead of your password; 'Log out' removes it."),
        storage.token_file(paths),
    )
    if settings.spotify.use_keyring:
        login = replace(login, place=_("in the system's keyring"), there=None)
    return [
        file(
            _("History"),
            _("Changes of your mood and of the music, and your answers."),
            paths.history_file,
        ),
        file(
            _("Your face"),
            _("Sixteen numbers, once it was learned, or your words or many looks corrected it."),
            paths.state / own_face.NAME,
        ),
        file(_("Log"), _("Troubles, for whoever looks for a fault."), paths.logs / logs.LOG_NAME),
        login,
        file(
            _("Breaks and your word"),
            _(
                "Until when the camera or the music rests or is left alone at your wish, and the "
                "mood that you said you feel, while that holds: a restart keeps to it. "
                "'Everything…' deletes the mood and ends no break."
            ),
            paths.state / promise_file.NAME,
        ),
        file(
            _("Names of playlists"),
            _("And of the last device, as Spotify told them."),
            paths.state / storage.CACHE_FILE,
        ),
        file(
            _("Settings"),
            _("Yours to read and change. A copy of the last that were right lies beside them."),
            paths.settings_file,
        ),
        file(
            _("Your permission"),
            _("That you allowed the camera, and when. Other small notes lie beside it."),
            consent.file_of(paths),
        ),
    ]


class CameraView:
    """Stills of the camera in use, and the others there are.

    A frame is copied for those who wait for it right then, and for nobody else: none is kept from
    one question to the next. The watcher's frames are asked for until STILL_LIFE after the last
    question, and no longer once the camera is let go.
    """

    def __init__(
        self,
        taps: Taps,
        clock: Clock,
        source: Callable[[], int | str],
        person: Callable[[], Person] = lambda: STRANGER,
    ) -> None:
        """``source`` names the camera in use, ``person`` as whom the looks are read."""
        self._taps = taps
        self._clock = clock
        self._source = source
        self._person = person
        self._news = threading.Condition()
        self._view: FrameView | None = None  # only while somebody waits
        self._waiting = 0
        self._asked = 0.0
        self._ager: threading.Thread | None = None  # while frames are asked for
        self._choices: tuple[float, list[CameraChoice]] | None = None
        self._choosing = threading.Lock()

    def still(self) -> Still | None:
        """Give the next picture; waits STILL_WAIT at most for one."""
        with self._news:
            self._asked = self._clock.monotonic()
            if self._ager is None:
                self._ager = threading.Thread(target=self._age, name="stills", daemon=True)
                self._taps.set("page", self._show)
                self._ager.start()
            self._waiting += 1
            try:
                self._news.wait_for(lambda: self._view or self._ager is None, STILL_WAIT)
                view = self._view
            finally:
                self._waiting -= 1
                if not self._waiting:
                    self._view = None
        return None if view is None else still_of(view, self._person())

    def let_go(self) -> None:
        """Ask for no more frames, and forget what is there. Any thread."""
        with self._news:
            self._view = None
            if self._ager is not None:
                self._ager = None
                self._taps.set("page", None)
                self._news.notify_all()

    def _show(self, view: FrameView) -> None:
        """In the watcher's thread, for every frame."""
        with self._news:
            if self._ager and self._waiting and self._view is None:
                copy = view.frame.copy()
                self._view = FrameView(copy, view.faces, view.probabilities, view.fps)
                self._news.notify_all()

    def _age(self) -> None:
        """Let go once nobody has asked for a while.

        In a thread of its own: no frame may ever come again.
        """
        with self._news:
            while self._ager is threading.current_thread():
                left = self._asked + STILL_LIFE - self._clock.monotonic()
                if left <= 0.0:
                    self.let_go()
                    break
                self._news.wait(left)

    def choices(self) -> list[CameraChoice]:
        """List the cameras; those not in use are opened for a moment to see whether they can be."""
        with self._choosing:
            now, used = self._clock.monotonic(), self._source()
            if self._choices is not None and now - self._choices[0] < CHOICES_LIFE:
                return self._choices[1]
            found = [
                CameraChoice(str(index), name, index == used or _opens(index))
                for index, name in _cameras()
            ]
            if not any(choice.source == str(used) for choice in found):
                found += _in_use(used)
            self._choices = now, found
            return found


def _in_use(source: int | str) -> list[CameraChoice]:
    """Name what is looked through where the system lists it among no cameras."""
    if isinstance(source, int):
        return []  # there is none of that number
    if addresses.is_address(source):
        return [CameraChoice(source, addresses.place(source), None)]
    return [CameraChoice(source, _("Video: {name}").format(name=printable(source, 80)), None)]


def still_of(view: FrameView, person: Person) -> Still:
    """Draw a frame as the page shows it, mirrored, with a box around the face that is read."""
    frame = view.frame
    scale = min(1.0, STILL_WIDTH / frame.shape[1])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    for face in view.faces[:1]:
        corner = (round(face.x * scale), round(face.y * scale))
        other = (round((face.x + face.width) * scale), round((face.y + face.height) * scale))
        cv2.rectangle(picture, corner, other, (33, 32, 32), 4, cv2.LINE_AA)
        cv2.rectangle(picture, corner, other, BOX_COLOUR, 2, cv2.LINE_AA)
    mirrored = cv2.flip(picture, 1)  # as in a mirror, where people know themselves
    made, jpeg = cv2.imencode(".jpg", mirrored, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert made
    return Still(jpeg.tobytes(), len(view.faces), person.read(view.probabilities))


def _cameras() -> list[tuple[int, str]]:
    """List numbers and names of the cameras that the system knows."""
    if not sys.platform.startswith("linux"):
        return [(index, _("Camera {n}").format(n=index + 1)) for index in range(3)]
    found = []
    for folder in sorted(Path("/sys/class/video4linux").glob("video*")):
        try:
            if (folder / "index").read_text().strip() != "0":
                continue  # the second node of a camera gives no pictures
            name = printable((folder / "name").read_text(errors="replace").strip(), 80)
            found.append((int(folder.name.removeprefix("video")), name))
        except (OSError, ValueError):
            continue
    return sorted(found)


def _opens(index: int) -> bool:
    camera = OpenCVCamera(index, open_seconds=2.0)
    try:
        camera.open()
    except AgentError:
        return False
    finally:
        camera.close()
    return True


class SpotifyLink:
    """The login to Spotify and what lies behind it, for the page's threads."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        settings_file: SettingsFile,
        account: Account,
        spotify_url: str | None,
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._settings_file = settings_file
        self._account = account
        self._spotify_url = spotify_url
        self._lock = threading.Lock()  # one request at a time, as the player's thread does it
        self._client: tuple[object, SpotifyClient] | None = None
        self._list: tuple[float, list[Card]] | None = None

    @property
    def _settings(self) -> Settings:
        return self._settings_file.load_or_last_good()[0]

    def state(self) -> SpotifyState:
        """Say how things stand."""
        settings = self._settings
        login = None
        if os.path.exists(storage.token_file(self._paths)) or settings.spotify.use_keyring:
            login = storage.stored_login(settings, self._paths)
        return SpotifyState(
            login is not None,
            settings.spotify.client_id or "",
            spotify_login.redirect_uri(settings.spotify.port),
            DASHBOARD,
            None if login is None else login.ends.date(),
        )

    def start_login(self, client_id: str, back: str) -> str:
        """Begin a login; the address is Spotify's."""
        self._list = None
        return self._account.begin(client_id, back)

    def log_out(self) -> str:
        """Remove every trace."""
        from agent.app.spotify_account import log_out

        self._list = self._client = None
        told = log_out(self._paths)
        self._account.tell_changed()
        return told

    def playlists(self, *, fresh: bool = False) -> list[Card]:
        """List the user's own playlists."""
        with self._lock:
            now = self._clock.monotonic()
            if not fresh and self._list is not None and now - self._list[0] < LIST_LIFE:
                return self._list[1]
            found = [
                Card(
                    f"spotify:playlist:{info.id}",
                    printable(info.name),
                    _about(info.owner, info.tracks),
                    info.cover,
                )
                for info in self._connected().my_playlists()
            ]
            self._list = now, found
            return found

    def devices(self) -> list[Device]:
        """List the devices."""
        with self._lock:
            return [
                Device(printable(device.name), device.type, device.active, device.usable)
                for device in self._connected().devices()
            ]

    def look_up(self, uri: str) -> Card:
        """Ask Spotify about one playlist. Raises PlaylistGone with what may be wrong with it."""
        from agent.players.spotify.playlists import kind_of, playlist_id

        identity = playlist_id(uri)
        if identity is None:  # an album, an artist, a show: played without being looked up
            return Card(uri, kind_of(uri), "", None)
        cache = storage.display_cache(self._paths, self._clock)
        with self._lock:
            try:
                info = self._connected().playlist(identity)
            except PlaylistGone as error:
                raise PlaylistGone(
                    _(
                        "Spotify does not show this playlist: it was deleted, or it is private "
                        "and not yours. Make it public in Spotify, or choose another one."
                    )
                ) from error
        cache.remember(uri, info.name, info.cover)
        return Card(uri, printable(info.name), _about(info.owner, None), info.cover)

    def known(self, uri: str) -> Card | None:
        """Return what the list of playlists says about one, as far as it was asked for."""
        listed = self._list
        if listed is None:
            return None
        return next((card for card in listed[1] if card.entry == uri), None)

    def _connected(self) -> SpotifyClient:
        settings = self._settings
        if not storage.is_logged_in(self._paths, settings):
            raise NeedsLogin(_("Nobody is logged in to Spotify here yet."))
        wanted = settings.spotify, self._account.era
        if self._client is None or self._client[0] != wanted:
            from agent.players.spotify.factory import build_client

            client = build_client(settings, self._paths, self._clock, self._spotify_url)
            self._client = wanted, client
        return self._client[1]


def _about(owner: str | None, tracks: int | None) -> str:
    parts = []
    if tracks is not None:
        parts.append(ngettext("{n} song", "{n} songs", tracks).format(n=tracks))
    if owner:
        parts.append(_("by {name}").format(name=printable(owner, 60)))
    return " · ".join(parts)


class MusicChoice:
    """What moods play, of both players."""

    kinds = folders.KINDS

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        settings_file: SettingsFile,
        spotify: SpotifyLink,
        account: Account,
        wanted: str | None,
    ) -> None:
        """``wanted``: the player that this run was started with, whatever the settings say."""
        self._paths = paths
        self._clock = clock
        self._settings_file = settings_file
        self._spotify = spotify
        self._account = account
        self._wanted = wanted
        # Folders named after moods, and when they were looked at.
        self._found: tuple[float, dict[str, tuple[Path, ...]]] | None = None

    def in_use(self) -> PlayerName:
        """Name the player that is in use, or would be."""
        settings = self._settings_file.load_or_last_good()[0]
        name = self._wanted or settings.player
        if name == "auto":
            try:
                there = self._account.ended or self._account.exists(settings)
            except AgentError:
                there = False
            return "spotify" if there else "local"
        return "spotify" if name == "spotify" else "local"

    def card(self, player: PlayerName, entry: str) -> Card:
        """Describe an entry of the settings."""
        if player == "local":
            playlist = local.playlist(entry)
            if entry.startswith(LOOPS):
                return Card(entry, printable(playlist.name), _("comes with Moodtray"))
            return Card(
                entry, printable(playlist.name), printable(playlist.uri), None, _problem(playlist)
            )
        try:
            uri = canonical(entry)
        except AgentError as error:
            return Card(entry, printable(entry, 60), "", None, error.message)
        listed = self._spotify.known(uri)
        cache = storage.display_cache(self._paths, self._clock)
        gone = _("Spotify does not show it any more") if cache.is_gone(uri) else None
        name = cache.name(uri) or (listed.name if listed else _("a playlist"))
        cover = listed.cover if listed else cache.cover(uri)
        return Card(entry, printable(name), listed.detail if listed else "Spotify", cover, gone)

    def look_up(self, player: PlayerName, text: str) -> Card:
        """Check what the user pasted or chose."""
        if player == "spotify":
            return self._spotify.look_up(canonical(text))
        playlist = local.playlist(text)
        if not text.startswith(LOOPS):
            path = Path(playlist.uri)
            if not path.is_absolute():
                raise PlaylistGone(
                    _("“{name}” is no whole path. Begin with / or ~.").format(name=text[:200])
                )
            if not os.path.exists(path):
                raise PlaylistGone(
                    _(
                        "There is no folder or file {path}. Look how it is written, or choose it "
                        "from the folders on this page."
                    ).format(path=printable(str(path), 200))
                )
            if os.path.isdir(path):
                # Whether there is music in it is counted in the background: it may be huge.
                _readable(path)
                return self.card("local", text)
        local.tracks_of(playlist)
        return self.card("local", text)

    def own_folders(self, player: PlayerName) -> dict[MoodState, tuple[str, ...]]:
        """Find the user's folders that are named after moods and hold music: mood -> entries."""
        if player == "spotify":
            return {}
        return {MoodState(mood): tuple(map(str, own)) for mood, own in self._folders().items()}

    def beside_moods(self, settings: Settings) -> str:
        """Say which music no mood plays, since it is in no mood's folder; empty: none."""
        return local.beside_moods(self._paths.music, settings)

    def counted(self, path: str) -> Iterator[int]:
        """Count, piece by piece, the tracks of a folder, a list or a file."""
        return folders.counted(Path(path))

    def _folders(self) -> dict[str, tuple[Path, ...]]:
        """Look for folders that are named after moods and hold music; a look is good for a while.

        Any thread.
        """
        now = self._clock.monotonic()
        if self._found is None or now - self._found[0] > FOLDERS_LIFE:
            found = local.mood_folders(self._paths.music)
            self._found = self._clock.monotonic(), found
        return self._found[1]

    def without_entry(self, player: PlayerName, mood: MoodState) -> str:
        """Say what happens for a mood for which neither settings nor a folder have music."""
        if player == "spotify":
            return _("Nothing is set, so the music is left alone.")
        settings = self._settings_file.load_or_last_good()[0]
        lists: dict[str, tuple[str, ...]] = {str(k): v for k, v in settings.local_playlists.items()}
        if str(mood) in lists:
            return _("Nothing is to play, so the music is left alone.")
        return _("Nothing is set, so the Moodtray loop plays.")

    def playlist(self, player: PlayerName, entry: str) -> Playlist:
        """Make a playlist of an entry."""
        if player == "spotify":
            uri = canonical(entry)
            return Playlist(uri, self.card(player, entry).name)
        found = local.playlist(entry)
        if not entry.startswith(LOOPS) and not os.path.exists(found.uri):
            raise PlaylistGone(_("{path} is not there any more.").format(path=printable(found.uri)))
        return found


def _problem(playlist: Playlist) -> str | None:
    """Say what keeps music of the settings from being found; None: nothing."""
    try:
        os.stat(playlist.uri)
    except FileNotFoundError:
        return _("is not there any more")
    except (OSError, ValueError) as error:  # below a folder that the user may not enter
        why = getattr(error, "strerror", None) or str(error)
        return _("it cannot be read ({why})").format(why=why)
    return None


def _readable(path: Path) -> None:
    try:
        next(path.iterdir(), None)
    except OSError as error:
        raise PlaylistGone(
            _("The folder {path} cannot be read ({why}). Check its permissions.").format(
                path=printable(str(path)), why=error.strerror
            )
        ) from error
