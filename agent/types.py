"""What flows through the program: frozen values, no behaviour beyond reading themselves.

The way of the data, left to right::

    Observation -> Mood -> (with Playback) Decision -> Snapshot, Notification, history

Times called ``time`` or ``since`` are monotonic seconds of the program's Clock (they order and
subtract, they are no date); dates are timezone-aware ``datetime``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven expressions, in the order of the network's outputs. The order never changes."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame: TypeAlias = NDArray[np.uint8]
else:  # the tray's icon does not wait until NumPy is loaded
    Frame = object
"""One picture of the camera: uint8, H x W x 3, BGR."""
Point: TypeAlias = tuple[float, float]
"""x, y in pixels of a frame."""


class MoodState(StrEnum):
    """The seven emotions (names and order of :data:`EMOTIONS`) and two ways of not knowing."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"
    UNSURE = "unsure"  # a face is there, its expression is not clear enough
    AWAY = "away"  # nobody has been in front of the camera for a while

    @property
    def is_emotion(self) -> bool:
        """True for the seven, False for UNSURE and AWAY."""
        return self not in (MoodState.UNSURE, MoodState.AWAY)


EMOTION_STATES: tuple[MoodState, ...] = tuple(MoodState(name) for name in EMOTIONS)
"""The seven in the order of :data:`EMOTIONS`, which is that of the network's answers."""


# --- vision -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place in a frame, in pixels of that frame; x, y is the upper left corner.

    ``landmarks``: six points where the finder knows them, else none: the eye to the left in the
    picture, the eye to the right, tip of the nose, middle of the mouth, the ear to the left, the
    ear to the right (they may lie outside the frame). ``score`` in 0..1: how sure the finder is.
    Two boxes of one place are equal whatever else is known of them.
    """

    x: int
    y: int
    width: int
    height: int
    landmarks: tuple[Point, ...] = field(default=(), compare=False, repr=False, kw_only=True)
    score: float = field(default=1.0, compare=False, repr=False, kw_only=True)

    @property
    def area(self) -> int:
        """The pixels that it covers."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """One frame for the preview.

    The frame itself (not a copy: look, do not write), faces with the followed person first, the
    latest seven probabilities, frames a second of late. ``unclear``: why the latest look says
    nothing, in words; empty: it does, or nobody is there.
    """

    frame: Frame
    faces: tuple[Box, ...]
    probabilities: tuple[float, ...] | None
    fps: float
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one burst of frames showed.

    ``probabilities`` has seven entries in the order of :data:`EMOTIONS` and sums to 1; it is None
    when no face was found. ``quality`` in 0..1 says how far the reading can be trusted (how likely
    it is right, times the share of the burst in which a face was seen); the mood filter weighs by
    it. 0: a face is there, but nothing can be read in it. ``unclear`` says why a look is not clear
    ("turned away"); empty: it is.
    """

    time: float
    faces: int
    probabilities: tuple[float, ...] | None
    quality: float = 1.0
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Mood:
    """The steady estimate.

    ``confidence`` in 0..1 is the smoothed probability of ``state`` (for UNSURE that of the leading
    emotion, for AWAY 0).
    """

    state: MoodState
    since: float
    confidence: float
    probabilities: tuple[float, ...] | None = None  # smoothed; None while nothing is known
    by_hand: bool = False  # the user said so ("I feel ...")


class CameraState(StrEnum):
    """What the camera does."""

    OFF = "off"  # released: paused, locked, not started
    ON = "on"
    BUSY = "busy"  # another program has it, or it cannot be opened
    LOST = "lost"  # it was there and went away; we keep trying


# --- music --------------------------------------------------------------------------------------

LOOPS = "local:"
"""``local:happy`` in ``local_playlists`` is the loop that the program ships for happy; any other
entry is a path."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a playlist: a track's id as the player tells it, and seconds into it."""

    track: str
    position: float = 0.0


@dataclass(frozen=True, slots=True)
class Playlist:
    """Something a player can start.

    ``uri`` is the player's own notation (``local:happy``, ``spotify:playlist:...``, a folder); it
    is what contexts are compared by. ``place`` is where to begin, for players that can (None: at
    the beginning).
    """

    uri: str
    name: str
    place: Place | None = None


