"""Measures a shipped model through the very classifier that runs in the tray.

The test sets are PublicTest of FER2013 (FER+ plurality, FER's own labels; with and without the
pictures that have a near twin in Training; under changed light, at a distance and with a webcam's
hardships drawn onto them) and the held-out persons of muxspace. None of them was used to train, to
choose or to calibrate.

FER2013's own labels are asked of two heads, where the file has both: of the shipped answer, and of
the head that was trained on them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.opencv import cv2
from agent.training import data, london, metrics
from agent.training.baselines import Rival
from agent.training.corruptions import HARDSHIPS
from agent.training.face_figures import measure_faces
from agent.vision.expression import ExpressionClassifier
from agent.vision.model_file import read_card
from agent.vision.opencv_engine import OpenCVSession

OWN_HEAD = "fer label, own head"
COMPARED = ("ferplus", "fer label")
"""The test sets on which rivals are measured too."""
PACKED = ("ferplus.npz", "muxspace.npz")
"""The files of the data folder that hold the test sets. Without the second a model can be measured,
but then a row is missing."""
DESCRIBED = ("network", "parameters", "multiply_adds")
"""Metadata that a model can be used without, but that its card quotes."""


def with_gamma(pictures: data.Pictures, exponent: float) -> data.Pictures:
    """Show uint8 pictures brightened (exponent below 1) or darkened (above 1)."""
    levels = np.arange(256) / 255
    return np.round(255 * levels**exponent).astype(np.uint8)[pictures]


def from_afar(pictures: data.Pictures, side: int = 24) -> list[data.Pictures]:
    """Show the faces as a camera sees them that has only ``side`` px for each."""
    return [
        np.asarray(cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        for p in pictures
    ]


def test_sets(folder: Path, cache: Path) -> list[tuple[str, list[data.Pictures], metrics.Truths]]:
    """List (name, faces, truths) of every row of the table."""
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
        *(
            (f"ferplus, synthetic: {name}", list(change(pictures)), plurality)
            for name, change in HARDSHIPS.items()
        ),
        ("fer label", list(public.pictures), public.label),
        ("fer label, no twins", list(public.pictures[~twin]), public.label[~twin]),
    ]
    if (folder / PACKED[1]).is_file():
        mux = data.muxspace_parts(folder, cache)[1]
        known = mux.label >= 0
        sets.append(("muxspace, held-out persons", list(mux.pictures[known]), mux.label[known]))
    return sets


class Predictor(Protocol):
    """Whatever turns faces into probabilities [N, 7]: our classifier, or a rival."""

    def predict(self, faces: list[data.Pictures]) -> NDArray[np.floating[Any]]:
        """Compute probabilities [N, 7] of the faces."""
        ...


def predict(network: Predictor, faces: list[data.Pictures]) -> NDArray[np.floating[Any]]:
    """Compute probabilities [N, 7], a few hundred faces at a time."""
    parts = [network.predict(faces[i : i + 256]) for i in range(0, len(faces), 256)]
    return np.concatenate(parts)


def label_head(model: Path, meta: dict[str, Any]) -> ExpressionClassifier | None:
    """Find the head trained on FER2013's own labels, with its own temperature.

    None: the file has none.

    Raises ModelError where the metadata name an output that the file lacks, or no temperature.
    """
    if "label_output" not in meta:
        return None
    temperature = meta.get("label_temperature")
    if not isinstance(temperature, int | float) or not temperature > 0:
        raise ModelError(
            f"{model.with_suffix('.json')} names the output '{meta['label_output']}' as "
            f"'label_output', but its 'label_temperature' is {temperature}: a number above 0 is "
            "needed. Export the model anew."
        )
    own = {"output": meta["label_output"], "temperature": temperature}
    card = read_card(model.with_suffix(".json")).model_copy(update=own)
    return ExpressionClassifier(OpenCVSession(model, card), card)


def evaluate(
    model: Path, folder: Path, cache: Path, figures: Path | None = None, log: Path | None = None,
    rivals: Sequence[Rival] = (), tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:  # fmt: skip
    """Make the content of metrics.json: the model, and a row a test set.

    ``front`` where there are ``rivals``: the model and each of them, accuracy and time. ``faces``
    where ``folder`` holds london.npz: framing, quality and groups.

    ``figures`` receives the confusion matrix and the reliability diagram, the learning curves
    where ``log`` names a run's log.csv, and the front. ``tell`` hears of every row, and of a test
    set that is missing. Raises ModelError for a model that does not fit its metadata, DataError
    where ferplus.npz is missing.
    """
    classifier = ExpressionClassifier.load(model)
    meta = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    own_head = label_head(model, meta)
    if not (folder / PACKED[1]).is_file():
        tell(f"{PACKED[1]} is not in {folder}: its test set is left out.")
    rows: list[dict[str, Any]] = []
    rivals_rows: list[dict[str, Any]] = [{} for _ in rivals]

    def add(name: str, probabilities: metrics.Probabilities, truth: metrics.Truths) -> None:
        rows.append({"set": name, **metrics.figures(probabilities, truth)})
        tell(f"{name}: {100 * rows[-1]['accuracy']:.1f} %")

    for name, faces, truth in test_sets(folder, cache):
        probabilities = predict(classifier, faces)
        add(name, probabilities, truth)
        if name == "ferplus":
            rows[-1]["unsure"] = _unsure(probabilities, truth, classifier.unsure_below)
            turned = predict(classifier, [np.ascontiguousarray(face[:, ::-1]) for face in faces])
            add("ferplus, mean with the mirror image", (probabilities + turned) / 2, truth)
        if own_head is not None and name.startswith("fer label"):
            own_name = name.replace("fer label", OWN_HEAD)
            add(own_name, predict(own_head, faces), truth)
        if name not in COMPARED:
            continue
        if figures is not None:
            _draw(name, probabilities, truth, figures)
        for rival, its_rows in zip(rivals, rivals_rows, strict=True):
            its_rows[name] = metrics.figures(predict(rival, faces), truth)
            tell(f"{name}, {rival.name}: {100 * its_rows[name]['accuracy']:.1f} %")
    portraits = None
    if (folder / london.FILE).is_file():
        portraits = {"sha256": meta["sha256"], **measure_faces(classifier, folder, cache, tell)}
    else:
        tell(f"{london.FILE} is not in {folder}: framing, quality and groups are left out.")
    latency, their_ms = speed(model, rivals)
    kept = ("name", "network", "sha256", "bytes", "parameters", "multiply_adds", "temperature")
    own = ("label_temperature",) if own_head is not None else ()
    result: dict[str, Any] = {
        "model": {key: meta[key] for key in (*kept, *own, "unsure_below") if key in meta},
        "rows": rows,
        "latency": latency,
    }
    if portraits is not None:
        result["faces"] = portraits
    if rivals:
        by_name = {row["set"]: row for row in rows}
        entries = [entry(meta["name"], meta["bytes"], latency["model_ms"], by_name, "this project")]
        for rival, ms, its_rows in zip(rivals, their_ms, rivals_rows, strict=True):
            size = rival.file.stat().st_size
            entries.append(entry(rival.name, size, ms, its_rows, rival.card.source))
        result["front"] = {"sha256": meta["sha256"], "networks": entries}
    if figures is not None:
        from agent.training import plots

        if log is not None:
            plots.learning_curves(log, figures / "learning-curves.png")
        if rivals:
            plots.front(result["front"]["networks"], figures / "front.png")
    return result


def entry(
    name: str, size: int, ms: float, rows: dict[str, dict[str, Any]], source: str
) -> dict[str, Any]:
    """Describe a network of the front.

    Its time, and its figures on the sets that all are measured on.
    """
    shown = ("accuracy", "macro_recall", "ece")
    sets = [s for s in (*COMPARED, OWN_HEAD) if s in rows]
    return {
        "name": name,
        "source": source,
        "bytes": size,
        "ms": ms,
        "sets": {s: {key: rows[s][key] for key in shown} for s in sets},
    }


def _draw(
    name: str, probabilities: metrics.Probabilities, truth: metrics.Truths, figures: Path
) -> None:
    from agent.training import plots

    short = name.replace(" ", "-")
    title = f"PublicTest, {'FER+ plurality' if name == 'ferplus' else 'FER2013 labels'}"
    plots.confusion_matrix(probabilities, truth, title, figures / f"confusion-{short}.png")
    plots.reliability_diagram(probabilities, truth, title, figures / f"reliability-{short}.png")


def _unsure(
    probabilities: metrics.Probabilities, truth: metrics.Truths, below: float
) -> dict[str, float]:
    """Measure what the threshold 'unsure below' buys.

    Its share of faces, and who is right on each side.
    """
    weak = probabilities.max(axis=1) < below
    right = probabilities.argmax(axis=1) == truth
    return {
        "share": round(float(weak.mean()), 4),
        "accuracy_below": round(float(right[weak].mean()), 4) if weak.any() else 0.0,
        "accuracy_above": round(float(right[~weak].mean()), 4) if (~weak).any() else 0.0,
    }


def latencies(calls: list[Callable[[], object]], repeats: int = 200) -> list[float]:
    """Measure the milliseconds of processor time of each call, all threads together.

    The mean after a warm-up. On an idle machine that is the time it takes on one core; on a busy
    one, unlike the time on the clock, it holds no waiting for others. The calls take turns, so that
    what slows the processor itself slows all of them alike.
    """
    spent = [0.0] * len(calls)
    for turn in range(repeats + 20):
        for place, call in enumerate(calls):
            began = time.process_time()
            call()
            if turn >= 20:
                spent[place] += time.process_time() - began
    return [round(1000 * each / repeats, 3) for each in spent]


def one_face(network: Predictor) -> Callable[[], object]:
    """Make a call that classifies one face with ``network``, for :func:`latencies`."""
    face = np.random.default_rng(0).integers(0, 256, (data.SIZE, data.SIZE), np.uint8)
    return lambda: network.predict([face])


def speed(model: Path, rivals: Sequence[Rival] = ()) -> tuple[dict[str, float], list[float]]:
    """Measure the model against the seed's network as its paper runs it.

    PyTorch, one face, one thread; and the milliseconds of each rival; all of them take turns.
    """
    import torch

    from agent.training.network import build

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seed, face = build("seed").eval(), torch.zeros(1, 1, data.SIZE, data.SIZE)
    calls = [one_face(ExpressionClassifier.load(model)), lambda: seed(face)]
    with torch.inference_mode():
        ours, theirs, *rest = latencies(calls + [one_face(rival) for rival in rivals])
    torch.set_num_threads(threads)
    figures = {"model_ms": ours, "seed_torch_ms": theirs, "ratio": round(theirs / ours, 2)}
    return figures, rest
