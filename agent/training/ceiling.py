"""The ceiling of the benchmark: what Bayes' rule does with one threshold, told what is shown.

It takes the place of a network that never errs: it is told the expression that is shown at each
look, and it knows the simulation's constants. What is left is what the hours themselves leave open:
a mood shows itself in some six showings of ten, and is not known before it has shown itself. The
rest of the way to a filter's figures is what the network misreads.

The state is exact but for ages in bins of BIN seconds: mood (7), its age, the expression shown (7),
moved on by Bayes' rule (the forward algorithm, Rabiner 1989).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.training.mood_rules import Rest, Steady
from agent.training.simulation import CLASSES, DEFAULT, NEUTRAL, World
from agent.training.streams import Recording
from agent.types import EMOTION_STATES, Mood, Observation

Floats = NDArray[np.float64]
NAME = "ceiling"
ENTER = 0.9
"""The probability from which a mood is named: of those tried on validation hours (0.8 to 0.95) the
least with at most half a wrong switch an hour."""
BIN = 10.0
MISSED = 1e-3
"""How likely another expression is than the one that is seen: a showing may change meanwhile."""


def told(recording: Recording) -> Recording:
    """Return the same hours as a network would answer that never errs."""
    if recording.shown is None:
        raise ValueError("the recording does not tell what was shown")
    answers = np.eye(CLASSES)[recording.shown]
    answers[np.isnan(recording.probabilities).any(axis=1)] = np.nan
    return replace(recording, probabilities=answers)


class Ceiling(Steady):
    """The rule. ``world``: the constants of the hours."""

    def __init__(self, now: float, rest: Rest = None, world: World = DEFAULT) -> None:
        super().__init__(now, rest)
        least, most = (60 * minutes for minutes in world.minutes)
        ages = np.arange(int(most / BIN) + 1) * BIN
        self._leaves = np.where(ages < least, 0.0, 1 / np.maximum(most - ages, BIN))  # each second
        own, neutral = np.mean(world.shows_itself), np.mean(world.shows_neutral)
        self._show = own * np.eye(CLASSES) + (1 - own - neutral) / CLASSES
        self._show[:, NEUTRAL] += neutral
        moods = np.asarray(world.moods)
        follows = np.tile(moods, (CLASSES, 1)) * (1 - np.eye(CLASSES))
        self._follows = follows / follows.sum(axis=1, keepdims=True)
        self._held = float(np.mean(world.held))
        self._table = np.zeros((CLASSES, len(ages), CLASSES))
        self._table[:, 0] = moods[:, None] * self._show
        self._then = now

    def look(self, observation: Observation) -> Mood:
        """Give the mood after one more look."""
        self._pass(observation.time - self._then)
        self._then = observation.time
        if observation.probabilities is not None:
            self._table *= np.maximum(np.asarray(observation.probabilities), MISSED)
            self._table /= self._table.sum()
        moods = self._table.sum(axis=(1, 2))
        leading = int(moods.argmax())
        if moods[leading] >= ENTER:
            self.mood = Mood(EMOTION_STATES[leading], observation.time, float(moods[leading]))
        return self.mood

    def _pass(self, seconds: float) -> None:
        """Let time pass: moods age and change, showings begin."""
        while seconds > 0:
            step = min(seconds, BIN / 2)
            leaves = np.minimum(1.0, self._leaves * step)[None, :, None]
            left = (self._table * leaves).sum(axis=1)
            older = self._table * (1 - leaves)
            table = older * (1 - step / BIN)
            table[:, 1:] += older[:, :-1] * (step / BIN)
            table[:, -1] += older[:, -1] * (step / BIN)
            table[:, 0] += self._follows.T @ left
            goes_on = float(np.exp(-step / self._held))
            anew = table.sum(axis=2, keepdims=True) * self._show[:, None, :]
            self._table = goes_on * table + (1 - goes_on) * anew
            seconds -= step