class PlayState(StrEnum):
    """What a player does."""

    PLAYING = "playing"
    PAUSED = "paused"
    STOPPED = "stopped"  # silence: nothing is loaded or it ran out
    UNAVAILABLE = "unavailable"  # no device, no player, offline


class Chooser(StrEnum):
    """Whose choice the present context is."""

    AGENT = "agent"
    USER = "user"  # chosen by hand while we watched: to be left alone
    UNKNOWN = "unknown"  # it was there before we looked


@dataclass(frozen=True, slots=True)
class Playback:
    """One reading of a player.

    ``position`` and ``duration`` are seconds of the present track (None: not known, e.g. a radio).
    ``chosen_since`` is when the present context began. ``paused_by_hand`` is kept until the user
    resumes; while it is True nothing may be started unasked.
    """

    time: float
    state: PlayState
    context: str | None = None  # uri of the playlist that plays
    context_name: str | None = None
    track: str | None = None  # id of the track
    title: str | None = None  # for people: "Artist - Title"
    position: float | None = None
    duration: float | None = None
    device: str | None = None
    chosen_by: Chooser = Chooser.UNKNOWN
    chosen_since: float | None = None
    paused_by_hand: bool = False
    spoken: bool = False  # a podcast or an audiobook: it is not to be cut in mid-sentence
    unheard: bool = False  # it plays where no sound device is
    ours_alone: bool = False  # of a player that only Moodtray commands
    only_track: bool = False  # of what plays: the next track is itself

    def time_left(self, now: float) -> float | None:
        """Return the seconds until the present track ends, extrapolated to ``now``.

        None when unknown or not playing.
        """
        if self.state is not PlayState.PLAYING or self.position is None or self.duration is None:
            return None
        return max(0.0, self.duration - self.position - (now - self.time))

    def shows(self, uri: str) -> bool:
        """Tell whether ``uri`` is loaded. A single track stands for itself: it has no context."""
        return uri == (self.context if self.context is not None else self.track)

    @property
    def visible(self) -> tuple[object, ...]:
        """What of this reading a person would notice; the position flows on by itself."""
        return (self.state, self.context, self.track, self.device)


class Happening(StrEnum):
    """What changed between two readings of a player."""

    NOTHING = "nothing"
    STARTED = "started"  # silence or a pause before, music now
    TRACK_ENDED = "track ended"  # same context, next track at the expected end
    SKIPPED = "skipped"  # same context, next track before its end
    CONTEXT_ENDED = "playlist ended"
    PAUSED = "paused by user"
    RESUMED = "resumed"
    USER_CHOSE = "user chose something else"
    DEVICE_CHANGED = "device changed"
    DEVICE_GONE = "device gone"
    ECHO = "own command"  # our own command taking effect


class Command(StrEnum):
    """What a player can be told."""

    PLAY = "play"
    PAUSE = "pause"
    RESUME = "resume"
    NEXT = "next"


# --- decisions ----------------------------------------------------------------------------------


class Action(StrEnum):
    """What is to be done with the music."""

    KEEP = "keep"
    SWITCH_NOW = "switch now"
    SWITCH_AT_END = "switch at track end"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on.

    ``probabilities``: of the seven moods; ``runner_up``: the mood that came next; ``seconds``: for
    how long the mood had held; ``correction``: what was added to the logarithms of the seven
    answers because the face is known, None: it was read like anybody's; ``threshold``: the
    probability from which a mood is named.
    """

    probabilities: tuple[float, ...]
    runner_up: MoodState | None
    seconds: float
    correction: tuple[float, ...] | None
    threshold: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the music, and why.

    ``playlist`` of a change None: silence. ``reason`` is in the user's words: one short sentence,
    to be understood alone.
    """

    time: float
    action: Action
    mood: MoodState
    playlist: Playlist | None
    reason: str
    evidence: Evidence | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Guide:
    """What the music should do other than fit the mood, with the reason in the user's words.

    ``play``: the emotion whose playlists fit now; None: the music is left alone. ``wished``: the
    user has wished for the journey to ``goal``, so that it leads whatever is seen of them.
    """

    play: MoodState | None
    words: str
    wished: bool = False
    goal: MoodState | None = None


@dataclass(frozen=True, slots=True)
class JourneyView:
    """A journey of the music, for people: ``step`` of ``steps``, from ``start`` to ``goal``."""

    step: int
    steps: int
    start: MoodState
    goal: MoodState


# --- what people see ----------------------------------------------------------------------------


