"""Two axes for a mood: how pleasant it is and how awake (valence, arousal). Pure.

The circumplex model: moods lie on a circle, and the angle says which (J. A. Russell, "A circumplex
model of affect", Journal of Personality and Social Psychology 39, 1980). The angles are those of
his circular scaling: happy, astonished (for surprise), angry, afraid, sad. Disgust is not among
his 28 words; it stands at his "frustrated". Neutral is the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin

from agent.types import EMOTIONS, MoodState

ANGLES: dict[str, float | None] = {
    "angry": 99.0,
    "disgust": 141.0,
    "fear": 115.9,
    "happy": 7.8,
    "sad": 207.5,
    "surprise": 69.8,
    "neutral": None,
}
"""Degrees from 'pleasant', towards 'awake'."""


@dataclass(frozen=True, slots=True)
class Affect:
    """A place in the circle: both from -1 to 1, and 0 is neutral."""

    valence: float
    arousal: float

    def distance(self, other: Affect) -> float:
        """Measure how far two places are from each other, 0 to 2."""
        return hypot(self.valence - other.valence, self.arousal - other.arousal)


def _place(angle: float | None) -> Affect:
    if angle is None:
        return Affect(0.0, 0.0)
    return Affect(cos(radians(angle)), sin(radians(angle)))


PLACES: dict[MoodState, Affect] = {MoodState(name): _place(ANGLES[name]) for name in EMOTIONS}
"""Of each emotion."""


def affect(probabilities: Sequence[float] | None) -> Affect | None:
    """Give the mean place of seven probabilities, of EMOTIONS' order; None: not known."""
    if probabilities is None:
        return None
    places = [PLACES[MoodState(name)] for name in EMOTIONS]
    pairs = list(zip(probabilities, places, strict=True))
    return Affect(sum(p * a.valence for p, a in pairs), sum(p * a.arousal for p, a in pairs))
