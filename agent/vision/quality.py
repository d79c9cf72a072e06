"""How far one look at a face can be trusted: one number, and in words what is wrong with it.

The number estimates how likely the reading is right: a logistic curve over how sure the network is,
how sure the finder is, and what speaks against the picture (far, dark, blurred, noisy, turned,
tilted, mouth or eyes without any structure). ``moodtray evaluate`` fits the first three on
validation faces and prints the curve of being right against the number. The others are no better
than what the network itself knows, on pictures at hand; they are given weights that never make a
worse picture a better look, and take over where those pictures end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.translation import N_
from agent.types import Box
from agent.vision.alignment import Pose, face_side, pose

CLEAR = 0.68
"""From this number on a look counts as clear: chosen on validation faces as the least at which 92
of a hundred clear looks are right."""

SURE, FOUND, BIAS = 1.05, 0.48, -0.211
"""Weights of the network's certainty (log odds of its best answer) and of the finder's score, and
what is added; fitted on validation faces, plain and in hardships (moodtray evaluate
--fit-quality)."""
UNKNOWN_SCORE = 0.8
"""Haar's cascade tells no score; this is BlazeFace's median."""

SMALL, FLAT, NOISY, BLURRED = 40.0, 16.0, 0.08, 0.12
"""Where the picture begins to count against a look: side of the face in pixels; spread of its grey
levels; noise, and the Laplacian's variance at 48 x 48, as parts of that spread and its square."""
NO_MOUTH, NO_EYES = 1.4, 1.8
"""Mean slope around mouth and eyes, as parts of the spread of grey levels, below which something
even may lie over them: one in ten faces has less."""
TURNED, TILTED = 0.2, 15.0
"""Yaw (1: the nose has reached an eye) and roll in degrees that change nothing yet."""
NARROW = 1.5
"""How far the mouth may lie below the eyes, times the distance between them, before it counts as
turned: 1.1 is usual, and 99 of 100 faces have less. Far beyond it no face is as narrow; the points
of one that lies on its side are."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What one face's picture is like.

    Each lack is 0 where nothing is wrong, and grows by 1 for each halving (``turned`` by 1 as the
    nose reaches an eye, or the face is narrower by its eyes' distance; ``tilted`` by 1 every 30
    degrees).
    """

    small: float
    dark: float
    noisy: float
    blurred: float
    turned: float
    tilted: float
    mouth: float
    eyes: float
    score: float


WEIGHTS = {
    "small": 0.3, "dark": 0.2, "noisy": 0.25, "blurred": 0.15, "turned": 1.5, "tilted": 0.2,
    "mouth": 0.2, "eyes": 0.1,
}  # fmt: skip
"""How much each lack takes off the log odds."""

LIMITS: dict[str, tuple[float, str]] = {
    "small": (1.3, N_("too far away")),
    "dark": (2.0, N_("too dark")),
    "noisy": (2.3, N_("too dark")),
    "turned": (0.78, N_("turned away")),
    "tilted": (1.7, N_("head tilted too far")),
    "blurred": (3.5, N_("blurred")),
    "mouth": (2.0, N_("mouth covered")),
}
"""The lack from which on a look is not clear whatever the network says, and why in words: beyond it
there were no faces to fit on, or too few were right to name a mood by them (of covered mouths, two
in three)."""
UPSIDE_DOWN = (0.25, 0.3, 0.15)
"""Turned and tilted at once beyond the first two, or their product beyond the third: so BlazeFace
places the points of a face that lies on its side or stands on its head, of which nothing can be
read."""
HARD_TO_READ = N_("hard to read")
"""Nothing is wrong with the picture, but the network does not know."""


def measure(box: Box, face: NDArray[np.uint8]) -> Measures:
    """Measure the crop ``face`` that the network reads, uint8 H x W x 3 BGR or grey.

    ``box``: where it was found, its points included.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY) if face.ndim == 3 else face
    small = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)
    spread = max(1e-3, float(small.std()))
    # Immerkaer 1996, Fast noise variance estimation: what no straight edge answers to.
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = float(np.abs(cv2.filter2D(small, -1, mask)).mean()) * math.sqrt(math.pi / 2) / 6
    sharp = float(cv2.Laplacian(small, cv2.CV_32F).var()) / spread**2
    slope = np.hypot(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1))
    slope /= spread
    seen = pose(box)
    side = float(min(box.width, box.height)) if seen is None else face_side(seen)
    return Measures(
        small=_halvings(side, SMALL),
        dark=_halvings(spread, FLAT),
        noisy=-min(0.0, math.log2(NOISY / max(rough / spread, 1e-6))),
        blurred=_halvings(sharp, BLURRED),
        turned=0.0 if seen is None else _turned(seen),
        tilted=0.0 if seen is None else max(0.0, abs(seen.roll) - TILTED) / 30.0,
        mouth=0.0 if seen is None else _halvings(float(slope[32:44, 12:36].mean()), NO_MOUTH),
        eyes=0.0 if seen is None else _halvings(float(slope[13:25, 6:42].mean()), NO_EYES),
        score=UNKNOWN_SCORE if seen is None else box.score,
    )


def _turned(seen: Pose) -> float:
    return max(0.0, abs(seen.yaw) - TURNED, seen.mouth / seen.eyes - NARROW)


def _halvings(value: float, enough: float) -> float:
    """Count how often ``value`` must be doubled to reach ``enough``; at most 6 times."""
    return min(6.0, max(0.0, math.log2(enough / max(value, 1e-6))))


def trust(measures: Measures, probabilities: NDArray[np.floating]) -> float:
    """Rate 0..1 how likely the reading ``probabilities`` (seven, sum 1) is right.

    0 where the picture alone says that it cannot be told.
    """
    if picture_fault(measures):
        return 0.0
    sure, found = evidence(measures, probabilities)
    odds = SURE * sure + FOUND * found + BIAS - against(measures)
    return 1.0 / (1.0 + math.exp(-odds))


def evidence(measures: Measures, probabilities: NDArray[np.floating]) -> tuple[float, float]:
    """Return what speaks for a look: (how sure the network is, how sure the finder)."""
    best = float(np.max(probabilities))
    sure = min(5.0, max(-2.0, math.log(best / (1.0 - best + 1e-4))))
    return sure, min(0.9, max(0.5, measures.score))


def against(measures: Measures) -> float:
    """Return what the picture's lacks take off the log odds."""
    return float(sum(weight * getattr(measures, name) for name, weight in WEIGHTS.items()))


def picture_fault(measures: Measures) -> str:
    """Say why nothing can be read in this picture; empty: it can."""
    beyond = {
        words: getattr(measures, name) / limit
        for name, (limit, words) in LIMITS.items()
        if getattr(measures, name) >= limit
    }
    turned, tilted, both = UPSIDE_DOWN
    product = measures.turned * measures.tilted
    if product >= both or (measures.turned >= turned and measures.tilted >= tilted):
        return LIMITS["tilted"][1]
    return max(beyond, key=lambda words: beyond[words]) if beyond else ""


def unclear(measures: Measures, quality: float) -> str:
    """Say why a look of this quality is not clear; empty: it is clear."""
    return picture_fault(measures) or (HARD_TO_READ if quality < CLEAR else "")
