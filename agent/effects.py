"""What the controller wants done, as frozen values.

``agent.app.effect_handler`` carries them out. Each is quick or handed to a worker: carrying one out
never blocks the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from agent.events import Event
from agent.types import (
    Decision,
    Mood,
    MoodState,
    NotificationKind,
    Observation,
    Playback,
    Playlist,
    Promised,
    Snapshot,
)

if TYPE_CHECKING:
    from agent.settings import Settings


@dataclass(frozen=True, slots=True)
class WatchCamera:
    """Open the camera and look, or release it."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetInterval:
    """Look at the camera every so many seconds; for others beside the user, too, or not."""

    seconds: float
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """``asked``: the user wished it, so what their hand did before does not stand against it.

    ``over_pause`` False: but a pause does.
    """

    playlist: Playlist
    asked: bool = False
    over_pause: bool = True


@dataclass(frozen=True, slots=True)
class PauseMusic:
    """Pause the player, as the user asks."""


@dataclass(frozen=True, slots=True)
class ResumeMusic:
    """Let the player play on, as the user asks."""


@dataclass(frozen=True, slots=True)
class NextTrack:
    """Go on with the next track."""


@dataclass(frozen=True, slots=True)
class KeepSetting:
    """Write a setting into the file; who obeys it already has it."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class ForgetNames:
    """Delete the names and covers of playlists that are kept for showing."""


@dataclass(frozen=True, slots=True)
class AwaitPlaylist:
    """It was not found: look now and then, and report PlaylistBack once it is there."""

    playlist: Playlist


@dataclass(frozen=True, slots=True)
class ShowMusicFolders:
    """Open the folders for the user's own music; those that are missing are made."""


@dataclass(frozen=True, slots=True)
class ExpectTrackEnd:
    """A decision waits (or waits no longer) for the track's end: look at the player more often."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class ReadPlayer:
    """Read the player now, and report PlaybackChanged whatever it shows."""


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Show a page of ours in the user's browser."""

    page: str


@dataclass(frozen=True, slots=True)
class SetPreview:
    """Open or close the preview's window."""

    show: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """What is shown to the user. Plain text; escaping is the notifier's work.

    ``buttons``: (label, event) pairs, shown where the system has buttons; the event goes into the
    controller's inbox when one is pressed.
    """

    kind: NotificationKind
    title: str
    body: str
    buttons: tuple[tuple[str, Event], ...] = ()
    emotion: MoodState | None = None  # chooses the icon
    asked: bool = False  # the answer to a click or command: shown whatever the settings say


@dataclass(frozen=True, slots=True)
class Notify:
    """Show a notification."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What was told of this kind holds no more."""

    kind: NotificationKind


@dataclass(frozen=True, slots=True)
class Publish:
    """The new picture of the whole, for tray, preview and pages."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Record:
    """Something happened that belongs in the log of what was seen and done."""

    item: Observation | Mood | Decision | Playback


@dataclass(frozen=True, slots=True)
class RecordWatch:
    """Looking has ended, or goes on with this mood: for the history, whose moods would last on."""

    mood: Mood | None


@dataclass(frozen=True, slots=True)
class RecordSwitch:
    """The music was changed: for the history."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class RecordFeedback:
    """Keep the user's answer to a switch or mood in the history."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class KeepPerson:
    """Store the numbers of the person's own face, which have changed.

    ``numbers``: as ``agent.core.person.Person.as_numbers`` gives them; None: forget them.
    """

    numbers: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class KeepJourney:
    """Store where a journey is, so that it survives a restart; None: there is none."""

    numbers: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class KeepPromises:
    """Store what the user was promised for some time, so that it survives a restart."""

    promised: Promised


@dataclass(frozen=True, slots=True)
class StartLogin:
    """Open the browser for a login."""


@dataclass(frozen=True, slots=True)
class EndLogin:
    """Log out: remove what was stored."""


@dataclass(frozen=True, slots=True)
class SwitchAutostart:
    """Start at login from now on, or no longer."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Ask whether the camera may be used; the answer comes back as ConsentGiven."""


@dataclass(frozen=True, slots=True)
class ApplySettings:
    """Settings changed: workers and players that depend on them are brought up to date."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class RestartWorkers:
    """Those that gave up begin anew."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the agent."""


Effect: TypeAlias = (
    WatchCamera
    | SetInterval
    | Play
    | PauseMusic
    | ResumeMusic
    | NextTrack
    | KeepSetting
    | ForgetNames
    | AwaitPlaylist
    | ShowMusicFolders
    | ExpectTrackEnd
    | ReadPlayer
    | OpenPage
    | SetPreview
    | Notify
    | Withdraw
    | Publish
    | Record
    | RecordWatch
    | RecordSwitch
    | RecordFeedback
    | KeepPerson
    | KeepJourney
    | KeepPromises
    | StartLogin
    | EndLogin
    | SwitchAutostart
    | AskConsent
    | ApplySettings
    | RestartWorkers
    | Shutdown
)
