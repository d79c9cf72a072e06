"""The filter that shipped until version 0.1: the row ``before`` of the benchmark.

How it steadies:

* **Smoothing.** The mean of the last observations' probabilities, each weighted by its quality
  and by age (``half_life``: exponential forgetting, the usual first-order low-pass).
* **Two thresholds (hysteresis).** An emotion becomes a candidate at ``enter``; the present mood is
  given up only below ``leave``. Between them nothing changes.
* **Dwell.** A candidate must lead for ``dwell`` seconds, no other emotion between; a look without
  a face counts neither for nor against it.
* **Not knowing** is a state: UNSURE while no emotion is clear, AWAY after ``away_after`` seconds
  without a face. A shorter glance aside changes nothing.
* **A clear look.** The mean of clear looks that differ is flat, so ``enter`` is low; but from looks
  of which the network was sure of none, no emotion is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.types import EMOTION_STATES, Mood, MoodState, Observation


@dataclass(frozen=True, slots=True)
class FormerSettings:
    """The thresholds that could be set, with their defaults; see above."""

    enter: float = 0.45
    leave: float = 0.30
    dwell: float = 10.0
    half_life: float = 10.0
    window: float = 40.0
    away_after: float = 15.0
    balance: float = 0.0


@dataclass(frozen=True, slots=True)
class FormerCalibration:
    """What the network says of its own answers.

    ``priors``: the share of each emotion in them on the faces that it was fitted to (seven, in the
    order of EMOTIONS); ``unsure_below``: a look whose leading probability is smaller is as likely
    wrong as right.
    """

    priors: tuple[float, ...] | None = None
    unsure_below: float = 0.0


UNKNOWN = FormerCalibration()
"""Of a network that says nothing of itself: every answer counts as it is."""


@dataclass(frozen=True, slots=True)
class FormerMemory:
    """All that the filter remembers. ``recent`` holds only observations with a face."""

    mood: Mood
    last_face: float  # time at which somebody was last seen (at first: when we began to look)
    recent: tuple[Observation, ...] = ()
    candidate: MoodState | None = None
    candidate_since: float = 0.0


def begin(now: float) -> FormerMemory:
    """Begin with nothing known: UNSURE."""
    return FormerMemory(Mood(MoodState.UNSURE, since=now, confidence=0.0), last_face=now)


def observe(
    memory: FormerMemory,
    observation: Observation,
    settings: FormerSettings = FormerSettings(),
    calibration: FormerCalibration = UNKNOWN,
) -> FormerMemory:
    """Return the memory after one more observation; they come in the order of their time.

    ``settings.balance`` says how far the network's priors are divided out.
    """
    now = observation.time
    if observation.probabilities is None:
        return _nobody(memory, now, settings)
    recent = tuple(o for o in memory.recent if now - o.time <= settings.window)
    memory = replace(memory, recent=(*recent, observation), last_face=now)
    looks = _balanced(memory.recent, settings, calibration.priors)
    smoothed = _smooth(looks, memory.recent, now, settings)
    leading = int(np.argmax(smoothed))
    leader = EMOTION_STATES[leading]
    clear = bool(looks[:, leading].max() >= calibration.unsure_below)
    probabilities = tuple(float(p) for p in smoothed)
    confidence = float(smoothed.max())

    present = memory.mood.state
    if present is MoodState.AWAY:  # somebody came back: who, and in what mood, is open
        return replace(
            memory, mood=Mood(MoodState.UNSURE, now, confidence, probabilities), candidate=None
        )
    wanted = _wanted(present, leader if clear else present, smoothed, settings)
    shown = memory.mood
    shown_confidence = (
        float(smoothed[EMOTION_STATES.index(present)]) if present.is_emotion else confidence
    )
    steady = Mood(shown.state, shown.since, shown_confidence, probabilities)
    if wanted is present:
        return replace(memory, mood=steady, candidate=None)
    if wanted is not memory.candidate:
        memory = replace(memory, candidate=wanted, candidate_since=now)
    if now - memory.candidate_since < settings.dwell:
        return replace(memory, mood=steady)
    return replace(memory, mood=Mood(wanted, now, confidence, probabilities), candidate=None)


def _nobody(memory: FormerMemory, now: float, settings: FormerSettings) -> FormerMemory:
    if memory.mood.state is MoodState.AWAY or now - memory.last_face < settings.away_after:
        return memory
    # What was seen of the one who left says nothing about the one who will come.
    return replace(
        memory, mood=Mood(MoodState.AWAY, since=now, confidence=0.0), recent=(), candidate=None
    )


def _wanted(
    present: MoodState, leader: MoodState, smoothed: NDArray[np.float64], settings: FormerSettings
) -> MoodState:
    if leader is not present and smoothed.max() >= settings.enter:
        return leader
    if present.is_emotion and smoothed[EMOTION_STATES.index(present)] < settings.leave:
        return MoodState.UNSURE
    return present


def _balanced(
    recent: tuple[Observation, ...], settings: FormerSettings, priors: Sequence[float] | None
) -> NDArray[np.float64]:
    """Return the looks' probabilities, float64 [looks, 7], the priors divided out as asked."""
    table = np.array([o.probabilities for o in recent], dtype=np.float64)
    if priors is None or settings.balance <= 0.0:
        return table
    # Bayes: a network that answers with shares q has p(x)*q; dividing by q gives equal shares.
    table = table / np.maximum(np.asarray(priors, dtype=np.float64), 1e-4) ** settings.balance
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _smooth(
    looks: NDArray[np.float64],
    recent: tuple[Observation, ...],
    now: float,
    settings: FormerSettings,
) -> NDArray[np.float64]:
    """Compute the weighted mean of the ``looks`` [looks, 7], float64 [7], sums to 1."""
    age = np.array([now - o.time for o in recent])
    # A floor keeps one poor look better than none.
    quality = np.array([max(o.quality, 0.05) for o in recent])
    weight = quality * 0.5 ** (age / settings.half_life)
    return np.asarray(np.average(looks, axis=0, weights=weight))
