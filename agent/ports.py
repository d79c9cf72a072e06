"""What the core asks of the outside world.

Each Protocol says which thread calls it and how long it may block; adapters implement them, tests
implement fakes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from agent.types import (
    Box,
    Decision,
    Frame,
    Mood,
    NotificationKind,
    Playback,
    Playlist,
)

if TYPE_CHECKING:  # the tray's icon does not wait until NumPy, events and effects are loaded
    import numpy as np
    from numpy.typing import NDArray

    from agent.effects import Notification
    from agent.events import Event

Report: TypeAlias = "Callable[[Event], None]"
"""Puts an event into the controller's inbox. Any thread; never blocks."""


class Clock(Protocol):
    """Any thread; never blocks."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        ...

    def now(self) -> datetime:
        """Return the wall clock, timezone-aware (local zone)."""
        ...


class Camera(Protocol):
    """The watcher's thread only."""

    def open(self) -> None:
        """Open the device; blocks at most a few seconds.

        Raises CameraNotFound, CameraBusy, BadPicture (a file that is no video).
        """
        ...

    def read(self) -> Frame:
        """Read the newest frame; blocks at most a few seconds. Raises CameraLost."""
        ...

    def close(self) -> None:
        """Release the device. May be called twice; never raises."""
        ...


class FaceDetector(Protocol):
    """The watcher's thread only; milliseconds."""

    def detect(self, frame: Frame, everybody: bool = False) -> list[Box]:
        """Find the faces in the frame, the followed person first. Empty when there is none.

        Others than the followed person may be left out, unless ``everybody`` is wanted.
        """
        ...

    def reset(self) -> None:
        """Forget who was followed."""
        ...


class Classifier(Protocol):
    """The watcher's thread only; milliseconds a face."""

    def predict(self, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Classify faces (uint8, H x W or H x W x 3 BGR, any size).

        Returns float32 [N, 7], rows sum to 1.
        """
        ...


class Player(Protocol):
    """A music player. The player's thread only.

    Calls may block up to their time-outs (at most 10 s a request). All raise the PlayerError family
    and nothing else.
    """

    name: str  # for people: "Spotify", "Moodtray's own player"

    def playback(self) -> Playback:
        """Read the present state.

        ``chosen_by``, ``chosen_since`` and ``paused_by_hand`` are left at their defaults: the
        player's worker fills them in from what happened.
        """
        ...

    def play(self, playlist: Playlist) -> None:
        """Start the playlist from its beginning (or shuffled, by setting)."""
        ...

    def pause(self) -> None:
        """Pause."""
        ...

    def resume(self) -> None:
        """Play on."""
        ...

    def next_track(self) -> None:
        """Go on with the next track of what plays or is paused."""
        ...

    def close(self) -> None:
        """Let go of sound device and connections; never raises."""
        ...


class Notifier(Protocol):
    """The controller's thread; returns at once. A failure is a logged warning, never an error."""

    def notify(self, notification: Notification) -> None:
        """Show a notification."""
        ...

    def withdraw(self, kind: NotificationKind) -> None:
        """Take down what stands of this kind: it holds no more."""
        ...

    def close(self) -> None:
        """Take all down and stop."""
        ...


class History(Protocol):
    """The controller's thread. Raises StoreError (a full disk); the agent goes on without."""

    def add_mood(
        self, when: datetime, mood: Mood, place: tuple[float, float] | None = None
    ) -> None:
        """Keep a mood, with its valence and arousal where they are known."""
        ...

    def add_switch(self, when: datetime, decision: Decision) -> None:
        """Keep a change of the music."""
        ...

    def add_feedback(self, when: datetime, kind: str, detail: str) -> None:
        """Keep the user's answer.

        ``kind``: "skip", "undo", "not my mood", "set by hand", and "corrected": a change was taken
        back because its mood was wrong.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
