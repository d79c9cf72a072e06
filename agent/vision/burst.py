"""A few looks at a face, averaged into one Observation with a figure for how far to trust it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.types import Box, Observation
from agent.vision.alignment import crop
from agent.vision.quality import measure, trust, unclear

__all__ = ["Burst", "Look", "crop"]


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
            return Observation(now, 0, None)
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
