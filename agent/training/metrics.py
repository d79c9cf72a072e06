"""Figures of merit, and the two numbers fitted on validation: temperature and 'unsure below'.

Probabilities are float [N, 7] with rows that sum to 1, truths int [N] in 0..6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.types import EMOTIONS

Probabilities = NDArray[np.floating[Any]]
Truths = NDArray[np.int64]


def softmax(logits: Probabilities, temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn rows of logits / temperature into probabilities."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def confusion(probabilities: Probabilities, truth: Truths) -> NDArray[np.int64]:
    """Count the answers, [7, 7]: row the truth, column the answer."""
    n = len(EMOTIONS)
    return np.bincount(truth * n + probabilities.argmax(axis=1), minlength=n * n).reshape(n, n)


def log_loss(probabilities: Probabilities, truth: Truths) -> float:
    """Compute the mean negative log-likelihood of the truth, in nats."""
    right = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def reliability(
    probabilities: Probabilities, truth: Truths, bins: int = 15
) -> list[tuple[float, float, int]]:
    """Measure (mean confidence, accuracy, count) of each of ``bins`` equal steps of confidence."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((top * bins).astype(int), bins - 1)
    return [
        (float(top[place == b].mean()), float(right[place == b].mean()), int((place == b).sum()))
        if (place == b).any()
        else (0.0, 0.0, 0)
        for b in range(bins)
    ]


def calibration_error(probabilities: Probabilities, truth: Truths, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al. 2017, equation 3)."""
    parts = reliability(probabilities, truth, bins)
    return float(sum(abs(sure - right) * count for sure, right, count in parts) / len(truth))


def figures(probabilities: Probabilities, truth: Truths) -> dict[str, Any]:
    """Make one row: accuracy, macro recall, macro F1, loss, ECE, count, and per class.

    Macro figures are means over the classes that occur in ``truth``.
    """
    table = confusion(probabilities, truth)
    hits, there, said = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    recall = hits / np.maximum(there, 1)
    precision = hits / np.maximum(said, 1)
    f1 = 2 * hits / np.maximum(there + said, 1)
    occurs = there > 0
    per_class = {
        name: {
            "recall": round(float(recall[c]), 4),
            "precision": round(float(precision[c]), 4),
            "f1": round(float(f1[c]), 4),
            "count": int(there[c]),
        }
        for c, name in enumerate(EMOTIONS)
        if occurs[c]
    }
    return {
        "accuracy": round(float(hits.sum() / there.sum()), 4),
        "macro_recall": round(float(recall[occurs].mean()), 4),
        "macro_f1": round(float(f1[occurs].mean()), 4),
        "loss": round(log_loss(probabilities, truth), 4),
        "ece": round(calibration_error(probabilities, truth), 4),
        "count": len(truth),
        "per_class": per_class,
    }


def fit_temperature(logits: Probabilities, truth: Truths) -> float:
    """Find the temperature with the least log-loss, between 0.2 and 5.

    By golden section on its log. The loss has a single minimum in 1 / temperature, so the search
    cannot end in a wrong one.
    """
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.2), np.log(5.0)
    while high - low > 1e-4:
        a, b = high - golden * (high - low), low + golden * (high - low)
        at_a = log_loss(softmax(logits, float(np.exp(a))), truth)
        at_b = log_loss(softmax(logits, float(np.exp(b))), truth)
        low, high = (low, b) if at_a < at_b else (a, high)
    return round(float(np.exp((low + high) / 2)), 4)


def fit_unsure(probabilities: Probabilities, truth: Truths) -> float:
    """Find the top probability below which it is better to say 'unsure' than to answer.

    A wrong answer costs one and saying so costs a half (Chow 1970): the threshold of the least
    total cost. 0 where even the weakest answers are mostly right.
    """
    top = probabilities.max(axis=1)
    order = np.argsort(top, kind="stable")
    right = (probabilities.argmax(axis=1) == truth)[order]
    saved = np.cumsum(0.5 - right)
    best = int(saved.argmax())
    return round(float(top[order][best]), 3) if saved[best] > 0 else 0.0


def best_trades(points: list[tuple[float, float]]) -> list[bool]:
    """Find which of the (milliseconds, accuracy) no other point beats.

    At most as slow, at least as right, and better in one of the two.
    """
    return [
        not any(ms <= m and right >= r and (ms, right) != (m, r) for ms, right in points)
        for m, r in points
    ]
