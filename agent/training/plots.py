"""The pictures of the model card: learning curves, confusion matrix, reliability, the front."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from agent.training import metrics
from agent.types import EMOTIONS

mpl.rcdefaults()  # it has read a file in the working directory, which may be anybody's
mpl.use("Agg")  # a file is all that is wanted, also where there is no display
TRAIN, HELD = "#3b6ea8", "#c8553d"
SIDES = {
    "train": "training, as it was seen and taught",
    "validation": "validation, as it is, against the plurality",
}
"""The two losses are not of one kind: the one is over both heads and soft targets."""


def learning_curves(log: Path, target: Path) -> None:
    """Draw accuracy and loss, training and validation, over the epochs of a run's log.csv."""
    with log.open(newline="") as text:
        rows = list(csv.DictReader(text))
    epochs = [int(float(row["epoch"])) for row in rows]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for place, what in enumerate(("accuracy", "loss")):
        axes = figure.add_subplot(1, 2, place + 1)
        for side, colour in (("train", TRAIN), ("validation", HELD)):
            values = [float(row[f"{side}_{what}"]) for row in rows]
            label = SIDES[side] if place == 0 else None
            axes.plot(epochs, values, colour, marker=".", label=label)
        axes.set(xlabel="epoch", title=what)
        axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    _save(figure, target)


def confusion_matrix(
    probabilities: metrics.Probabilities, truth: metrics.Truths, title: str, target: Path
) -> None:
    """Draw a row a truth, a column an answer, in percent of the row."""
    counts = metrics.confusion(probabilities, truth)
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row in range(len(EMOTIONS)):
        for column in range(len(EMOTIONS)):
            ink = "white" if share[row, column] > 55 else "black"
            axes.text(column, row, f"{share[row, column]:.0f}", ha="center", va="center", color=ink)
    names = [f"{name} ({counts[row].sum()})" for row, name in enumerate(EMOTIONS)]
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=40, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), names)
    axes.set(xlabel="answer", ylabel="truth (faces)", title=title)
    _save(figure, target)


def reliability_diagram(
    probabilities: metrics.Probabilities, truth: metrics.Truths, title: str, target: Path
) -> None:
    """Draw how often an answer of each confidence is right, in 15 steps.

    With the share of answers.
    """
    parts = [p for p in metrics.reliability(probabilities, truth) if p[2]]
    sure, right, count = (np.array(column) for column in zip(*parts, strict=True))
    figure = Figure(figsize=(4.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    axes.bar(sure, count / count.sum(), width=0.05, color=TRAIN, alpha=0.25, label="share of faces")
    axes.plot(sure, right, HELD, marker="o", label="right answers")
    error = metrics.calibration_error(probabilities, truth)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share")
    axes.set_title(f"{title}\nECE {error:.3f}")
    axes.legend(frameon=False, loc="upper left")
    _save(figure, target)


MARKS = "osD^vPX*"


def front(networks: list[dict[str, Any]], target: Path) -> None:
    """Draw accuracy against milliseconds a face; the line joins those that no other beats.

    The first of ``networks`` is ours. On FER2013's labels ours stands with the head trained on
    them, if any.
    """
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for place, (name, title) in enumerate((("ferplus", "FER+"), ("fer label", "FER2013's label"))):
        own = f"{name}, own head"
        points = [
            (n["ms"], 100 * n["sets"].get(own, n["sets"][name])["accuracy"]) for n in networks
        ]
        kept = sorted(
            p for p, best in zip(points, metrics.best_trades(points), strict=True) if best
        )
        axes = figure.add_subplot(1, 2, place + 1)
        axes.plot(*zip(*kept, strict=True), color="grey", linestyle="--", linewidth=1)
        for at, (network, (ms, right)) in enumerate(zip(networks, points, strict=True)):
            # A mark each and one legend below: names beside the marks would hide one another.
            label = network["name"] if place == 0 else None
            mark, colour = MARKS[at % len(MARKS)], HELD if at == 0 else TRAIN
            axes.plot(ms, right, mark, markersize=8, color=colour, label=label)
        axes.set_xscale("log")
        axes.margins(0.1, 0.2)
        axes.set(xlabel="ms a face, one thread", ylabel="accuracy, %", title=title)
        axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    _save(figure, target)


def _save(figure: Figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110, metadata={"Software": None})


def streams(curves: dict[str, list[tuple[float, float]]], target: Path) -> None:
    """Draw wrong switches an hour against the median delay, one line a rule."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for at, (name, points) in enumerate(curves.items()):
        shown = [(delay, max(wrong, 0.05)) for wrong, delay in points if delay < 900]
        ours = name.startswith("filter")
        axes.plot(
            *zip(*shown, strict=True) if shown else ([], []),
            marker=MARKS[at % len(MARKS)], markersize=6, linewidth=2 if ours else 1,
            color=f"C{at}", label=name,
        )  # fmt: skip
    axes.axhline(0.5, color="grey", linestyle=":", linewidth=1)
    axes.axvline(55, color="grey", linestyle=":", linewidth=1)
    axes.set_yscale("log")
    axes.set(
        xlabel="median delay to a true change, s", ylabel="wrong switches an hour",
        title="Rules against each other on simulated hours; dotted: the goals",
    )  # fmt: skip
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False, fontsize=9)
    _save(figure, target)