class OwnFace(StrEnum):
    """How what is known of the person's own face came about."""

    LEARNED = "learned"  # in the lesson: the face at rest was shown
    ADJUSTED = "adjusted"  # a little, by the user's words on their mood and by hours of looks


class LessonStage(StrEnum):
    """Where the learning of the user's face is: see :mod:`agent.core.calibration`."""

    REST = "rest"  # the face at rest is looked at
    READY = "ready"  # it is known: it may be kept, or one of the seven be shown besides
    SHOW = "show"  # one of the seven is looked at
    LEARNED = "learned"
    FAILED = "failed"  # nothing was stored


@dataclass(frozen=True, slots=True)
class LessonView:
    """The learning of the user's face, for people.

    ``share``: how much of the stage is done, 0..1. ``asked``: the emotion that is to be shown.
    ``now`` and ``then``: seven probabilities of the latest look, as it is read today and as it will
    be read. ``trouble``: why the latest look does not serve, or why it failed, in the user's words.
    """

    stage: LessonStage
    share: float
    asked: MoodState | None = None
    now: tuple[float, ...] | None = None
    then: tuple[float, ...] | None = None
    trouble: str = ""

    @property
    def going(self) -> bool:
        """True until it is learned or failed."""
        return self.stage not in (LessonStage.LEARNED, LessonStage.FAILED)


class NotificationKind(StrEnum):
    """One notification of a kind replaces its predecessor; at most one a minute of a kind."""

    SWITCH = "switch"
    LOGIN = "login"
    DEVICE = "device"
    CAMERA = "camera"
    PROBLEM = "problem"
    WARNING = "warning"  # trouble that is told, and leaves no state that could be mended
    REST = "rest"  # the music rests for a call or a shared screen
    PAUSED = "paused"  # a break or a pause of the camera goes on which was wished before this start
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to the user's latest wish; plain text."""

    title: str
    body: str


class Status(StrEnum):
    """The one thing the tray icon says.

    Ordered by what matters most in :mod:`agent.core.snapshot`.
    """

    STARTING = "starting"
    WATCHING = "watching"
    UNSURE = "unsure"
    AWAY = "away"
    PAUSED = "paused"
    CAMERA_BUSY = "camera busy"
    NEEDS_LOGIN = "no login"
    OFFLINE = "offline"
    ERROR = "error"  # and the camera is off
    ERROR_WATCHING = "error while watching"

    @property
    def is_error(self) -> bool:
        """A part that is needed gave up."""
        return self in (Status.ERROR, Status.ERROR_WATCHING)


class Sight(StrEnum):
    """Whether the face is looked at; if not, what stands in the way first.

    All that tells of the camera goes by it, so that no two sentences contradict each other.
    """

    STOPPED = "stopped"  # the watcher gave up
    BREAK = "break"  # camera and music rest at the user's wish
    NOT_ALLOWED = "not allowed"
    PAUSED = "paused"  # the camera alone, at the user's wish
    HELD_OFF = "held off"  # by the session or a call
    LOST = "lost"  # the camera went away while it was looked through
    UNUSABLE = "unusable"  # the camera cannot be opened, or gives no picture
    OPENING = "opening"  # it is being switched on
    LOOKING = "looking"

    @property
    def is_open(self) -> bool:
        """Whether the face is looked at, or is about to be."""
        return self in (Sight.OPENING, Sight.LOOKING)


