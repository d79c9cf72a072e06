"""Two axes for a mood: how pleasant it is and how awake (valence, arousal). Pure.

The circumplex model: moods lie on a circle, and the angle says which (J. A. Russell, "A circumplex
model of affect", Journal of Personality and Social Psychology 39, 1980, 1161-1178). The angles are
those of its circular ordering of 28 words (Ross' technique): happy, astonished (for surprise),
angry, afraid, sad. Disgust is not among the words; it stands at "frustrated". Neutral is the
middle.

How sure the figures are: the paper itself was not at hand. Happy 7.8, astonished 69.8 and sad 207.5
stand alike in two independent retellings; for angry, afraid and frustrated retellings differ (99 or
105, 115 to 116, 140 or 141). The paper scales the words in other ways as well. Where they were
rated for pleasure and arousal directly (its figure 4, as read off by others), happy lies at about
32, astonished at 80, afraid at 118, angry at 132, sad at 202. So the order and the quarter of a
mood are well founded, some degrees are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin

from agent.types import EMOTION_STATES, MoodState

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


PLACES: dict[MoodState, Affect] = {mood: _place(ANGLES[mood.value]) for mood in EMOTION_STATES}
"""Of each emotion."""


def affect(probabilities: Sequence[float] | None) -> Affect | None:
    """Give the mean place of seven probabilities, of EMOTIONS' order; None: not known."""
    if probabilities is None:
        return None
    places = [PLACES[mood] for mood in EMOTION_STATES]
    pairs = list(zip(probabilities, places, strict=True))
    return Affect(sum(p * a.valence for p, a in pairs), sum(p * a.arousal for p, a in pairs))
