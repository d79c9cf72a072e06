"""The controller's inbox: all that can happen to the program, as frozen values.

Workers, tray, pages and commands put these into one queue and go on; only the controller reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from agent.errors import AgentError
from agent.types import (
    CameraState,
    Command,
    Decision,
    Happening,
    MoodState,
    Observation,
    Playback,
    Playlist,
)

if TYPE_CHECKING:  # for the tray alone nobody waits until pydantic is loaded
    from agent.settings import Settings

# --- from the workers


@dataclass(frozen=True, slots=True)
class Observed:
    """The camera took a look."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """The camera was opened, released, or cannot be used; ``error`` says why."""

    state: CameraState
    error: AgentError | None = None


@dataclass(frozen=True, slots=True)
class PlaybackChanged:
    """A new reading of the player; sent when something happened, and now and then besides."""

    playback: Playback
    happening: Happening = Happening.NOTHING


@dataclass(frozen=True, slots=True)
class PlaylistStarted:
    """A play command took effect.

    May follow a PlayerFailed with ServiceDown, which leaves open whether it did.
    """

    playlist: Playlist
    playback: Playback


@dataclass(frozen=True, slots=True)
class PlayDropped:
    """A play command that came to nothing without a failure.

    The user, or a newer command, was quicker. Each play command is answered by this,
    PlaylistStarted or PlayerFailed.
    """

    playlist: Playlist


@dataclass(frozen=True, slots=True)
class PlayerFailed:
    """``command``: which of ours failed, None: a reading. ``playlist``: what was to be started."""

    error: AgentError
    playlist: Playlist | None = None
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class PlayerRecovered:
    """The player answers again after a PlayerFailed; after NoDevice: there is a device now."""


@dataclass(frozen=True, slots=True)
class PlaylistBack:
    """A playlist that could not be found can be played again."""

    playlist: Playlist


@dataclass(frozen=True, slots=True)
class PlayerChanged:
    """Another player is in use.

    ``playlists``: emotion -> what it may start for it. ``logged_in`` False: it is the user's wish,
    but nobody is logged in yet.
    """

    name: str
    playlists: Mapping[MoodState, tuple[Playlist, ...]]
    logged_in: bool | None = None  # None: this player knows no login


@dataclass(frozen=True, slots=True)
class WorkerCrashed:
    """A defect in a worker; ``gave_up`` when its restart budget is spent."""

    worker: str
    error: BaseException
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class PreviewChanged:
    """The preview window opened or closed (by its X button, a crash or our command)."""

    open: bool


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The desktop session says that the camera should be off, or may be on again (None).

    ``reason`` is in the user's words; ``idle``: it is that nobody uses the computer, which ends
    with the next touch.
    """

    reason: str | None
    idle: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class UserIsBack:
    """The computer is used again after a locked screen, sleep or a while untouched."""


@dataclass(frozen=True, slots=True)
class PowerChanged:
    """The computer runs on battery, or no longer."""

    on_battery: bool


# --- from the user


@dataclass(frozen=True, slots=True)
class PauseCamera:
    """``until`` None: until resumed by hand."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResumeCamera:
    """The user wants the camera back."""


@dataclass(frozen=True, slots=True)
class TakeBreak:
    """Camera and music rest.

    ``until`` None: until resumed by hand, or with ``until_back`` also when the user is back at a
    computer that was locked, asleep or untouched.
    """

    until: datetime | None = None
    until_back: bool = False


@dataclass(frozen=True, slots=True)
class PlayForMood:
    """Start music now, whatever plays or does not."""


@dataclass(frozen=True, slots=True)
class PauseMusic:
    """Counts as the user's hand: it stays paused until they go on."""


@dataclass(frozen=True, slots=True)
class ResumeMusic:
    """The user wants the music to play on."""


@dataclass(frozen=True, slots=True)
class NextPlaylist:
    """Another playlist for the present mood, now."""


@dataclass(frozen=True, slots=True)
class NextTrack:
    """The next track of what plays."""


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Of Moodtray's own player, 0..1; kept in the settings."""

    volume: float


@dataclass(frozen=True, slots=True)
class PlayPlaylist:
    """This very playlist, now: the user wants to hear it."""

    playlist: Playlist


@dataclass(frozen=True, slots=True)
class TryNow:
    """Look often and change the music at once, for so many seconds; 0 ends it.

    So the user sees how it works.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Show the page to the user, in their browser.

    ``page``: "", "moods", "history", "settings", "start", "spotify", "face".
    """

    page: str = ""


@dataclass(frozen=True, slots=True)
class SetMood:
    """The user says how they feel: it holds for ``minutes``, and music is changed at once to fit.

    ``wrong``: the mood that was shown where the user said so, if it was another one.
    """

    mood: MoodState
    minutes: float = 30.0
    wrong: MoodState | None = None


@dataclass(frozen=True, slots=True)
class FollowFace:
    """Go by the face again: an end to the user's own word and to the time after an Undo."""


@dataclass(frozen=True, slots=True)
class LetMusicChange:
    """End the time after an Undo; the user's own word on their mood stands."""