def sight_of(
    camera: CameraState,
    *,
    stopped: bool,
    on_break: bool,
    allowed: bool,
    paused: bool,
    held_off: bool,
) -> Sight:
    """Find what stands in the way of a look, the first that applies."""
    hindrances = (
        (stopped, Sight.STOPPED),
        (on_break, Sight.BREAK),
        (not allowed, Sight.NOT_ALLOWED),
        (paused, Sight.PAUSED),
        (held_off, Sight.HELD_OFF),
        (camera is CameraState.LOST, Sight.LOST),
        (camera is CameraState.BUSY, Sight.UNUSABLE),
        (camera is CameraState.OFF, Sight.OPENING),
    )
    return next((sight for applies, sight in hindrances if applies), Sight.LOOKING)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mood that is seen and not taken yet: how probable it is, and how probable it must be."""

    state: MoodState
    probability: float
    certainty: float


@dataclass(frozen=True, slots=True)
class Pause:
    """What the user wants of the camera: not to look until then; None: until they end it."""

    until: datetime | None
    until_back: bool = False
    on_break: bool = False
    since: datetime | None = field(default=None, compare=False)  # when it was wished


@dataclass(frozen=True, slots=True)
class Term:
    """How long something was promised to the user: by the wall clock, since when until when.

    ``until`` None: until they end it.
    """

    since: datetime
    until: datetime | None

    def left(self, now: datetime) -> Term | None:
        """Return the term as it is ``now``; None: it is over.

        It lasts no longer than it was promised for, also where the clock was set back since then.
        """
        if self.until is None:
            return self
        if now < self.since:
            return Term(now, now + (self.until - self.since))
        return self if now < self.until else None


@dataclass(frozen=True, slots=True)
class Promised:
    """What the user was promised for some time, and what a restart takes up again."""

    paused: Term | None = None  # the camera alone
    on_break: Term | None = None  # camera and music; the camera alone may be paused for longer
    said: tuple[MoodState, Term] | None = None  # the user's own word on their mood
    left_alone: Term | None = None  # the music, after an Undo, or since the user chose it
    chosen: bool = False  # it is that which they chose

    def left(self, now: datetime) -> Promised:
        """Return what of it holds ``now``."""
        said = None
        if self.said is not None and (term := self.said[1].left(now)) is not None:
            said = self.said[0], term
        paused, on_break, left_alone = (
            None if term is None else term.left(now)
            for term in (self.paused, self.on_break, self.left_alone)
        )
        chosen = self.chosen and left_alone is not None
        return Promised(paused, on_break, said, left_alone, chosen)


NOTHING_PROMISED = Promised()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that tray, preview, pages and commands may show; made by the controller alone."""

    status: Status
    mood: Mood
    playback: Playback | None
    decision: Decision | None  # the latest
    switch: Decision | None  # the latest that changed the music and was not taken back
    camera: CameraState
    consent: bool = True  # may the camera be used at all?
    camera_paused: bool = False  # by the user's hand
    paused_until: datetime | None = None  # None while paused: until resumed
    paused_since: datetime | None = None  # when the user wished that
    after_break: Pause | None = None  # keeps the camera off when the break is over
    held_off: str | None = None  # why session or call keep the camera off ("the screen is locked")
    preview_open: bool = False
    player: str = ""  # name of the player in use
    logged_in: bool | None = None  # None: the player needs no login
    autostart: bool | None = None  # None: not known, or this system has none
    problem: str | None = None  # the latest open problem, in the user's words
    stopped: tuple[str, ...] = ()  # workers that gave up, by name; the user may let them try again
    mood_until: datetime | None = None  # how long the user's own word on their mood holds
    left_alone_until: datetime | None = None  # no change of the music until then, after an Undo
    undo_to: str | None = None  # the name of what an Undo goes back to; None: nothing to undo
    on_break: bool = False  # camera and music rest at the user's wish, see ``paused_until``
    until_back: bool = False  # that break ends when the user is back at the computer
    music_rests: str | None = None  # why the music rests for a while, in the user's words
    music_waits: bool = False  # to begin, for a device or an answer of the player
    volume: float | None = None  # 0..1; None: the player's own affair
    change: Decision | None = None  # the latest change of the music; taking one back is one as well
    trial_until: float | None = None  # the user tries the program out until then (monotonic)
    answer: Reply | None = None  # the latest to a wish
    answers: int = 0  # how many there were
    journey: JourneyView | None = None  # the music leads from one mood towards another
    undoes_journey: bool = False  # an Undo ends it: the music was not changed since it was wished
    own_face: OwnFace | None = None  # what is known of the person's own face and is in force
    guest: bool = False  # somebody else sits there, and is read like anybody, until they have left
    lesson: LessonView | None = None  # it is being learned, or was a moment ago
    deletions: int = 0  # how often something of the history was deleted in this run
    affect: tuple[float, float] | None = field(default=None, compare=False)  # valence, arousal
    candidate: Candidate | None = field(default=None, compare=False)
    observation: Observation | None = field(default=None, compare=False)

    @property
    def sight(self) -> Sight:
        """Whether the face is looked at; if not, why."""
        return sight_of(
            self.camera,
            stopped="watcher" in self.stopped,
            on_break=self.on_break,
            allowed=self.consent,
            paused=self.camera_paused,
            held_off=self.held_off is not None,
        )
