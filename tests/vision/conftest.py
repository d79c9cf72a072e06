"""What the vision tests share: small videos, a tiny network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agent.store.paths import resources_dir
from agent.types import EMOTIONS
from tests.vision.mjpeg import MjpegServer, picture


@pytest.fixture
def demo_clip() -> Path:
    """The clip that is shipped: the synthetic actor, who looks into the camera at first."""
    return resources_dir() / "demo" / "clip.mp4"


@pytest.fixture
def short_clip(demo_clip: Path, tmp_path: Path) -> Path:
    """The demo's first 2.4 seconds: one face, 72 frames, 30 a second."""
    path = tmp_path / "short.mp4"
    capture = cv2.VideoCapture(str(demo_clip))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (640, 480))
    assert writer.isOpened()
    for _ in range(72):
        writer.write(capture.read()[1])
    writer.release()
    return path


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer() as running:
        yield running


@pytest.fixture
def numbered_video(tmp_path: Path) -> Callable[[int, float], Path]:
    """A video file whose frames tell their number (see mjpeg.number_of)."""

    def make(frames: int, fps: float) -> Path:
        path = tmp_path / f"numbered-{frames}-{fps:g}.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (160, 120))
        assert writer.isOpened()
        for number in range(frames):
            writer.write(picture(number))
        writer.release()
        return path

    return make


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A whole model, too small to know faces: logit i is i times the face's mean, so that a bright
    face is neutral and a dark one angry. Returns the .onnx file."""
    return write_model(tmp_path / "models" / "emotion.onnx")


def write_model(
    file: Path, *, classes: int = 7, input_name: str = "faces", **changes: object
) -> Path:
    """``changes`` replace values of the metadata."""
    weights = numpy_helper.from_array(np.arange(classes, dtype=np.float32)[np.newaxis], "weights")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", [input_name], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["column"]),
            helper.make_node("Gemm", ["column", "weights"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["N", 1, 48, 48])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    file.parent.mkdir(parents=True, exist_ok=True)
    data = model.SerializeToString()
    file.write_bytes(data)
    card: dict[str, object] = {
        "format": 1,
        "name": "tiny",
        "network": "tiny",
        "opset": 18,
        "input": {"name": "faces", "size": 48, "mean": 0.5, "std": 0.5},
        "output": "logits",
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "priors": [1 / 7] * 7,
        "unsure_below": 0.4,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    card.update(changes)
    file.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return file
