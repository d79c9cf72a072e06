"""Faces in a frame, and one person followed through them.

OpenCV's Haar cascade for frontal faces. Its price is the search over places and sizes, so the
frame is reduced, the last face's surroundings are searched first, and of the whole frame the large
sizes come before the small.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.types import Box, Frame

SCALE_FACTOR = 1.1
MIN_NEIGHBOURS = 5
MIN_SIZE = 30
SEARCH_WIDTH = 320
PICTURE_WIDTH = 800
LARGE = 60
"""Faces from this size on (in the reduced frame) are searched first."""

MARGIN = 0.5
"""How far around the last face its search reaches, in face sizes to each side."""
SHRINK, GROW = 0.75, 1.35
"""Sizes searched around the last face, as parts of its size."""
TRACK_SIZE = 40
"""The face is reduced to about this size for the search around it: OpenCV looks at every second
place only below twice the cascade's 24 pixels, so that larger is four times as dear."""
SAME_PERSON = 0.25
"""Overlap (intersection over union) from which two boxes are taken for one person."""
RECHECK = 24
"""After so many looks around the last face one at the whole frame: a picture on the wall must not
hold us for ever."""
MUCH_LARGER = 2.0
"""Then another face takes over only when its area is that many times the followed one's."""
REMEMBER = 8
"""For so many looks without a face we know where the person was."""


def overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0..1."""
    shared = _shared(a, b)
    return shared / (a.area + b.area - shared)


def _shared(a: Box, b: Box) -> int:
    """Pixels that lie in both."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, width) * max(0, height)


class FaceTracker:
    """Implements :class:`agent.ports.FaceDetector`. One per thread; keeps who is followed."""

    def __init__(self) -> None:
        self._cascade: cv2.CascadeClassifier | None = None
        self._last: Box | None = None
        self._misses = 0
        self._since_whole = 0

    def detect(self, frame: Frame) -> list[Box]:
        """Faces in pixels of the frame, the followed person first; empty when there is none.

        While somebody is followed only that face is searched for, save for a look at the whole
        frame now and then.
        """
        last = self._last
        if last is not None and self.following:
            self._since_whole += 1
            near = self._search_near(frame, last)
            if near:
                return self._follow(near)
        self._since_whole = 0
        return self._follow(self.search(frame))

    @property
    def following(self) -> bool:
        """Will the next look search around a face only?"""
        return self._last is not None and self._misses == 0 and self._since_whole < RECHECK

    def reset(self) -> None:
        """Forget who was followed."""
        self._last = None
        self._misses = 0
        self._since_whole = 0

    def search(self, frame: Frame) -> list[Box]:
        """The whole frame, without memory; the largest face first. Small faces are searched for
        only when there is no large one.
        """
        scale = min(1.0, SEARCH_WIDTH / frame.shape[1])
        grey = _reduced(frame, scale)
        found = self._run(grey, LARGE, None)
        if not found:
            # The bands share some sizes: a face on the border has neighbours in both.
            found = self._run(grey, MIN_SIZE, int(LARGE * 1.3))
        boxes = [_scaled(box, 1.0 / scale, 0, 0, frame) for box in found]
        return sorted(boxes, key=lambda box: box.area, reverse=True)

    def search_all(self, frame: Frame) -> list[Box]:
        """Every face of a picture, also the small ones, without memory; the largest first. Slower
        than :meth:`search` and meant for pictures, not for a camera.
        """
        scale = min(1.0, PICTURE_WIDTH / frame.shape[1])
        found = self._run(_reduced(frame, scale), MIN_SIZE, None)
        boxes = [_scaled(box, 1.0 / scale, 0, 0, frame) for box in found]
        kept: list[Box] = []
        for box in sorted(boxes, key=lambda box: box.area, reverse=True):
            # A box that lies mostly within a larger one is its chin or its mouth.
            if all(_shared(box, other) < 0.5 * box.area for other in kept):
                kept.append(box)
        return kept

    def _search_near(self, frame: Frame, last: Box) -> list[Box]:
        margin_x, margin_y = int(last.width * MARGIN), int(last.height * MARGIN)
        left, top = max(0, last.x - margin_x), max(0, last.y - margin_y)
        right = min(frame.shape[1], last.x + last.width + margin_x)
        bottom = min(frame.shape[0], last.y + last.height + margin_y)
        scale = min(1.0, TRACK_SIZE / last.width)
        grey = _reduced(frame[top:bottom, left:right], scale)
        size = last.width * scale
        found = self._run(grey, max(24, int(size * SHRINK)), int(size * GROW))
        boxes = [_scaled(box, 1.0 / scale, left, top, frame) for box in found]
        return [box for box in boxes if overlap(box, last) >= SAME_PERSON]

    def _follow(self, boxes: list[Box]) -> list[Box]:
        """Choose whom to follow and put that face first."""
        last = self._last
        if not boxes:
            self._misses += 1
            if self._misses > REMEMBER:
                self._last = None
            return []
        chosen = max(boxes, key=lambda box: box.area)
        if last is not None:
            same = max(boxes, key=lambda box: overlap(box, last))
            if overlap(same, last) >= SAME_PERSON and chosen.area < MUCH_LARGER * same.area:
                chosen = same
        self._last = chosen
        self._misses = 0
        return [chosen, *(box for box in boxes if box is not chosen)]

    def _run(
        self, grey: NDArray[np.uint8], smallest: int, largest: int | None
    ) -> list[tuple[int, int, int, int]]:
        if min(grey.shape) < smallest:
            return []
        limit = largest or max(grey.shape)
        found = self._loaded().detectMultiScale(
            grey,
            scaleFactor=SCALE_FACTOR,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(smallest, smallest),
            maxSize=(limit, limit),
        )
        return [(int(x), int(y), int(w), int(h)) for x, y, w, h in found]

    def _loaded(self) -> cv2.CascadeClassifier:
        if self._cascade is None:
            self._cascade = load_cascade()
        return self._cascade


def load_cascade() -> cv2.CascadeClassifier:
    """OpenCV's frontal face cascade. Raises ModelError when this OpenCV has none."""
    folder = getattr(cv2, "data", None)
    path = Path(folder.haarcascades if folder else "") / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path)) if hasattr(cv2, "CascadeClassifier") else None
    if cascade is None or cascade.empty():
        raise ModelError(
            f"The face detector's file {path.name} is not part of this OpenCV "
            f"({cv2.__version__}). Install opencv-python 4.14 or a later 4.x."
        )
    return cascade


def _reduced(frame: Frame, scale: float) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    if scale < 1.0:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _scaled(
    box: tuple[int, int, int, int], factor: float, left: int, top: int, frame: Frame
) -> Box:
    x, y, width, height = (round(value * factor) for value in box)
    x, y = max(0, x + left), max(0, y + top)
    return Box(x, y, min(width, frame.shape[1] - x), min(height, frame.shape[0] - y))
