"""An eight-bit copy of the shipped network, to see whether it pays.

Weights a channel, activations by the range that a few hundred training faces show (static, QDQ).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from agent.training import data, metrics
from agent.training.evaluate import latencies, one_face, predict
from agent.vision.expression import ExpressionClassifier, normalise


def quantise(model: Path, target: Path, training: data.Faces, faces: int = 512) -> None:
    """Writes ``target`` (.onnx) and its metadata from ``model`` and its metadata."""
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

    quantize_static(
        str(model), str(target), Reader(), per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    content = target.read_bytes()
    meta = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    meta |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    meta["name"] += " int8"
    target.with_suffix(".json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Validation accuracy and milliseconds a face, of the network and of its eight-bit copy."""

    accuracy: float
    accuracy_int8: float
    ms: float
    ms_int8: float

    @property
    def pays(self) -> bool:
        """Faster, and at most 0.3 points lost."""
        return self.ms_int8 < self.ms and self.accuracy - self.accuracy_int8 <= 0.003


def compare(model: Path, int8: Path, validation: data.Faces) -> Verdict:
    """Both on the plurality of the validation faces, one face at a time for the speed."""
    known = validation.plurality >= 0
    pictures, truth = list(validation.pictures[known]), validation.plurality[known]
    both = [ExpressionClassifier.load(file) for file in (model, int8)]
    right = [metrics.figures(predict(each, pictures), truth)["accuracy"] for each in both]
    ms = latencies([one_face(each) for each in both])
    return Verdict(right[0], right[1], ms[0], ms[1])
