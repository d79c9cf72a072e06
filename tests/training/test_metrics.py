"""Figures checked by hand, and the numbers fitted on validation."""

from __future__ import annotations

import numpy as np
import pytest

from agent.training import metrics


def sure(answers: list[int], confidence: float) -> np.ndarray:
    """Probabilities that give each answer the same confidence."""
    rest = (1 - confidence) / 6
    table = np.full((len(answers), 7), rest)
    table[np.arange(len(answers)), answers] = confidence
    return table


def test_figures_by_hand() -> None:
    truth = np.array([0, 0, 0, 3, 3, 6])
    row = metrics.figures(sure([0, 0, 3, 3, 3, 0], 0.8), truth)
    assert row["accuracy"] == pytest.approx(4 / 6, abs=1e-4)
    assert row["macro_recall"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-4)
    f1_angry, f1_happy = 2 * 2 / (3 + 3), 2 * 2 / (2 + 3)
    assert row["macro_f1"] == pytest.approx((f1_angry + f1_happy + 0) / 3, abs=1e-4)
    loss = -(4 * np.log(0.8) + 2 * np.log(0.2 / 6)) / 6
    assert row["loss"] == pytest.approx(loss, abs=1e-4)
    assert row["ece"] == pytest.approx(0.8 - 4 / 6, abs=1e-4)
    assert row["count"] == 6
    assert set(row["per_class"]) == {"angry", "happy", "neutral"}
    assert row["per_class"]["angry"] == {
        "recall": 0.6667, "precision": 0.6667, "f1": 0.6667, "count": 3
    }  # fmt: skip


def test_reliability_counts_every_face_once() -> None:
    rng = np.random.default_rng(0)
    probabilities = metrics.softmax(rng.normal(0, 2, (500, 7)))
    parts = metrics.reliability(probabilities, rng.integers(0, 7, 500))
    assert len(parts) == 15
    assert sum(count for _, _, count in parts) == 500
    for place, (confidence, _, count) in enumerate(parts):
        if count:
            assert place / 15 - 1e-9 <= confidence <= (place + 1) / 15 + 1e-9


def test_a_certain_answer_falls_into_the_last_bin() -> None:
    assert metrics.calibration_error(sure([2, 2], 1.0), np.array([2, 2])) == 0


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(true_temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (20_000, 7))
    probabilities = metrics.softmax(logits, true_temperature)
    truth = np.array([rng.choice(7, p=p) for p in probabilities])
    found = metrics.fit_temperature(logits, truth)
    assert found == pytest.approx(true_temperature, rel=0.05)
    assert metrics.calibration_error(metrics.softmax(logits, found), truth) < 0.015


def test_unsure_begins_where_answers_are_half_right() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.2, 1, 20_000)
    truth = np.where(rng.random(20_000) < confidence, 0, 1)
    table = np.zeros((20_000, 7))
    table[:, 0] = confidence
    table[:, 2:] = ((1 - confidence) / 5)[:, None]
    assert metrics.fit_unsure(table, truth) == pytest.approx(0.5, abs=0.05)
    assert metrics.fit_unsure(sure([0] * 50, 0.9), np.zeros(50, np.int64)) == 0.0
