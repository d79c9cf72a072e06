"""A few looks at a face, averaged into one Observation with a figure for how far to trust it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.translation import N_
from agent.types import Box, Frame, Observation
from agent.vision.alignment import crop
from agent.vision.quality import measure, trust, unclear

__all__ = ["Burst", "Look", "crop"]

DARK = 14.0
"""Mean grey level, of 255, of a room in which a person sees nobody on the screen either."""


@dataclass(frozen=True, slots=True)
class Look:
    """One frame's worth; ``probabilities`` is None when there was no face.

    ``unclear``: why it cannot be told what the face shows, in words; empty: it can.
    """

    faces: int = 0
    probabilities: NDArray[np.float32] | None = None
    quality: float = 0.0
    unclear: str = ""

    @classmethod
    def of(
        cls, faces: int, box: Box, face: NDArray[np.uint8], probabilities: NDArray[np.float32]
    ) -> Look:
        """Make the look of a face; ``probabilities`` float32 [7]."""
        measures = measure(box, face)
        quality = trust(measures, probabilities)
        return cls(faces, probabilities, quality, unclear(measures, quality))

    @classmethod
    def of_nobody(cls, frame: Frame) -> Look:
        """Make the look of a frame without a face; it may be too dark to show one."""
        return cls(unclear=too_dark(frame))


def too_dark(frame: Frame) -> str:
    """Say "too dark to see" of a frame in which nobody could be found for that; else nothing."""
    return N_("too dark to see") if float(frame[::8, ::8].mean()) < DARK else ""


@dataclass(slots=True)
class Burst:
    """Looks that become one Observation."""

    looks: list[Look] = field(default_factory=list)

    def add(self, look: Look, keep: int | None = None) -> None:
        """Add a look; ``keep``: forget all but so many of the latest."""
        self.looks.append(look)
        if keep is not None:
            del self.looks[:-keep]

    @property
    def faces(self) -> int:
        """The most faces that one frame showed."""
        return max((look.faces for look in self.looks), default=0)

    def observation(self, now: float) -> Observation:
        """Average the probabilities over the looks that showed a face, weighed by their quality.

        It is unclear where most of them are, for the reason that most of those have.
        """
        seen = [(x.probabilities, x.quality) for x in self.looks if x.probabilities is not None]
        if not seen:
            dark = [x.unclear for x in self.looks if x.unclear]
            why = dark[0] if 2 * len(dark) > len(self.looks) else ""
            return Observation(now, 0, None, unclear=why)
        weights = np.array([quality for _, quality in seen]) + 1e-6
        rows = np.stack([row for row, _ in seen]).astype(np.float64)
        mean = np.average(rows, axis=0, weights=weights)
        mean /= mean.sum()
        share = len(seen) / len(self.looks)
        quality = float(np.mean([quality for _, quality in seen])) * share
        reasons = Counter(x.unclear for x in self.looks if x.unclear)
        faint = 2 * reasons.total() > len(seen)
        why = reasons.most_common(1)[0][0] if faint else ""
        return Observation(now, self.faces, tuple(float(p) for p in mean), quality, why)
