"""Faces in a frame, and one person followed through them.

The finder is BlazeFace, or OpenCV's Haar cascade where that is set or BlazeFace's weights are not
there. The followed person is known by place and size alone: no feature of a face is computed by
which somebody could be recognised.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from agent.errors import ModelError
from agent.translation import _
from agent.types import Box, Frame
from agent.vision.blazeface import BlazeFinder
from agent.vision.geometry import overlap, shared
from agent.vision.haar import HaarFinder, load_cascade
from agent.vision.stillness import Stillness

__all__ = ["FaceTracker", "Finder", "FinderName", "any_frame", "load_cascade", "overlap"]

_log = logging.getLogger(__name__)

FinderName = Literal["blazeface", "haar"]

SAME_PERSON = 0.25
"""Overlap (intersection over union) from which two boxes are taken for one person."""
RECHECK = 24
"""After so many looks around the last face one at the whole frame: a picture on the wall must not
hold us for ever."""
MUCH_LARGER = 2.0
"""Then another face takes over only when its area is that many times the followed one's."""
REMEMBER = 8
"""For so many looks without a face we know where the person was, and who else was there."""
OFF_CENTRE = 0.5
"""A face at the edge of the frame counts for that much less than one in its middle."""
CAME_NEARER = 1.5
"""Somebody who was behind the followed person takes the place when their face has grown by that
factor in area since."""


BEHIND_SECONDS, BEHIND_MOST = 600.0, 8
"""For so long a face beside the followed one is remembered when it is not seen, and so many."""


_DARK: Frame = np.zeros((8, 8, 3), np.uint8)


class Finder(Protocol):
    """Finds faces, without memory, in any order."""

    name: str

    def whole(self, frame: Frame) -> list[Box]:
        """Find faces of the whole frame. Raises ModelError."""
        ...

    def near(self, frame: Frame, last: Box) -> list[Box]:
        """Find faces around a place; much cheaper. Raises ModelError."""
        ...

    def every(self, frame: Frame) -> list[Box]:
        """Find every face of a picture, the small ones too; slower. Raises ModelError."""
        ...


