"""What is known of one person's face: how it differs from the faces that the network knows. Pure.

A face at rest is not neutral to the network: one looks sad, another angry. All numbers here are
about the logarithms of the network's seven answers, minus their mean ("logs").

* **Rest.** The mean of some looks at the resting face says how far it lies from the neutral face of
  most people; that much is taken off every look. How much of it, depends on how alike the looks
  are: normal distributions, a prior over persons of variance BETWEEN, looks of variance
  ``spread`` (Bayes; James & Stein's shrinkage).
* **Away from rest is not neutral.** Where the resting face is known, a look that is unlike it is
  less likely neutral than the network says, and what the network says to neutral faces besides
  counts less: up to UNLIKE_REST of USUAL_REST is taken off, the sooner and the more, the more alike
  the resting looks were (ALIKE). At rest nothing is taken off.
* **Shift.** Seven more numbers that move slowly: by the long-run answers (``drifted``) and by each
  word of the user on one look (``corrected``). Bounded by MOST.

No picture is kept, and nobody can be recognised by it: sixteen numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.types import EMOTIONS, OwnFace

Floats = NDArray[np.float64]
Row = NDArray[np.floating[Any]]
CLASSES = len(EMOTIONS)
NEUTRAL = EMOTIONS.index("neutral")

USUAL_REST = (-0.42, -1.88, -2.16, -0.8, 1.89, -1.45, 4.81)
"""The logs of the shipped network's answers to neutral faces, their mean over the validation faces:
the last of ``class_means`` in ``models/emotion.json``."""
LEAST = 1e-4
"""Smaller answers count as this: the network's own figure for 'none of it'."""
STEADY = 0.8
"""Up to that spread the resting looks count in full; beyond, by the square of the ratio."""
BETWEEN = 1.5
"""Variance of the resting logs from person to person: 1.2 over the seven on 51 portraits of the
London set, and more where the light differs too."""
USUAL_SPREAD = 0.6
"""Variance of one person's resting logs from look to look, until it is measured ..."""
USUAL_LOOKS = 1.0
"""... and how many looks' worth that prior counts."""
UNLIKE_REST = 0.7
"""So much of USUAL_REST is taken off far from rest. Chosen on simulated actors who pose weakly,
held against muxspace's held-out persons (whose neutral faces must stay neutral)."""
ALIKE = 0.3
"""Up to that spread it is taken off in full; beyond, by the fourth power of the ratio: somebody
whose resting looks differ is unlike them at rest, too. Chosen on simulated validation hours, which
it leaves as they were (0.8, squared, took a hundredth of the right music)."""
NARROW = 0.3
BEGINS = 1.0
"""Taking off begins at so many times NARROW + ``spread`` of mean square distance from rest."""
MOST = 1.5
"""Bound of each number of the shift: not more than what e^1.5, 4.5 times, makes of an answer."""
STEP = 0.12
"""How far one word of the user moves the shift."""
DRIFT_SECONDS = 6 * 3600.0
"""Time constant of the slow drift."""


