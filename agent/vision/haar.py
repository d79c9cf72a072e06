"""OpenCV's Haar cascade for frontal faces, there wherever BlazeFace's weights are not.

It is the finder of the paper that the project began with. Its price is the search over places and
sizes, so the frame is reduced, a face's last surroundings are searched apart, and of the whole
frame the large sizes come before the small.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.opencv import cv2
from agent.translation import _
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


class HaarFinder:
    """Implements :class:`agent.vision.faces.Finder`. Its boxes have no landmarks."""

    name = "haar"

    def __init__(self) -> None:
        self._cascade: cv2.CascadeClassifier | None = None

    def whole(self, frame: Frame) -> list[Box]:
        """Find faces of the whole frame."""
        scale = min(1.0, SEARCH_WIDTH / frame.shape[1])
        grey = _reduced(frame, scale)
        found = self._run(grey, LARGE, None)
        if not found:
            # The bands share some sizes: a face on the border has neighbours in both.
            found = self._run(grey, MIN_SIZE, int(LARGE * 1.3))
        return [_scaled(box, 1.0 / scale, 0, 0, frame) for box in found]

    def near(self, frame: Frame, last: Box) -> list[Box]:
        """Find faces around the place of ``last``, of about its size."""
        margin_x, margin_y = int(last.width * MARGIN), int(last.height * MARGIN)
        left, top = max(0, last.x - margin_x), max(0, last.y - margin_y)
        right = min(frame.shape[1], last.x + last.width + margin_x)
        bottom = min(frame.shape[0], last.y + last.height + margin_y)
        if right <= left or bottom <= top:  # the frames have become smaller
            return []
        scale = min(1.0, TRACK_SIZE / last.width)
        grey = _reduced(frame[top:bottom, left:right], scale)
        size = last.width * scale
        found = self._run(grey, max(24, int(size * SHRINK)), int(size * GROW))
        return [_scaled(box, 1.0 / scale, left, top, frame) for box in found]

    def every(self, frame: Frame) -> list[Box]:
        """Find every face of a picture, the small ones too; slower."""
        scale = min(1.0, PICTURE_WIDTH / frame.shape[1])
        found = self._run(_reduced(frame, scale), MIN_SIZE, None)
        return [_scaled(box, 1.0 / scale, 0, 0, frame) for box in found]

    def _run(
        self, grey: NDArray[np.uint8], smallest: int, largest: int | None
    ) -> list[tuple[int, int, int, int]]:
        if min(grey.shape) < smallest:
            return []
        limit = largest or max(grey.shape)
        if self._cascade is None:
            self._cascade = load_cascade()
        found = self._cascade.detectMultiScale(
            grey,
            scaleFactor=SCALE_FACTOR,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(smallest, smallest),
            maxSize=(limit, limit),
        )
        return [(int(x), int(y), int(w), int(h)) for x, y, w, h in found]


def load_cascade() -> cv2.CascadeClassifier:
    """Load OpenCV's frontal face cascade. Raises ModelError when this OpenCV has none."""
    folder = getattr(cv2, "data", None)
    path = Path(folder.haarcascades if folder else "") / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path)) if hasattr(cv2, "CascadeClassifier") else None
    if cascade is None or cascade.empty():
        raise ModelError(
            _(
                "The face detector's file {name} is not part of this OpenCV "
                "({version}). Install opencv-python 4.14 or a later 4.x."
            ).format(name=path.name, version=cv2.__version__)
        )
    return cascade


def _reduced(frame: Frame, scale: float) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    if scale < 1.0:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _scaled(
    box: tuple[int, int, int, int], factor: float, left: int, top: int, frame: Frame
) -> Box:
    x, y, width, height = (round(value * factor) for value in box)
    x, y = max(0, x + left), max(0, y + top)
    return Box(x, y, min(width, frame.shape[1] - x), min(height, frame.shape[0] - y))
