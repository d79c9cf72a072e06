"""What a learned resting face is worth to somebody who shows little, through the shipped filter.

The simulated hours (:mod:`agent.training.simulation`) show whole expressions. Here each person has
one face at rest and shows every expression at a part of its strength only: the logarithms of the
network's answer lie between those to their resting face and those to a face that shows it. They sit
at rest, then in one mood, for MOOD_SECONDS; a mood counts where it is the one that is named in the
end. Each person is followed twice: as a stranger, and with the resting face learned.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent.core.mood_filter import Calibration
from agent.core.person import CLASSES, NEUTRAL
from agent.training.mood_rules import Rest, ShippedRule
from agent.training.simulation import DEFAULT, Answers
from agent.types import EMOTION_STATES, Observation

Floats = NDArray[np.float64]
PERSONS = 100
REST_SECONDS, MOOD_SECONDS = 120.0, 240.0
STRENGTH = (0.3, 0.7)
"""Bounds between which each person's share of a full expression is drawn."""
FACES = 6
"""Faces with which a person shows one expression."""
LOOKS = 12
"""Looks at the resting face: as many as half a minute of the lesson gives, and no more."""


def shares(
    answers: Answers, calibration: Calibration, seed: int, persons: int = PERSONS
) -> dict[str, float]:
    """Return the share of moods that are named: ``plain`` and ``learned``."""
    named: dict[str, list[bool]] = {"plain": [], "learned": []}
    for number in range(persons):
        person = _Faint(np.random.default_rng([seed, number]), answers)
        for mood in range(CLASSES):
            for name, hits in named.items():
                make = partial(ShippedRule, calibration=calibration, own_face=name == "learned")
                hits.append(_follow(make(0.0, person.rest), person, mood))
    return {name: round(float(np.mean(hits)), 4) for name, hits in named.items()}


class _Faint:
    """Somebody who shows little. ``rest`` [LOOKS, 7]: looks at their resting face."""

    def __init__(self, rng: np.random.Generator, answers: Answers) -> None:
        self._rng = rng
        self._faces = [
            answers.logs[rng.choice(np.flatnonzero(answers.label == c), FACES)]
            for c in range(CLASSES)
        ]
        self._calm: Floats = self._faces[NEUTRAL][0]
        self._bias = rng.normal(0.0, rng.uniform(*DEFAULT.bias), CLASSES)
        self._strength = rng.uniform(*STRENGTH)
        self._jitter = rng.uniform(*DEFAULT.jitter)
        self._own = rng.uniform(*DEFAULT.shows_itself)
        self.rest: Rest = np.stack([self.look(NEUTRAL) for _ in range(LOOKS)])

    def look(self, expression: int) -> Floats:
        """Draw the network's answer [7] to one look."""
        full = self._faces[expression][self._rng.integers(FACES)]
        share = 0.0 if expression == NEUTRAL else self._strength
        shown = share * full + (1 - share) * self._calm + self._bias
        powers = np.exp(shown + self._rng.normal(0.0, self._jitter, CLASSES))
        return np.asarray(powers / powers.sum())

    def shown(self, mood: int) -> int:
        """Draw what is shown in a mood: itself, or rest."""
        return mood if self._rng.random() < self._own else NEUTRAL


def _follow(rule: ShippedRule, person: _Faint, mood: int) -> bool:
    """Follow one mood after some rest; True where it is named in the end."""
    now, named = 0.0, None
    showing, until = NEUTRAL, 0.0
    while now < REST_SECONDS + MOOD_SECONDS:
        if now >= until:
            showing = NEUTRAL if now < REST_SECONDS else person.shown(mood)
            until = now + float(np.mean(DEFAULT.held))
        row = person.look(showing)
        named = rule.look(Observation(now, 1, tuple(row.tolist()), 0.95)).state
        now = rule.next_look(now)
    return named is EMOTION_STATES[mood]