class _OfAnyPerson:
    """A method that may be called on the class too: then on a person of whom nothing is known."""

    def __init__(self, method: Callable[[Person, Sequence[Row]], Person]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(
        self, person: Person | None, kind: type[Person]
    ) -> Callable[[Sequence[Row]], Person]:
        return partial(self._method, kind() if person is None else person)


@dataclass(frozen=True, slots=True)
class Person:
    """``rest``: mean logs of the resting face, None while it was not shown.

    ``spread``: their variance from look to look; ``looks``: how many there were; ``shift``: what is
    added to the logs. ``Person()`` changes nothing.
    """

    rest: tuple[float, ...] | None = None
    spread: float = USUAL_SPREAD
    looks: int = 0
    shift: tuple[float, ...] = (0.0,) * CLASSES

    @property
    def is_known(self) -> bool:
        """True when it changes anything."""
        return self.rest is not None or any(self.shift)

    @property
    def known_by(self) -> OwnFace | None:
        """How what is known came about; None: nothing is."""
        if self.rest is not None:
            return OwnFace.LEARNED
        return OwnFace.ADJUSTED if self.is_known else None

    @property
    def steadiness(self) -> float:
        """How far the resting looks tell of one resting face, 0 to 1.

        Looks that differ much from each other show other things than rest.
        """
        return min(1.0, (STEADY / self.spread) ** 2)

    @_OfAnyPerson
    def learn(self, rest: Sequence[Row]) -> Person:
        """Return the person whose face at rest gave these answers (each [7] probabilities).

        They replace those that were learned before. Without any: unchanged. ``Person.learn(rest)``
        begins with a person of whom nothing is known. Raises ValueError for rows that are no seven
        finite probabilities.
        """
        if not len(rest):
            return self
        rows = _rows(np.asarray([np.asarray(row, dtype=np.float64) for row in rest]))
        all_logs = logs(rows)
        mean = all_logs.mean(axis=0)
        scatter = float(((all_logs - mean) ** 2).mean(axis=1).sum())
        spread = (USUAL_LOOKS * USUAL_SPREAD + scatter) / (USUAL_LOOKS + len(rows) - 1)
        return replace(self, rest=tuple(mean.tolist()), spread=round(spread, 6), looks=len(rows))

    def adjust(self, probabilities: NDArray[np.floating[Any]]) -> Floats:
        """Read answers [N, 7] as a usual face would have got them, float64 [N, 7], rows sum to 1.

        A person of whom nothing is known leaves them as they are. For single looks, each on its
        own. Raises ValueError for rows that are no probabilities.
        """
        given = np.array(probabilities, dtype=np.float64).reshape(-1, CLASSES)
        rows = _rows(given)
        if not self.is_known:
            return given
        moved = self.moved(logs(rows))
        powers = np.exp(moved - moved.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def moved(self, looks: Floats) -> Floats:
        """Move the logs [..., 7] of looks to where a usual face would have put them."""
        moved = looks + self.offset
        if self.rest is None:
            return moved
        away = ((looks - np.asarray(self.rest)) ** 2).mean(axis=-1, keepdims=True)
        beyond = np.maximum(0.0, away / (NARROW + self.spread) - BEGINS)
        alike = min(1.0, (ALIKE / self.spread) ** 4)
        unlike = alike * UNLIKE_REST * (1 - np.exp(-beyond / 2))
        return np.asarray(moved - unlike * np.asarray(USUAL_REST))

    def read(self, answer: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """Read one answer for people, as :meth:`adjust` does; None stays None."""
        if answer is None or not self.is_known:
            return answer
        return tuple(self.adjust(np.asarray(answer))[0].tolist())

    @property
    def offset(self) -> Floats:
        """What is added to the logs of every look, float64 [7]."""
        moved = np.asarray(self.shift, dtype=np.float64)
        if self.rest is not None:
            share = self.looks * BETWEEN / (self.looks * BETWEEN + self.spread)
            apart = np.asarray(self.rest) - np.asarray(USUAL_REST)
            moved = moved - self.steadiness * share * apart
        return moved

    def corrected(
        self, probabilities: Sequence[float], *, to: int | None = None, away_from: int | None = None
    ) -> Person:
        """Learn from the user's word on one look ([7] as the network answered).

        One step down the cross-entropy (logistic regression, the bias alone), bounded, so that
        wrong words cost little.
        """
        answer = self.adjust(np.asarray(probabilities))[0]
        if to is not None:
            step = np.eye(CLASSES)[to] - answer
        elif away_from is not None:
            others = np.where(np.arange(CLASSES) == away_from, 0.0, answer)
            step = others / max(float(others.sum()), LEAST) - answer
        else:
            return self
        return self._shifted(STEP * step)

    def drifted(self, bias: Sequence[float], seconds: float) -> Person:
        """Take off a small part of a lasting ``bias`` [7] (logs), for good.

        The long-run answers of ``seconds`` lay that far away from the population's.
        """
        share = 1 - np.exp(-max(0.0, seconds) / DRIFT_SECONDS)
        return self._shifted(-share * np.asarray(bias, dtype=np.float64))

    def without_rest(self) -> Person:
        """Return the same person, resting face forgotten."""
        return replace(self, rest=None, spread=USUAL_SPREAD, looks=0)

    def _shifted(self, step: Floats) -> Person:
        new = np.asarray(self.shift) + step
        new = np.clip(new - new.mean(), -MOST, MOST)
        return replace(self, shift=tuple(round(float(x), 6) for x in new))

    # -- as numbers

    def as_numbers(self) -> dict[str, object]:
        """Write it for a file; :meth:`from_numbers` reads it."""
        return {
            "rest": None if self.rest is None else [round(x, 4) for x in self.rest],
            "spread": self.spread,
            "looks": self.looks,
            "shift": list(self.shift),
        }

    @classmethod
    def from_numbers(cls, values: Mapping[str, object]) -> Person:
        """Read what :meth:`as_numbers` wrote. Raises ValueError for anything else."""
        rest, spread, looks = values.get("rest"), values.get("spread"), values.get("looks")
        shift = _seven(values.get("shift"))
        if (
            isinstance(spread, bool) or not isinstance(spread, int | float)
            or not NEAREST <= spread <= FURTHEST
            or isinstance(looks, bool) or not isinstance(looks, int) or not 0 <= looks <= FURTHEST
            or max(abs(x) for x in shift) > MOST + 1e-6
        ):  # fmt: skip
            raise ValueError("no person's numbers")
        known = None if rest is None else _seven(rest)
        return cls(known, float(spread), looks, shift)


NEAREST, FURTHEST = 1e-6, 1e6
"""No spread that was learned is as small, no number as large; one in a file may be anything."""

STRANGER = Person()
"""Of whom nothing is known."""


def logs(probabilities: Floats) -> Floats:
    """Take the logarithms of the rows [..., 7], each at least LEAST, minus their mean."""
    rows = np.log(np.maximum(probabilities, LEAST))
    return np.asarray(rows - rows.mean(axis=-1, keepdims=True))


def _rows(rows: Floats) -> Floats:
    """Return ``rows``, if they are probabilities [N, 7]."""
    if rows.ndim != 2 or rows.shape[1] != CLASSES:
        raise ValueError(f"answers are rows of {CLASSES}, not of shape {rows.shape}")
    if not np.isfinite(rows).all() or (rows < 0).any() or (rows.sum(axis=1) <= 0).any():
        raise ValueError("answers are probabilities: finite, not below 0, not all 0")
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _seven(values: object) -> tuple[float, ...]:
    if not isinstance(values, list | tuple) or len(values) != CLASSES:
        raise ValueError("seven numbers are needed")
    if any(isinstance(x, bool) or not isinstance(x, int | float) for x in values):
        raise ValueError("seven numbers are needed")
    if not all(-FURTHEST <= x <= FURTHEST for x in values):  # nor those that are no number
        raise ValueError("seven finite numbers are needed")
    return tuple(float(x) for x in values)
