"""Measures a shipped model through the very classifier that runs in the tray.

The test sets are PublicTest of FER2013 (FER+ plurality, FER's own labels; with and without the
pictures that have a near twin in Training; under changed light and at a distance) and the held-out
persons of muxspace. None of them was used to train, to choose or to calibrate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.training import data, metrics
from agent.vision.expression import ExpressionClassifier


def with_gamma(pictures: data.Pictures, exponent: float) -> data.Pictures:
    """uint8 pictures brightened (exponent below 1) or darkened (above 1)."""
    levels = np.arange(256) / 255
    return np.round(255 * levels**exponent).astype(np.uint8)[pictures]


def from_afar(pictures: data.Pictures, side: int = 24) -> list[data.Pictures]:
    """The faces as a camera sees them that has only ``side`` px for each."""
    return [
        np.asarray(cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        for p in pictures
    ]


def test_sets(folder: Path, cache: Path) -> list[tuple[str, list[data.Pictures], metrics.Truths]]:
    """(name, faces, truths) of every row of the table."""
    public = data.read_ferplus(folder / "ferplus.npz", cache, 1)
    twin = data.twins(folder / "ferplus.npz", 1)
    voted = public.plurality >= 0
    pictures, plurality = public.pictures[voted], public.plurality[voted]
    sets = [
        ("ferplus", list(pictures), plurality),
        ("ferplus, no twins", list(pictures[~twin[voted]]), plurality[~twin[voted]]),
        ("ferplus, gamma 0.4", list(with_gamma(pictures, 0.4)), plurality),
        ("ferplus, gamma 2.5", list(with_gamma(pictures, 2.5)), plurality),
        ("ferplus, 24 px", from_afar(pictures), plurality),
        ("fer label", list(public.pictures), public.label),
        ("fer label, no twins", list(public.pictures[~twin]), public.label[~twin]),
    ]
    if (folder / "muxspace.npz").is_file():
        mux = data.muxspace_parts(folder, cache)[1]
        known = mux.label >= 0
        sets.append(("muxspace, held-out persons", list(mux.pictures[known]), mux.label[known]))
    return sets


def predict(classifier: ExpressionClassifier, faces: list[data.Pictures]) -> NDArray[np.float32]:
    """Probabilities [N, 7], a few hundred faces at a time."""
    parts = [classifier.predict(faces[i : i + 256]) for i in range(0, len(faces), 256)]
    return np.concatenate(parts)


def evaluate(
    model: Path, folder: Path, cache: Path, figures: Path | None = None, log: Path | None = None
) -> dict[str, Any]:
    """The content of metrics.json: the model, and a row a test set.

    ``figures`` receives the confusion matrix and the reliability diagram, and the learning curves
    where ``log`` names a run's log.csv. Raises ModelError for a model that does not fit its
    metadata, DataError where the test sets are missing.
    """
    classifier = ExpressionClassifier.load(model)
    meta = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    rows = []
    for name, faces, truth in test_sets(folder, cache):
        probabilities = predict(classifier, faces)
        rows.append({"set": name, **metrics.figures(probabilities, truth)})
        if name == "ferplus":
            rows[-1]["unsure"] = _unsure(probabilities, truth, meta["unsure_below"])
        if figures is not None and name in ("ferplus", "fer label"):
            from agent.training import plots

            short = name.replace(" ", "-")
            title = f"PublicTest, {'FER+ plurality' if name == 'ferplus' else 'FER2013 labels'}"
            plots.confusion_matrix(probabilities, truth, title, figures / f"confusion-{short}.png")
            plots.reliability_diagram(
                probabilities, truth, title, figures / f"reliability-{short}.png"
            )
    if figures is not None and log is not None:
        from agent.training import plots

        plots.learning_curves(log, figures / "learning-curves.png")
    kept = ("name", "network", "sha256", "bytes", "parameters", "multiply_adds", "temperature")
    return {
        "model": {key: meta[key] for key in (*kept, "unsure_below")},
        "rows": rows,
        "latency": speed(model),
    }


def _unsure(
    probabilities: metrics.Probabilities, truth: metrics.Truths, below: float
) -> dict[str, float]:
    """What the threshold 'unsure below' buys: its share of faces, and who is right on each side."""
    weak = probabilities.max(axis=1) < below
    right = probabilities.argmax(axis=1) == truth
    return {
        "share": round(float(weak.mean()), 4),
        "accuracy_below": round(float(right[weak].mean()), 4) if weak.any() else 0.0,
        "accuracy_above": round(float(right[~weak].mean()), 4) if (~weak).any() else 0.0,
    }


def latencies(calls: list[Callable[[], object]], repeats: int = 200) -> list[float]:
    """Median milliseconds of each call after a warm-up. The calls take turns, so that other work on
    the machine slows all of them alike."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 20):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            call()
            if turn >= 20:
                times[place].append(time.perf_counter() - began)
    return [round(1000 * float(np.median(each)), 3) for each in times]


def one_face(model: Path) -> Callable[[], object]:
    """A call that classifies one face with ``model``, one thread, for :func:`latencies`."""
    classifier = ExpressionClassifier.load(model)
    face = np.random.default_rng(0).integers(0, 256, (data.SIZE, data.SIZE), np.uint8)
    return lambda: classifier.predict([face])


def speed(model: Path) -> dict[str, float]:
    """The model against the seed's network as its paper runs it: PyTorch, one face, one thread."""
    import torch

    from agent.training.network import build

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seed, face = build("seed").eval(), torch.zeros(1, 1, data.SIZE, data.SIZE)
    with torch.inference_mode():
        ours, theirs = latencies([one_face(model), lambda: seed(face)])
    torch.set_num_threads(threads)
    return {"model_ms": ours, "seed_torch_ms": theirs, "ratio": round(theirs / ours, 2)}
