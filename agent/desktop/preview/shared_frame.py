"""The newest frame on its way to the preview window, in memory that two processes share.

Two slots and a counter. The writer fills the slot that is not being shown and then raises the
counter; the reader takes the slot that the counter names and looks afterwards whether the counter
went on meanwhile. Nobody ever waits for the other, and nothing touches a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from agent.types import Box, Frame

MAX_WIDTH, MAX_HEIGHT = 1280, 720
"""Pixels of a slot: larger frames are reduced by the writer."""
MAX_FACES = 8
LINE_BYTES = 320
KEYS_BYTES = 200

_COUNTER = np.dtype([("sequence", "<u8"), ("drawn", "<u8")])
_SLOT = np.dtype(
    [
        ("width", "<u4"),
        ("height", "<u4"),
        ("fps", "<f4"),
        ("faces", "<u4"),
        ("boxes", "<i4", (MAX_FACES, 4)),
        ("blank", "u1"),  # no picture: the camera is off
        ("known", "u1"),  # whether there are probabilities
        ("probabilities", "<f4", (7,)),
        ("line", f"S{LINE_BYTES}"),
        ("keys", f"S{KEYS_BYTES}"),
        ("placed", "u1"),  # whether there is a place
        ("place", "<f4", (2,)),
        ("learns", "u1"),  # whether a lesson is under way, and whether its bars are known
        ("done", "<f4"),
        ("then", "<f4", (7,)),
        ("pixels", "u1", (MAX_WIDTH * MAX_HEIGHT * 3,)),
    ]
)
SIZE = _COUNTER.itemsize + 2 * _SLOT.itemsize


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown beside the frame and the mood.

    ``place``: valence and arousal, -1 to 1 each. While the face is learned: ``done``, the share of
    what is under way, and ``then``, the probabilities as they will be read. ``keys``: what the
    window's keys do now.
    """

    place: tuple[float, float] | None = None
    done: float | None = None
    then: tuple[float, ...] | None = None
    keys: str = ""


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame as the window gets it; ``line`` is the mood in words.

    ``blank``: there is no picture, and ``line`` says why; ``resumes``: a key lets the camera go on.
    """

    frame: Frame
    faces: tuple[Box, ...]
    probabilities: tuple[float, ...] | None
    fps: float
    line: str
    blank: bool = False
    beside: Beside = NOTHING_BESIDE
    resumes: bool = False


NOTHING = np.zeros((3, 4, 3), np.uint8)
"""Stands where a frame would."""


class SharedFrame:
    """One end of the memory. ``create`` in the parent, ``attach`` in the child."""

    def __init__(self, memory: SharedMemory, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self._counter = np.ndarray((1,), _COUNTER, memory.buf)
        self._slots = np.ndarray((2,), _SLOT, memory.buf, offset=_COUNTER.itemsize)

    @classmethod
    def create(cls) -> SharedFrame:
        """Make the memory, in the parent."""
        return cls(SharedMemory(create=True, size=SIZE), owner=True)

    @classmethod
    def attach(cls, name: str) -> SharedFrame:
        """Attach to it. Raises FileNotFoundError when the parent has closed it already."""
        return cls(SharedMemory(name), owner=False)

    @property
    def name(self) -> str:
        """The name by which the child attaches."""
        return self._memory.name

    def write(
        self,
        frame: Frame,
        faces: Sequence[Box],
        probabilities: Sequence[float] | None,
        fps: float,
        line: str,
        reduce: Callable[[Frame, int, int], Frame],
        beside: Beside = NOTHING_BESIDE,
    ) -> None:
        """Show this frame next.

        ``reduce(frame, width, height)`` is asked when it is too large. A fraction of a millisecond
        at 640 x 480; one thread at a time.
        """
        height, width = frame.shape[:2]
        shrink = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
        if shrink < 1.0:
            width, height = max(1, int(width * shrink)), max(1, int(height * shrink))
            frame = reduce(frame, width, height)
        sequence = int(self._counter["sequence"][0]) + 1
        slot = self._slots[sequence % 2]
        slot["width"], slot["height"], slot["fps"], slot["blank"] = width, height, fps, 0
        slot["faces"] = min(len(faces), MAX_FACES)
        for i, box in enumerate(faces[:MAX_FACES]):
            corners = (box.x, box.y, box.width, box.height)
            slot["boxes"][i] = [round(value * shrink) for value in corners]
        slot["known"] = probabilities is not None
        if probabilities is not None:
            slot["probabilities"] = probabilities
        slot["line"] = line.encode()[:LINE_BYTES]
        _write_beside(slot, beside)
        slot["pixels"][: width * height * 3] = frame.reshape(-1)
        self._counter["sequence"][0] = sequence

    def clear(self, line: str, *, resumes: bool) -> None:
        """Show no picture but ``line``, and wipe the frames that lie in the memory.

        ``resumes``: a key lets the camera go on. The writer's thread or another one, while nobody
        writes.
        """
        sequence = int(self._counter["sequence"][0]) + 1
        self._slots["pixels"][:] = 0
        slot = self._slots[sequence % 2]
        slot["width"] = slot["height"] = slot["faces"] = slot["known"] = 0
        slot["blank"] = _RESUMES if resumes else _BLANK
        slot["line"] = line.encode()[:LINE_BYTES]
        _write_beside(slot, NOTHING_BESIDE)
        self._counter["sequence"][0] = sequence

    def read(self, seen: int) -> tuple[int, Shown | None]:
        """Read the newest frame's number, and the frame if it is newer than ``seen`` and whole."""
        sequence = int(self._counter["sequence"][0])
        if sequence <= seen:
            return seen, None
        slot = self._slots[sequence % 2]
        width, height = int(slot["width"]), int(slot["height"])
        blank = bool(slot["blank"])
        pixels = slot["pixels"][: width * height * 3]
        frame = NOTHING if blank else pixels.reshape(height, width, 3).copy()
        boxes = tuple(Box(*(int(v) for v in slot["boxes"][i])) for i in range(int(slot["faces"])))
        known = tuple(float(p) for p in slot["probabilities"]) if slot["known"] else None
        line = bytes(slot["line"]).decode(errors="ignore")
        resumes, beside = slot["blank"] == _RESUMES, _read_beside(slot)
        shown = Shown(frame, boxes, known, float(slot["fps"]), line, blank, beside, resumes)
        # The writer may have come round to this slot while it was read: then it is torn.
        whole = int(self._counter["sequence"][0]) == sequence
        return (sequence, shown) if whole else (seen, None)

    @property
    def drawn(self) -> int:
        """How many frames the reader has drawn."""
        return int(self._counter["drawn"][0])

    def count_drawn(self) -> None:
        """Count a frame that the reader drew."""
        self._counter["drawn"][0] += 1

    def forget_name(self) -> None:
        """Take the name away, now that the child is there: no other program finds the frames.

        Nor does anything stay behind when both are killed.
        """
        if self._owner:
            self._owner = False
            self._memory.unlink()

    def close(self) -> None:
        """Let go; the owner removes the memory."""
        del self._counter, self._slots  # views keep the memory from closing
        self._memory.close()
        self.forget_name()


_LEARNS, _BARS = 1, 2
_BLANK, _RESUMES = 1, 2


def _write_beside(slot: Any, beside: Beside) -> None:
    slot["keys"] = beside.keys.encode()[:KEYS_BYTES]
    slot["placed"] = beside.place is not None
    if beside.place is not None:
        slot["place"] = beside.place
    slot["learns"] = _LEARNS * (beside.done is not None) + _BARS * (beside.then is not None)
    slot["done"] = beside.done or 0.0
    if beside.then is not None:
        slot["then"] = beside.then


def _read_beside(slot: Any) -> Beside:
    valence, arousal = (float(part) for part in slot["place"])
    learns = int(slot["learns"])
    return Beside(
        place=(valence, arousal) if slot["placed"] else None,
        done=float(slot["done"]) if learns & _LEARNS else None,
        then=tuple(float(p) for p in slot["then"]) if learns & _BARS else None,
        keys=bytes(slot["keys"]).decode(errors="ignore"),
    )
