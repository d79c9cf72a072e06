"""A few looks at a face, averaged into one Observation with a figure for how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Box, Frame, Observation

GOOD_SIZE = 80
"""A face of that many pixels loses nothing by its size; the network's own input has 48."""
GOOD_SHARPNESS = 60.0
"""Variance of the Laplacian of the face at 64 x 64 from which it counts as sharp."""
GOOD_CONTRAST = 20.0
"""Spread of grey levels from which the light suffices."""


def crop(frame: Frame, box: Box) -> NDArray[np.uint8]:
    """The face's part of the frame, a view."""
    return frame[box.y : box.y + box.height, box.x : box.x + box.width]


def face_quality(face: NDArray[np.uint8]) -> float:
    """Size, sharpness and light of a face (uint8 H x W x 3 BGR or grey) as one figure, 0..1."""
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY) if face.ndim == 3 else face
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)
    size = min(1.0, min(grey.shape) / GOOD_SIZE)
    # Blur never makes a face worthless: half the weight stays.
    sharpness = 0.5 + 0.5 * min(1.0, float(cv2.Laplacian(small, cv2.CV_64F).var()) / GOOD_SHARPNESS)
    light = min(1.0, float(small.std()) / GOOD_CONTRAST)
    return float(size * sharpness * light)


@dataclass(frozen=True, slots=True)
class Look:
    """One frame's worth; ``probabilities`` is None when there was no face."""

    faces: int = 0
    probabilities: NDArray[np.float32] | None = None
    quality: float = 0.0

    @classmethod
    def of(cls, faces: int, face: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> Look:
        """A look with a face in it; ``probabilities`` float32 [7]."""
        return cls(faces, probabilities, face_quality(face))


@dataclass(slots=True)
class Burst:
    """Looks that become one Observation."""

    looks: list[Look] = field(default_factory=list)

    def add(self, look: Look, keep: int | None = None) -> None:
        """``keep``: forget all but so many of the latest."""
        self.looks.append(look)
        if keep is not None:
            del self.looks[:-keep]

    @property
    def faces(self) -> int:
        """The most faces that one frame showed."""
        return max((look.faces for look in self.looks), default=0)

    def observation(self, now: float) -> Observation:
        """Probabilities are averaged over the looks that showed a face, weighed by their quality;
        the quality is that of those looks times their share.
        """
        seen = [(x.probabilities, x.quality) for x in self.looks if x.probabilities is not None]
        if not seen:
            return Observation(now, 0, None)
        weights = np.array([quality for _, quality in seen]) + 1e-6
        rows = np.stack([row for row, _ in seen]).astype(np.float64)
        mean = np.average(rows, axis=0, weights=weights)
        mean /= mean.sum()
        share = len(seen) / len(self.looks)
        quality = float(np.mean([quality for _, quality in seen])) * share
        return Observation(now, self.faces, tuple(float(p) for p in mean), quality)
