"""An eight-bit copy of the shipped network, to see whether it pays.

Weights a channel, activations by the range that a few hundred training faces show (static, QDQ).
Whatever the metadata hold that was fitted to answers is fitted anew, to the answers of the copy.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from agent.training import data, metrics
from agent.training.evaluate import latencies, one_face, predict
from agent.training.export import calibrated, identity, write_metadata
from agent.training.paths import whole
from agent.vision.expression import ExpressionClassifier, normalise


def copy_of(model: Path) -> Path:
    """Tell where the eight-bit copy of ``model`` lies: NAME-int8.onnx beside it."""
    return model.with_name(f"{model.stem}-int8.onnx")


def stale_copy(model: Path) -> str | None:
    """Make a line about the eight-bit copy beside ``model`` that was made of another network.

    None: there is no copy, or it is one of this very file.
    """
    copy = copy_of(model)
    if not copy.is_file():
        return None
    try:
        source = json.loads(copy.with_suffix(".json").read_text(encoding="utf-8"))["source_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{copy.name} beside it does not say of which network it is; renew it with --int8"
    if source == identity(model.read_bytes())["sha256"]:
        return None
    return f"{copy.name} beside it is of another network; renew it with --int8"


def quantise(
    model: Path, target: Path, training: data.Faces, validation: data.Faces, faces: int = 512
) -> None:
    """Write ``target`` (.onnx) and its metadata from ``model`` and its metadata.

    ``faces`` of ``training`` show the range of the activations. Temperature, priors, 'unsure below'
    and figures are those of the copy on ``validation``; ``source_sha256`` names the full network.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    rows = np.random.default_rng(0).permutation(len(training))[:faces]
    batches = [
        {"faces": normalise(training.pictures[rows[i : i + 64]])} for i in range(0, len(rows), 64)
    ]

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._left, None)

    with whole(target) as part, whole(target.with_suffix(".json")) as sidecar:
        quantize_static(
            str(model), str(part), Reader(), per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        meta = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
        meta["name"] += " int8"
        meta["source_sha256"] = meta["sha256"]
        write_metadata(sidecar, meta | identity(part.read_bytes()) | calibrated(part, validation))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Validation accuracy and milliseconds a face, of the network and of its eight-bit copy."""

    accuracy: float
    accuracy_int8: float
    ms: float
    ms_int8: float

    @property
    def pays(self) -> bool:
        """Faster, and at most 0.3 points lost."""
        return self.ms_int8 < self.ms and self.accuracy - self.accuracy_int8 <= 0.003


def compare(model: Path, int8: Path, validation: data.Faces) -> Comparison:
    """Compare both on the plurality of the validation faces, one face at a time for the speed."""
    known = validation.plurality >= 0
    pictures, truth = list(validation.pictures[known]), validation.plurality[known]
    both = [ExpressionClassifier.load(model), ExpressionClassifier.load(int8, "int8")]
    right = [metrics.figures(predict(each, pictures), truth)["accuracy"] for each in both]
    ms = latencies([one_face(each) for each in both])
    return Comparison(right[0], right[1], ms[0], ms[1])
