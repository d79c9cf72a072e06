"""What the user may set: names, defaults and bounds.

Pure; reading and writing the TOML file is ``agent.store.settings_file``.

Durations are seconds unless a name ends in ``_minutes``. Unknown keys are refused, so that a typo
is told and not silently ignored.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent.translation import _

SETTINGS_VERSION: Literal[1] = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=86_400.0)]


MOST_CAMERAS = 9_999
"""Numbers beyond it are no camera's: systems count them from 0."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSettings(_Section):
    """Which camera, and how often it is looked at."""

    source: Annotated[int, Field(ge=0, le=MOST_CAMERAS)] | str = 0
    """Index of a webcam, path of a file, or URL of a stream."""
    interval: Annotated[float, Field(ge=0.2, le=600.0)] = 5.0
    """Seconds between two looks (the seed's 5 s)."""
    interval_on_battery: Annotated[float, Field(ge=0.2, le=600.0)] = 10.0
    burst_frames: Annotated[int, Field(ge=1, le=30)] = 4
    burst_duration: Annotated[float, Field(ge=0.0, le=5.0)] = 0.5
    yield_to_others: bool = True
    """Let the camera go for a while when another program asks for it."""
    finder: Literal["blazeface", "haar"] = "blazeface"
    """What finds the faces. Haar also where BlazeFace's weights are missing."""
    engine: Literal["onnx", "int8", "torch"] = "onnx"


class MoodSettings(_Section):
    """See ``agent.core.mood_filter`` for the theory."""

    steadiness: Literal["calm", "balanced", "quick"] = "balanced"
    """How soon a change of mood is believed: calm waits longer and errs less, quick follows."""
    away_after: Seconds = 15.0
    """No face for that long: AWAY."""
    certainty: Annotated[float, Field(ge=0.3, le=0.999)] | None = None
    """For experts: the probability at which a mood is named; None: as steadiness says."""
    pace: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    """For experts: all times of the model times this. The demo's day in a minute uses it."""
    own_face: bool = True
    """Use what calibration and the user's words said of this person's face."""
    learn: bool = True
    """Let the long-run answers and the user's words move it, slowly."""


class PolicySettings(_Section):
    """When the music is changed."""

    timing: Literal["track_end", "now"] = "track_end"
    """Switch when the present track ends, or at once (the seed's behaviour)."""
    cooldown: Seconds = 120.0
    """No second switch of our own within that time."""
    start_when_silent: bool = False
    """Start music although nothing plays and nobody asked."""
    interrupt_speech: bool = False
    """Change podcasts and audiobooks for music as if they were music."""
    hands_off_minutes: Annotated[float, Field(ge=0.0, le=1440.0)] = 60.0
    """A context that the user chose is left alone that long, or until it ends."""


Response = Literal["match", "lift", "calm", "energise", "leave alone"]


class ResponseSettings(_Section):
    """What each mood should do to the music.

    match: music for that mood. lift, calm and energise lead away from it in steps. leave alone:
    nothing changes.
    """

    angry: Response = "match"
    disgust: Response = "match"
    fear: Response = "match"
    happy: Response = "match"
    sad: Response = "match"
    surprise: Response = "match"
    neutral: Response = "match"
    tracks: Annotated[int, Field(ge=1, le=20)] = 3
    """Tracks that one step lasts ..."""
    minutes: Annotated[float, Field(ge=1.0, le=120.0)] = 12.0
    """... or minutes, whichever is over first."""

    def of(self, emotion: str) -> Response:
        """Look up the response to one emotion."""
        response: Response = getattr(self, emotion)
        return response


class LocalSettings(_Section):
    """The player of Moodtray itself."""

    shuffle: bool = False
    volume: Share = 0.8


class SpotifySettings(_Section):
    """The login to Spotify, and how its music is played."""

    client_id: str | None = None
    port: Annotated[int, Field(ge=0, le=65_535)] = 8888
    """Of the login callback; 0: any free port (the app is registered without one)."""
    shuffle: bool = False
    use_keyring: bool = False
    daily_requests: Annotated[int, Field(ge=100, le=100_000)] = 5000


def _whole_seconds(value: time | None) -> time | None:
    if value is None:
        return None
    if value.tzinfo is not None:
        raise ValueError(_("times are those of this computer: leave the time zone out"))
    return value.replace(microsecond=0)


TimeOfDay = Annotated[time | None, AfterValidator(_whole_seconds)]


class NotificationSettings(_Section):
    """When the user wants to be left in peace."""

    enabled: bool = True
    quiet_from: TimeOfDay = None
    quiet_to: TimeOfDay = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_to is None):
            missing = "quiet_to" if self.quiet_to is None else "quiet_from"
            raise ValueError(
                _(
                    "{missing} is missing: quiet hours need both a beginning "
                    "(quiet_from) and an end (quiet_to)"
                ).format(missing=missing)
            )
        return self


class PreviewSettings(_Section):
    """The window that shows what the camera sees."""

    when_paused: Literal["ask", "resume"] = "ask"


class SessionSettings(_Section):
    """When the camera is let go without being asked."""

    release_when_locked: bool = True
    release_when_idle: bool = True
    idle_minutes: Annotated[float, Field(ge=0.5, le=1440.0)] = 10.0
    idle_minutes_with_music: Annotated[float, Field(ge=0.5, le=1440.0)] = 30.0
    """The same while music plays: who listens does not type."""
    release_when_sharing: bool = True
    pause_music_in_calls: bool = True
    """Music rests too while the screen is shared or another program takes the camera."""


class HistorySettings(_Section):
    """What is kept of the moods and the music."""

    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """Older entries are deleted, down to the bytes."""


class WebSettings(_Section):
    """The page."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Of the page on 127.0.0.1; 0: any free port."""


EmotionName = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]

MOST_PLAYLISTS = 200
"""Of one mood: each of them is looked at, and shown on a page."""


def _not_too_many(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MOST_PLAYLISTS:
        raise ValueError(_("one mood has {n} playlists at most").format(n=MOST_PLAYLISTS))
    return value


Playlists = Annotated[tuple[str, ...], AfterValidator(_not_too_many)]


class Settings(_Section):
    """All settings, as the file holds them."""

    version: Literal[1] = SETTINGS_VERSION
    player: Literal["auto", "spotify", "local"] = "auto"
    """auto: Spotify once logged in, else the local player."""
    language: Literal["auto", "en", "de"] = "auto"
    """auto: the system's."""
    camera: CameraSettings = CameraSettings()
    mood: MoodSettings = MoodSettings()
    policy: PolicySettings = PolicySettings()
    response: ResponseSettings = ResponseSettings()
    local: LocalSettings = LocalSettings()
    local_playlists: dict[EmotionName, Playlists] = Field(
        default_factory=dict, examples=[["~/Music/Happy"]]
    )
    """Emotion -> folders of audio files. Without an entry the loops that Moodtray ships."""
    spotify: SpotifySettings = SpotifySettings()
    spotify_playlists: dict[EmotionName, Playlists] = Field(
        default_factory=dict, examples=[["https://open.spotify.com/playlist/..."]]
    )
    """Emotion -> playlists: URI, URL or ID."""
    notifications: NotificationSettings = NotificationSettings()
    preview: PreviewSettings = PreviewSettings()
    session: SessionSettings = SessionSettings()
    history: HistorySettings = HistorySettings()
    web: WebSettings = WebSettings()
