"""The rival of the filter.

A small recurrent network (GRU, Cho et al. 2014) that was trained on simulated sittings
(:mod:`agent.training.recurrent`), run here in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.store.paths import models_dir
from agent.types import EMOTION_STATES, EMOTIONS, Mood, MoodState, Observation

Floats = NDArray[np.float64]
INPUTS = len(EMOTIONS) + 6
HIDDEN = 32
EVERY, AWAY_AFTER = 5.0, 15.0
ENTER = 0.85


def features(
    probabilities: Floats, quality: Floats, gap: Floats, before: Floats
) -> NDArray[np.float32]:
    """Compute the network's inputs, float32 [..., INPUTS].

    Centred logarithms of the look, how far it is from the look before (``before``, the same shape),
    is there a face, quality, seconds since the look before.
    """
    seen = ~np.isnan(probabilities[..., :1])
    now = centred(np.where(seen, probabilities, 1 / len(EMOTIONS)))
    there = ~np.isnan(before[..., :1])
    earlier = centred(np.where(there, before, 1 / len(EMOTIONS)))
    moved = np.sqrt(np.mean((now - earlier) ** 2, axis=-1, keepdims=True))
    close = np.where(seen & there, np.exp(-2.0 * moved), 0.0)
    columns = [now / 2, close, moved * (seen & there), seen, quality[..., None] * seen]
    wait = np.minimum(gap[..., None], 60.0)
    return np.concatenate([*columns, wait / 5, np.log1p(wait)], axis=-1).astype(np.float32)


def centred(probabilities: Floats) -> Floats:
    """Take the logarithms of the rows [..., 7], at least 1e-4 each, minus their mean."""
    logs = np.log(np.maximum(probabilities, 1e-4))
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True))


class RecurrentNetwork:
    """The GRU's weights and its step, as PyTorch defines them."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._w = {name: np.asarray(weights[name], np.float32) for name in (
            "weight_ih", "weight_hh", "bias_ih", "bias_hh", "out_weight", "out_bias")}  # fmt: skip

    @classmethod
    def load(cls, file: Path | None = None) -> RecurrentNetwork:
        """Load the weights that the project ships, or those of ``file``."""
        with np.load(file or models_dir() / "mood-recurrent.npz") as arrays:
            return cls({name: arrays[name] for name in arrays.files})

    def step(
        self, hidden: NDArray[np.float32], inputs: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Floats]:
        """Compute the next hidden state [HIDDEN], and the probabilities of the moods [7]."""
        w = self._w
        given = w["weight_ih"] @ inputs + w["bias_ih"]
        kept = w["weight_hh"] @ hidden + w["bias_hh"]
        reset, update = (
            1 / (1 + np.exp(-(given[a:b] + kept[a:b])))
            for a, b in ((0, HIDDEN), (HIDDEN, 2 * HIDDEN))
        )
        new = np.tanh(given[2 * HIDDEN :] + reset * kept[2 * HIDDEN :])
        hidden = (1 - update) * new + update * hidden
        logits = (w["out_weight"] @ hidden + w["out_bias"]).astype(np.float64)
        powers = np.exp(logits - logits.max())
        return hidden, powers / powers.sum()


class Recurrent:
    """The rule: an emotion is named once the network gives it ENTER."""

    def __init__(
        self,
        network: RecurrentNetwork,
        now: float,
        rest: NDArray[np.float64] | None = None,
        *,
        every: float = EVERY,
        enter: float = ENTER,
    ) -> None:
        self._network, self._every, self._enter = network, every, enter
        self._hidden = np.zeros(HIDDEN, np.float32)
        self._before = np.full(len(EMOTIONS), np.nan)
        self._then = self._last_face = now
        self._mood = Mood(MoodState.UNSURE, now, 0.0)

    def next_look(self, now: float) -> float:
        """Return when to look next."""
        return now + self._every

    def look(self, observation: Observation) -> Mood:
        """Take in one more look."""
        now, seen = observation.time, observation.probabilities
        row = np.full(len(EMOTIONS), np.nan) if seen is None else np.asarray(seen)
        inputs = features(
            row, np.asarray(observation.quality), np.asarray(now - self._then), self._before
        )
        self._hidden, mood = self._network.step(self._hidden, inputs)
        self._then = now
        if seen is None:
            if now - self._last_face >= AWAY_AFTER:
                self._mood = Mood(MoodState.AWAY, now, 0.0)
            return self._mood
        self._before, self._last_face = row, now
        leading = int(mood.argmax())
        if mood[leading] >= self._enter:
            self._mood = Mood(
                EMOTION_STATES[leading], now, float(mood[leading]), tuple(mood.tolist())
            )
        elif self._mood.state is MoodState.AWAY:
            self._mood = Mood(MoodState.UNSURE, now, float(mood[leading]), tuple(mood.tolist()))
        return self._mood
