"""The rules of the benchmark: what ships, its rival, and what stood before them.

Each is made for one sitting (:class:`agent.training.streams.Rule`). NumPy is all they need.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent.core import mood_filter
from agent.core.mood_filter import FITTED, UNKNOWN, Calibration, Parameters
from agent.core.person import STRANGER, Person
from agent.settings import CameraSettings, MoodSettings
from agent.training import before_filter
from agent.training.recurrent_rule import Recurrent, RecurrentNetwork
from agent.training.streams import Maker
from agent.types import EMOTION_STATES, Mood, MoodState, Observation

EVERY = 5.0
"""Seconds between two looks of the rules that looked at fixed times."""
LATEST = 12
"""Looks among which the majority is sought."""
HALF_LIFE = 30.0
"""Seconds after which a look counts half for the smoothing."""
Rest = NDArray[np.float64] | None


class Steady:
    """A rule that looks every EVERY seconds and begins UNSURE."""

    def __init__(self, now: float, rest: Rest = None) -> None:
        self.mood = Mood(MoodState.UNSURE, now, 0.0)

    def next_look(self, now: float) -> float:
        """When to look next."""
        return now + EVERY

    def look(self, observation: Observation) -> Mood:
        """Give the mood after one more look."""
        if observation.probabilities is not None:
            leading = self.leading(np.asarray(observation.probabilities))
            if leading is not None and EMOTION_STATES[leading] is not self.mood.state:
                self.mood = Mood(EMOTION_STATES[leading], observation.time, 1.0)
        return self.mood

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Name the emotion after one more look with a face; None: the same."""
        return int(probabilities.argmax())


class Seed(Steady):
    """The seed's: the emotion that leads in the latest look."""


class Majority(Steady):
    """The emotion that led in more than half of the latest looks; else what it was."""

    def __init__(self, now: float, rest: Rest = None, latest: int = LATEST) -> None:
        super().__init__(now, rest)
        self._latest: deque[int] = deque(maxlen=latest)
        self._needed = latest / 2

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Name the emotion of the majority; None: there is none."""
        self._latest.append(int(probabilities.argmax()))
        emotion, count = Counter(self._latest).most_common(1)[0]
        return emotion if count > self._needed else None


class Smoothing(Steady):
    """The emotion that leads the exponential mean of the looks."""

    def __init__(self, now: float, rest: Rest = None, half_life: float = HALF_LIFE) -> None:
        super().__init__(now, rest)
        self._mean = np.zeros(len(EMOTION_STATES))
        self._fading = 0.5 ** (EVERY / half_life)

    def leading(self, probabilities: NDArray[np.float64]) -> int | None:
        """Name the emotion that leads the mean."""
        self._mean = self._fading * self._mean + (1 - self._fading) * probabilities
        return int(self._mean.argmax())


class Before:
    """What shipped until the filter had a theory."""

    def __init__(self, now: float, rest: Rest = None, dwell: float | None = None) -> None:
        self._memory = before_filter.begin(now)
        self._settings = before_filter.FormerSettings()
        if dwell is not None:
            self._settings = replace(self._settings, dwell=dwell)

    def next_look(self, now: float) -> float:
        """When to look next."""
        return now + EVERY

    def look(self, observation: Observation) -> Mood:
        """Give the mood after one more look."""
        self._memory = before_filter.observe(self._memory, observation, self._settings)
        return self._memory.mood


class ShippedRule:
    """The filter that ships, with default settings.

    ``calibration``: of the network that answered. ``own_face``: the person's resting looks,
    where there are any, are learned first, as ``moodtray calibrate`` does.
    """

    def __init__(
        self,
        now: float,
        rest: Rest = None,
        *,
        calibration: Calibration = UNKNOWN,
        own_face: bool = False,
        settings: MoodSettings | None = None,
        parameters: Parameters = FITTED,
    ) -> None:
        learned = own_face and rest is not None and len(rest) > 0
        self._person = Person().learn(list(rest)) if learned and rest is not None else STRANGER
        self._settings = settings or MoodSettings()
        self._calibration = calibration
        self._parameters = parameters
        self._usual = CameraSettings().interval
        self._memory = mood_filter.begin(now, parameters, self._person)

    def next_look(self, now: float) -> float:
        """When to look next."""
        return now + self._usual * mood_filter.pause(self._memory, self._parameters)

    def look(self, observation: Observation) -> Mood:
        """Give the mood after one more look."""
        self._memory = mood_filter.observe(
            self._memory, observation, self._settings, self._calibration, self._person,
            self._parameters,
        )  # fmt: skip
        return self._memory.mood


def rules(
    calibration: Calibration, network: RecurrentNetwork | None, rest: bool
) -> dict[str, Maker]:
    """Every rule by its name in the benchmark.

    ``network``: of the recurrent rival, None leaves it out; ``rest``: are there resting looks?
    """
    out: dict[str, Maker] = {
        "seed": Seed,
        "smoothing": Smoothing,
        "before": Before,
        "majority": Majority,
        "filter": partial(ShippedRule, calibration=calibration),
    }
    if network is not None:
        out["recurrent"] = partial(Recurrent, network)
    if rest:
        out["filter, calibrated"] = partial(ShippedRule, calibration=calibration, own_face=True)
    return out


def families(
    calibration: Calibration, network: RecurrentNetwork | None, rest: bool
) -> Mapping[str, list[Maker]]:
    """Make the same rules, each from quick to calm: for the curves."""
    certain = (0.6, 0.7, 0.8, 0.87, 0.92, 0.96)
    settings = [MoodSettings(certainty=c) for c in certain]
    out: dict[str, list[Maker]] = {
        "seed": [Seed],
        "smoothing": [partial(Smoothing, half_life=s) for s in (5.0, 15.0, 30.0, 60.0)],
        "before": [partial(Before, dwell=s) for s in (0.0, 10.0, 20.0, 40.0)],
        "majority": [partial(Majority, latest=n) for n in (4, 8, 12, 20)],
        "filter": [partial(ShippedRule, calibration=calibration, settings=s) for s in settings],
    }
    if network is not None:
        out["recurrent"] = [partial(Recurrent, network, enter=c) for c in certain]
    if rest:
        out["filter, calibrated"] = [
            partial(ShippedRule, calibration=calibration, own_face=True, settings=s)
            for s in settings
        ]
    return out
