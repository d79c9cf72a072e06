"""Faces that never move: a poster, a photograph, a screen that stands still.

A living face changes its place by more than a pixel or its look within seconds; a printed one shows
the same pixels at the same place, whatever the light does. Only a coarse picture of the place is
remembered, too coarse to tell who is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.types import Box, Frame
from agent.vision.geometry import overlap

STILL_SECONDS, STILL_LOOKS = 20.0, 6
"""After so long, and so many comparisons, without any change a face is no person: two looks far
apart may be alike by chance."""
COMPARE_EVERY = 0.5
"""Seconds between two comparisons; looks come faster while the preview is open."""
UNCHANGED = 0.995
"""Correlation with what was there before, from which nothing has changed. Sensor noise alone leaves
.998; a breath moves a sitting person's face by a hundredth of its width, which leaves .98."""
SAME_PLACE = 0.6
"""Overlap from which a box is at a remembered place: finders jitter a little."""
SIDE = 24
REMEMBERED = 8
"""So many places at most; the one that was seen longest ago is forgotten."""


@dataclass(slots=True)
class _Place:
    box: Box
    patch: NDArray[np.float32]
    since: float  # unchanged since
    seen: float
    compared: float
    alike: int = 0  # comparisons since then


class Stillness:
    """What is known of the places at which faces were seen. One per tracker."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def is_still(self, frame: Frame, box: Box, now: float) -> bool:
        """Tell whether the face in ``box`` has not changed for STILL_SECONDS.

        To be asked at every look; ``now`` in monotonic seconds. A still face that was hidden for a
        while is known again.
        """
        place = max(self._places, key=lambda one: overlap(one.box, box), default=None)
        if place is None or overlap(place.box, box) < SAME_PLACE:
            self._remember(_Place(box, _patch(frame, box), now, now, now))
            return False
        still = _is_unchanged(place, place.seen)
        place.seen = now
        if now - place.compared < COMPARE_EVERY:
            return still
        place.compared = now
        patch = _patch(frame, place.box)
        if float(np.mean(patch * place.patch)) >= UNCHANGED:
            place.alike += 1
            return _is_unchanged(place, now)
        fresh = _Place(box, _patch(frame, box), now, now, now)
        if not still:
            self._places.remove(place)
        # Else somebody is before the picture, or it was moved: its place stays remembered.
        self._remember(fresh)
        return False

    def _remember(self, place: _Place) -> None:
        self._places.append(place)
        if len(self._places) > REMEMBERED:
            self._places.remove(min(self._places, key=lambda one: one.seen))


def _is_unchanged(place: _Place, now: float) -> bool:
    """Tell whether the place has looked the same for long enough."""
    return now - place.since >= STILL_SECONDS and place.alike >= STILL_LOOKS


def _patch(frame: Frame, box: Box) -> NDArray[np.float32]:
    """Return the place, coarse, grey, free of brightness and contrast: mean 0, mean square 1.

    Zeros where nothing can be seen or the frame has become smaller.
    """
    part = frame[box.y : box.y + box.height, box.x : box.x + box.width]
    if 0 in part.shape:
        return np.zeros((SIDE, SIDE), np.float32)
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    spread = float(small.std())
    return np.asarray(small / spread if spread > 1.0 else small * 0, np.float32)