class FaceTracker:
    """Implements :class:`agent.ports.FaceDetector`. One per thread; keeps who is followed.

    ``finder``: which finder to use; Haar where BlazeFace's weights are missing or damaged. ``now``
    gives monotonic seconds. Nothing is loaded before the first frame.
    """

    def __init__(
        self, finder: FinderName = "blazeface", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._wanted: FinderName = finder
        self._now = now
        self._loaded: Finder | None = None
        self._still = Stillness()
        self.reset()

    def reset(self) -> None:
        """Forget who was followed. Places where nothing moved stay known."""
        self._last: Box | None = None
        self._misses = 0
        self._since_whole = 0
        self._others: list[tuple[Box, float]] = []  # beside the followed person, and when last
        self.ignored = 0

    ignored: int
    """So many faces of the latest look never move, and count as none."""

    def prepare(self) -> None:
        """Load what a first look needs, now. Raises ModelError."""
        self.search(_DARK)

    def detect(self, frame: Frame, everybody: bool = False) -> list[Box]:
        """Find the faces, the followed person first; empty when there is none.

        While somebody is followed only that face is searched for, save for a look at the whole
        frame now and then, or when ``everybody`` is wanted. A face that never moves is left out;
        so is, after the followed person left, one that was behind them all the time. Raises
        ModelError.
        """
        frame = any_frame(frame)
        last = self._last
        if last is not None and self.following and not everybody:
            self._since_whole += 1
            found = self._finder().near(frame, last)
            near = self._living(frame, [box for box in found if overlap(box, last) >= SAME_PERSON])
            if near:
                return self._follow(frame, near)
        self._since_whole = 0
        return self._follow(frame, self._living(frame, self.search(frame)))

    @property
    def following(self) -> bool:
        """True when the next look searches around a face only."""
        return self._last is not None and self._misses == 0 and self._since_whole < RECHECK

    @property
    def finder(self) -> str:
        """Name of the finder in use, for people; it is loaded when it was not yet."""
        return self._finder().name

    def search(self, frame: Frame) -> list[Box]:
        """Search the whole frame, without memory; the largest face first. Raises ModelError."""
        found = self._finder().whole(any_frame(frame))
        return sorted(found, key=lambda box: box.area, reverse=True)

    def search_all(self, frame: Frame) -> list[Box]:
        """Find every face of a picture, also the small ones, without memory; the largest first.

        Slower than :meth:`search` and meant for pictures, not for a camera. Raises ModelError.
        """
        kept: list[Box] = []
        found = self._finder().every(any_frame(frame))
        for box in sorted(found, key=lambda box: box.area, reverse=True):
            # A box that lies mostly within a larger one is its chin or its mouth.
            if all(shared(box, other) < 0.5 * box.area for other in kept):
                kept.append(box)
        return kept

    def _living(self, frame: Frame, boxes: list[Box]) -> list[Box]:
        """Leave out those that are known to be a picture on the wall."""
        now = self._now()
        moving = [box for box in boxes if not self._still.is_still(frame, box, now)]
        ignored = len(boxes) - len(moving)
        if ignored > self.ignored:
            _log.info(_("A face that never moves is taken for a picture and left out."))
        self.ignored = ignored
        return moving

    def _follow(self, frame: Frame, boxes: list[Box]) -> list[Box]:
        """Choose whom to follow and put that face first."""
        last = self._last
        same = max(boxes, key=lambda box: overlap(box, last)) if last and boxes else None
        if last is not None and same is not None and overlap(same, last) < SAME_PERSON:
            same = None
        if same is None:
            boxes = [box for box in boxes if not self._was_behind(box)]
        if not boxes:
            self._misses += 1
            if self._misses > REMEMBER:
                self._last = None
                self._others = []
            return []
        chosen = max(boxes, key=lambda box: _standing(box, frame))
        if same is not None and chosen.area < MUCH_LARGER * same.area:
            chosen = same
        others = [box for box in boxes if box is not chosen]
        self._note_behind(chosen, others)
        self._last = chosen
        self._misses = 0
        return [chosen, *others]

    def _note_behind(self, chosen: Box, others: list[Box]) -> None:
        """Remember who else is there.

        A small face is seen now and then only, so that one look without it does not end the memory.
        """
        now = self._now()
        smaller = [(box, now) for box in others if box.area < chosen.area]
        taken = [chosen, *(box for box, _rest in smaller)]
        self._others = [
            *smaller,
            *(
                (box, seen)
                for box, seen in self._others
                if now - seen < BEHIND_SECONDS
                and all(overlap(box, one) < SAME_PERSON for one in taken)
            ),
        ][:BEHIND_MOST]

    def _was_behind(self, box: Box) -> bool:
        """Tell whether this one was beside the followed person, in this place and as small."""
        for other, _rest in self._others:
            if overlap(box, other) >= SAME_PERSON and box.area < CAME_NEARER * other.area:
                self._misses = 0  # still there: remembered for as long
                return True
        return False

    def _finder(self) -> Finder:
        if self._loaded is None:
            self._loaded = load_finder(self._wanted)
        return self._loaded


def load_finder(name: FinderName) -> Finder:
    """Load the finder of that name, or Haar's where BlazeFace cannot be had; the log says why."""
    if name == "blazeface":
        try:
            return BlazeFinder()
        except ModelError as error:
            _log.warning("%s", error)
    return HaarFinder()


def any_frame(frame: Frame) -> Frame:
    """Turn ``frame`` (uint8, H x W, or H x W x 1, 3 or 4) into BGR."""
    if frame.ndim == 3 and frame.shape[2] == 3:
        return frame
    if frame.ndim == 2:
        return np.repeat(frame[:, :, None], 3, axis=2)
    if frame.shape[2] == 1:
        return np.repeat(frame, 3, axis=2)
    return np.ascontiguousarray(frame[:, :, :3])


def _standing(box: Box, frame: Frame) -> float:
    """How likely this is who sits before the computer: large, and in the middle."""
    off = abs((box.x + box.width / 2) / frame.shape[1] - 0.5) * 2
    return float(box.area * (1.0 - OFF_CENTRE * min(1.0, off)))
