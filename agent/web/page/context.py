"""What the page is given by the running agent: values and callables, wired by ``agent.app``.

The page itself knows files (``agent.store``) and the foundation; cameras, players and the desktop
come in through the protocols here. Each says how long a call may take. Unless noted otherwise they
are called in threads of the server, several at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from agent.events import Event
from agent.ports import Clock, Report
from agent.settings import Settings
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import MoodState, Playlist, Snapshot
from agent.web.page.access import Access

PlayerName: TypeAlias = Literal["local", "spotify"]
PLAYER_NAMES: tuple[PlayerName, ...] = ("local", "spotify")


@dataclass(frozen=True, slots=True)
class Card:
    """Something that a mood may play.

    ``entry`` is how the settings name it; ``problem`` says why it cannot be played, as far as that
    is known.
    """

    entry: str
    name: str
    detail: str = ""
    cover: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A device of Spotify's that is there now."""

    name: str
    kind: str
    active: bool
    usable: bool


@dataclass(frozen=True, slots=True)
class SpotifyState:
    """How things stand with Spotify.

    ``redirect_uri`` is what to enter there for this installation; ``ends`` is when the login runs
    out.
    """

    logged_in: bool
    client_id: str
    redirect_uri: str
    dashboard: str
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class CameraChoice:
    """A camera to choose. ``source`` as the settings name it; ``opens`` None: not tried."""

    source: str
    name: str
    opens: bool | None = None


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of the camera as JPEG, with the face's box drawn in.

    ``probabilities`` of its seven expressions: None when there is no face in it.
    """

    jpeg: bytes
    faces: int
    probabilities: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is kept on this computer: what, and where.

    ``there``: it is there now; None: that is not looked at.
    """

    title: str
    about: str
    place: str
    there: bool | None = None


class MusicDesk(Protocol):
    """What moods play."""

    def in_use(self) -> PlayerName:
        """Name the player that is in use, or would be."""
        ...

    def card(self, player: PlayerName, entry: str) -> Card:
        """Describe an entry of the settings; at once, from what is known already."""
        ...

    def look_up(self, player: PlayerName, text: str) -> Card:
        """Check what the user pasted or chose, and bring it into the settings' form.

        May take seconds. Raises AgentError with what is wrong with it.
        """
        ...

    def own_folders(self, player: PlayerName) -> Mapping[MoodState, tuple[str, ...]]:
        """Find the user's folders that are named after moods and hold music: mood -> entry.

        One plays where the settings name nothing for its mood.
        """
        ...

    def beside_moods(self, settings: Settings) -> str:
        """Say which music no mood plays, since it is in no mood's folder; empty: none."""
        ...

    kinds: str
    """The kinds of files that can be played, for people: "mp3, ogg"."""

    def counted(self, path: str) -> Iterator[int]:
        """Count, piece by piece, the tracks of a folder, a list or a file.

        May take minutes. Raises OSError or ValueError.
        """
        ...

    def without_entry(self, player: PlayerName, mood: MoodState) -> str:
        """Say what happens for a mood for which neither settings nor a folder have music."""
        ...

    def playlist(self, player: PlayerName, entry: str) -> Playlist:
        """Make a playlist of an entry. Raises AgentError."""
        ...


class SpotifyDesk(Protocol):
    """The login and what lies behind it."""

    def state(self) -> SpotifyState:
        """Say how things stand; at once. Raises AgentError when the login cannot be read."""
        ...

    def start_login(self, client_id: str, back: str) -> str:
        """Begin a login and return the address for the browser, which comes ``back`` in the end.

        Raises AgentError.
        """
        ...

    def log_out(self) -> str:
        """Remove every trace; what was removed, for people. Raises AgentError."""
        ...

    def playlists(self, *, fresh: bool = False) -> list[Card]:
        """List the user's own playlists.

        May take seconds unless they were asked for a short while ago. Raises AgentError.
        """
        ...

    def devices(self) -> list[Device]:
        """List the devices. May take seconds. Raises AgentError."""
        ...


class CameraDesk(Protocol):
    """The camera, as far as the set-up needs it."""

    def choices(self) -> list[CameraChoice]:
        """List the cameras; those not in use are tried, which may take seconds."""
        ...

    def still(self) -> Still | None:
        """Give the newest picture; keeps pictures coming for the next two seconds.

        None while there is none.
        """
        ...


class ConsentDesk(Protocol):
    """The question about the camera."""

    question: str
    text: str

    def given(self) -> bool:
        """Tell whether the camera is allowed."""
        ...

    def give(self) -> None:
        """Allow it. Raises StoreError."""
        ...

    def withdraw(self) -> bool:
        """Take that back; True when there was something to take back. Raises StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class PageContext:
    """All that the page is given.

    ``wish`` reports what the user wishes and returns what came of it, for people; the desktop does
    not tell it then. None: that is not known yet. May take seconds. ``subscribe`` takes a callable
    that is called, in the controller's thread, whenever there is a new snapshot, and returns what
    ends that. ``forget(since, until)`` removes what the history holds from ``since`` up to
    ``until`` (wall-clock seconds), down to the bytes; raises StoreError. ``forget_everything``
    deletes all that was noted, wherever it lies, and says what for people.
    ``music_folder`` tells where the folder chooser starts. ``kept`` lists what is kept on this
    computer.
    """

    access: Access
    paths: Paths
    clock: Clock
    report: Report
    wish: Callable[[Event], str | None]
    snapshot: Callable[[], Snapshot]
    subscribe: Callable[[Callable[[], None]], Callable[[], None]]
    settings_file: SettingsFile
    history: SqliteHistory
    forget: Callable[[float, float], None]
    forget_everything: Callable[[], str]
    music: MusicDesk
    spotify: SpotifyDesk
    camera: CameraDesk
    consent: ConsentDesk
    music_folder: Callable[[], Path]
    kept: Callable[[], list[Kept]]
    removal: Callable[[], str]
