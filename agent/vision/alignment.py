"""A face cut out of the frame as the network's training faces are framed.

Eyes level, at one place, at one distance. Those faces were framed by a finder of frontal faces,
once and for all; their points, found by BlazeFace, say where eyes and mouth lie in them. ``moodtray
evaluate`` compares this crop with the plain box and with Haar's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.types import Box, Frame

SIDE = 96
"""Pixels of the crop: twice the network's, so that its reduction still averages."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Where a crop's points lie, as shares of its side.

    ``eyes``: their distance; ``eye_line``: their height from above; ``mouth``: how far it lies
    below them.
    """

    eyes: float = 0.38
    eye_line: float = 0.397
    mouth: float = 0.43

    @property
    def tag(self) -> str:
        """A name for files that depend on it."""
        return f"{self.eyes:g}-{self.eye_line:g}-{self.mouth:g}"


TRAINING = Framing()
"""Chosen on validation faces near the medians over the faces of FER2013's Training part on which
BlazeFace finds its points (.37, .40, .38); see the model card."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a face lies in the frame, from its points.

    ``roll`` in degrees, positive: its head leans to the right in the picture. ``yaw`` in -1..1, 0:
    it looks at us, 1: the nose has reached the eye to the right. ``eyes``: their distance in
    pixels; ``mouth``: how far it lies below their line; ``middle``: the point between them.
    """

    roll: float
    yaw: float
    eyes: float
    mouth: float
    middle: tuple[float, float]


def pose(box: Box) -> Pose | None:
    """Find the pose; None where the box has no points, or they lie on one another."""
    if len(box.landmarks) < 4:
        return None
    (left_x, left_y), (right_x, right_y), (nose_x, nose_y), (mouth_x, mouth_y) = box.landmarks[:4]
    across_x, across_y = right_x - left_x, right_y - left_y
    eyes = math.hypot(across_x, across_y)
    if not math.isfinite(eyes) or eyes < 1.0:
        return None
    along_x, along_y = across_x / eyes, across_y / eyes
    middle_x, middle_y = (left_x + right_x) / 2, (left_y + right_y) / 2
    aside = (nose_x - middle_x) * along_x + (nose_y - middle_y) * along_y
    return Pose(
        roll=math.degrees(math.atan2(along_y, along_x)),
        yaw=max(-1.0, min(1.0, aside / (eyes / 2))),
        eyes=eyes,
        mouth=(mouth_y - middle_y) * along_x - (mouth_x - middle_x) * along_y,
        middle=(middle_x, middle_y),
    )


def face_side(seen: Pose, framing: Framing = TRAINING) -> float:
    """Return the side of the crop in pixels of the frame.

    A turned head brings the eyes together and leaves the mouth where it was, a bowed one the other
    way round: the larger of the two holds.
    """
    return max(seen.eyes / framing.eyes, seen.mouth / framing.mouth)


def crop(frame: Frame, box: Box, framing: Framing = TRAINING) -> NDArray[np.uint8]:
    """Cut the face out, upright and framed, uint8 SIDE x SIDE x 3.

    Where the box has no points: its part of the frame as it is. What lies beyond the frame repeats
    its border.
    """
    seen = pose(box)
    if seen is None:
        return frame[box.y : box.y + box.height, box.x : box.x + box.width]
    side = face_side(seen, framing)
    # Warping looks at two neighbours: a large face is averaged first, or it would alias.
    factor = max(1, int(side / SIDE))
    centre_x, centre_y = seen.middle
    reach = side  # from the eyes to the farthest corner of the crop, with room
    x0, x1 = max(0, int(centre_x - reach)), min(frame.shape[1], int(centre_x + reach) + 1)
    y0, y1 = max(0, int(centre_y - reach)), min(frame.shape[0], int(centre_y + reach) + 1)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return frame[box.y : box.y + box.height, box.x : box.x + box.width]
    part = frame[y0:y1, x0:x1]
    size = (max(2, part.shape[1] // factor), max(2, part.shape[0] // factor))
    if factor > 1:
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    shrink_x, shrink_y = size[0] / (x1 - x0), size[1] / (y1 - y0)
    if factor == 1:
        shrink_x = shrink_y = 1.0
    turn = math.radians(seen.roll)
    scale = SIDE / side
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    # Frame -> crop: turn about the middle of the eyes, which come to their place.
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    target = np.array([0.5 * SIDE, framing.eye_line * SIDE])
    matrix[:, 2] = target - matrix[:, :2] @ np.array([centre_x - x0, centre_y - y0])
    matrix[:, 0] /= shrink_x
    matrix[:, 1] /= shrink_y
    warped = cv2.warpAffine(
        part, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, dtype=np.uint8)
