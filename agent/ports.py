"""What the core asks of the outside world. Each Protocol says which thread calls it and how long
it may block; adapters implement them, tests implement fakes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.events import Event
from agent.types import (
    Box,
    Decision,
    Frame,
    Mood,
    Notification,
    NotificationKind,
    Playback,
    Playlist,
)

Report: TypeAlias = Callable[[Event], None]
"""Puts an event into the controller's inbox. Any thread; never blocks."""


class Clock(Protocol):
    """Any thread; never blocks."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    def now(self) -> datetime:
        """The wall clock, timezone-aware (local zone)."""
        ...


class Camera(Protocol):
    """The watcher's thread only."""

    def open(self) -> None:
        """Blocks at most a few seconds. Raises CameraNotFound, CameraBusy, BadPicture (a file
        that is no video)."""
        ...

    def read(self) -> Frame:
        """The newest frame; blocks at most a few seconds. Raises CameraLost."""
        ...

    def close(self) -> None:
        """Releases the device. May be called twice; never raises."""
        ...


class FaceDetector(Protocol):
    """The watcher's thread only; milliseconds."""

    def detect(self, frame: Frame) -> list[Box]:
        """Faces in the frame, the followed person first. Empty when there is none."""
        ...

    def reset(self) -> None:
        """Forget who was followed."""
        ...


class Classifier(Protocol):
    """The watcher's thread only; milliseconds a face."""

    def predict(self, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Faces (uint8, H x W or H x W x 3 BGR, any size) -> float32 [N, 7], rows sum to 1."""
        ...


class Player(Protocol):
    """The player's thread only. Calls may block up to their time-outs (at most 10 s a request).
    All raise the PlayerError family and nothing else."""

    name: str  # for people: "Spotify", "Moodtray's own player"

    def playback(self) -> Playback:
        """Read the present state. ``chosen_by``, ``chosen_since`` and ``paused_by_hand`` are left
        at their defaults: the player's worker fills them in from what happened."""
        ...

    def play(self, playlist: Playlist) -> None:
        """Start the playlist from its beginning (or shuffled, by setting)."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Let go of sound device and connections; never raises."""
        ...


class Notifier(Protocol):
    """The controller's thread; returns at once. A failure is a logged warning, never an error."""

    def notify(self, notification: Notification) -> None: ...

    def withdraw(self, kind: NotificationKind) -> None:
        """What was told of this kind holds no more: take it down, if it still stands."""
        ...

    def close(self) -> None: ...


class History(Protocol):
    """The controller's thread. Raises StoreError (a full disk); the agent goes on without."""

    def add_mood(self, when: datetime, mood: Mood) -> None: ...

    def add_switch(self, when: datetime, decision: Decision) -> None: ...

    def add_feedback(self, when: datetime, kind: str, detail: str) -> None:
        """kind: "skip", "undo", "not my mood", "set by hand"."""
        ...

    def close(self) -> None: ...
