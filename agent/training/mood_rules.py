"""The rules of the benchmark that do not ship.

What the project began with, and what stood in between. Each is made for one sitting
(:class:`agent.training.streams.Rule`).
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

from agent.training import before_filter
from agent.training.streams import STATES
from agent.types import Mood, MoodState, Observation

EVERY = 5.0
"""Seconds between two looks of these rules."""


LATEST = 12
"""Looks among which the majority is sought."""


class Steady:
    """A rule that looks every EVERY seconds and begins UNSURE."""

    def __init__(self, now: float, rest: NDArray[np.float64] | None = None) -> None:
        self.mood = Mood(MoodState.UNSURE, now, 0.0)

    def next_look(self, now: float) -> float:
        """Return when to look next."""
        return now + EVERY

    def look(self, observation: Observation) -> Mood:
        """Take in one more look."""
        if observation.probabilities is not None:
            leading = self.leading(np.asarray(observation.probabilities))
            if leading is not None and STATES[leading] is not self.mood.state:
                self.mood = Mood(STATES[leading], observation.time, 1.0)
        return self.mood

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Return the emotion to name after one more look with a face; None: the same."""
        return int(probabilities.argmax())


class Seed(Steady):
    """The seed's: the emotion that leads in the latest look."""


class Majority(Steady):
    """The emotion that led in more than half of the latest twelve looks; else what it was."""

    def __init__(self, now: float, rest: NDArray[np.float64] | None = None) -> None:
        super().__init__(now, rest)
        self._latest: deque[int] = deque(maxlen=LATEST)

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Return the emotion of most looks; None: the same."""
        self._latest.append(int(probabilities.argmax()))
        emotion, count = Counter(self._latest).most_common(1)[0]
        return emotion if 2 * count > LATEST else None


class Smoothing(Steady):
    """The emotion that leads the exponential mean of the looks, half-life 15 s."""

    def __init__(self, now: float, rest: NDArray[np.float64] | None = None) -> None:
        super().__init__(now, rest)
        self._mean = np.zeros(len(STATES))

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Return the emotion of the smoothed looks; None: the same."""
        fading = 0.5 ** (EVERY / 15.0)
        self._mean = fading * self._mean + (1 - fading) * probabilities
        return int(self._mean.argmax())


class Before:
    """What shipped until the filter had a theory."""

    def __init__(self, now: float, rest: NDArray[np.float64] | None = None) -> None:
        self._memory = before_filter.begin(now)

    def next_look(self, now: float) -> float:
        """Return when to look next."""
        return now + EVERY

    def look(self, observation: Observation) -> Mood:
        """Take in one more look."""
        self._memory = before_filter.observe(self._memory, observation)
        return self._memory.mood