@dataclass(frozen=True, slots=True)
class NotMyMood:
    """The estimate is wrong: forget it, note it, and take back the change that it led to.

    ``mood``: the one that was shown where the user said so, which may be an old notification; None:
    the present one. ``switch``: the change that was shown there.
    """

    mood: MoodState | None = None
    switch: Decision | None = None


@dataclass(frozen=True, slots=True)
class BeginJourney:
    """Lead the music towards ``goal``. ``start`` None: from the present mood."""

    goal: MoodState
    start: MoodState | None = None


@dataclass(frozen=True, slots=True)
class EndJourney:
    """The music goes by the mood again."""


@dataclass(frozen=True, slots=True)
class NotMe:
    """Somebody else sits before the camera: read them as a stranger, learn nothing of them.

    ``gone``: it is the user again.
    """

    gone: bool = False


@dataclass(frozen=True, slots=True)
class LearnFace:
    """The user's face was learned: ``agent.core.person.Person.as_numbers``; None: forget it."""

    numbers: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class ForgetEverything:
    """All that was noted of the user is deleted: let go of what is held in memory as well.

    The files are deleted by whoever reports this: ``agent.app.forgetting.forget``.
    """


@dataclass(frozen=True, slots=True)
class HistoryDeleted:
    """What was noted from ``since`` up to ``until`` is deleted (seconds since 1970)."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class BeginLesson:
    """Learn the user's face: look at it at rest for so many seconds."""

    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ShowInLesson:
    """The user shows one of the seven next, so that it is learned as well."""

    emotion: MoodState


@dataclass(frozen=True, slots=True)
class KeepLesson:
    """Keep what was learned of the face."""


@dataclass(frozen=True, slots=True)
class StopLesson:
    """End the lesson and keep nothing of it; or take away how the latest ended."""


@dataclass(frozen=True, slots=True)
class UndoSwitch:
    """Back to what played before a switch.

    ``switch``: the one that was shown where the user said so, which may be an old notification;
    None: the latest.
    """

    switch: Decision | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """The user looks at what is told of the music: at the menu, or at the page *Now*."""


@dataclass(frozen=True, slots=True)
class TellWhy:
    """What is seen, what plays, and why, as a notification."""


@dataclass(frozen=True, slots=True)
class ShowMusicFolders:
    """Show the folders in which the user's own music is found; those that are missing are made."""


@dataclass(frozen=True, slots=True)
class ShowPreview:
    """The user wants the preview opened or closed; ``show`` None: the other way round."""

    show: bool | None = None  # None: toggle
    resume: bool = False  # a paused camera too, without asking


@dataclass(frozen=True, slots=True)
class LogIn:
    """The user wants to log in to Spotify."""


@dataclass(frozen=True, slots=True)
class LogOut:
    """The user wants to log out of Spotify."""


@dataclass(frozen=True, slots=True)
class SetAutostart:
    """The user wants the agent started at login, or no longer."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class AutostartChanged:
    """The system says whether the agent starts at login.

    ``asked``: the user has just changed it.
    """

    enabled: bool
    asked: bool = False


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Other settings are in force."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class SettingsBroken:
    """The settings file has a mistake; the last good settings stay in force.

    ``asked``: the user has just changed it.
    """

    error: AgentError
    asked: bool = False


@dataclass(frozen=True, slots=True)
class AskForConsent:
    """Put the question about the camera to the user again."""


@dataclass(frozen=True, slots=True)
class RestartWorkers:
    """Another try for all workers that gave up."""


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The user allows the camera."""


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """The user takes that back: the camera is released at once."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the user that changes no state.

    ``asked``: they wait for it. ``trouble``: something went wrong. ``buttons``: what they may
    answer, and the event that it makes.
    """

    title: str
    message: str
    asked: bool = False
    trouble: bool = False
    buttons: tuple[tuple[str, Event], ...] = ()


@dataclass(frozen=True, slots=True)
class Quit:
    """The agent is to end."""


Event: TypeAlias = (
    Observed
    | CameraChanged
    | PlaybackChanged
    | PlaylistStarted
    | PlayDropped
    | PlayerFailed
    | PlayerRecovered
    | PlaylistBack
    | PlayerChanged
    | AutostartChanged
    | WorkerCrashed
    | PreviewChanged
    | SessionChanged
    | PowerChanged
    | PauseCamera
    | ResumeCamera
    | TakeBreak
    | PlayForMood
    | PauseMusic
    | ResumeMusic
    | NextPlaylist
    | NextTrack
    | SetVolume
    | PlayPlaylist
    | TryNow
    | OpenPage
    | SettingsBroken
    | SetMood
    | FollowFace
    | LetMusicChange
    | NotMyMood
    | BeginJourney
    | EndJourney
    | NotMe
    | LearnFace
    | ForgetEverything
    | HistoryDeleted
    | BeginLesson
    | ShowInLesson
    | KeepLesson
    | StopLesson
    | UndoSwitch
    | Looked
    | TellWhy
    | ShowMusicFolders
    | UserIsBack
    | ShowPreview
    | LogIn
    | LogOut
    | SetAutostart
    | SettingsChanged
    | AskForConsent
    | RestartWorkers
    | ConsentGiven
    | ConsentWithdrawn
    | Notice
    | Quit
)
