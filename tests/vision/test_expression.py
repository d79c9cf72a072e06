"""The classifier on a real, tiny network: numbers, shapes, and every way its files can be wrong."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.types import EMOTIONS
from agent.vision.burst import crop
from agent.vision.expression import (
    ExpressionClassifier,
    describe_model,
    normalise,
    preprocess,
    softmax,
)
from agent.vision.faces import FaceTracker
from tests.vision.conftest import write_model


def grey(value: int, *shape: int) -> np.ndarray:
    return np.full(shape or (48, 48), value, np.uint8)


def test_preprocess_gives_48_grey() -> None:
    for shape in ((48, 48), (100, 80), (300, 300, 3), (20, 24, 3), (1, 1)):
        face = preprocess(grey(77, *shape))
        assert face.shape == (48, 48)
        assert face.dtype == np.uint8
        assert (face == 77).all()


def test_preprocess_reads_colours_as_bgr() -> None:
    blue = np.zeros((60, 60, 3), np.uint8)
    blue[..., 0] = 255
    assert preprocess(blue)[0, 0] == 29  # ITU-R BT.601: 0.114 of blue


def test_preprocess_of_a_large_face_averages_instead_of_skipping() -> None:
    fine = np.zeros((480, 480), np.uint8)
    fine[:, ::2] = 255
    assert np.ptp(preprocess(fine).astype(int)) <= 2


@pytest.mark.parametrize(
    "face", [grey(1, 0, 5), grey(1, 5, 5, 4), grey(1, 5), grey(1).astype(np.float32)]
)
def test_preprocess_refuses_what_is_no_face(face: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"face is uint8|channels"):
        preprocess(face)


def test_normalise_and_softmax() -> None:
    faces = np.stack([grey(0), grey(255)])
    out = normalise(faces)
    assert out.shape == (2, 1, 48, 48)
    assert (out[0] == -1).all()
    assert (out[1] == 1).all()
    logits = np.array([[1000.0, 0.0], [0.0, 2.0]], np.float32)
    assert softmax(logits, 1.0)[0] == pytest.approx([1.0, 0.0])
    assert softmax(logits, 2.0)[1] == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])


def test_predict(tiny_model: Path) -> None:
    classifier = ExpressionClassifier.load(tiny_model)
    out = classifier.predict([grey(255), grey(0, 90, 70, 3), grey(128)])
    assert out.shape == (3, 7)
    assert out.dtype == np.float32
    assert out.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    assert EMOTIONS[out[0].argmax()] == "neutral"
    assert EMOTIONS[out[1].argmax()] == "angry"
    assert out[2] == pytest.approx([1 / 7] * 7, abs=0.01)
    assert classifier.predict([]).shape == (0, 7)
    assert classifier.labels == EMOTIONS
    assert (classifier.name, classifier.unsure_below) == ("tiny", 0.4)
    assert classifier.priors == pytest.approx([1 / 7] * 7)


def test_temperature_of_the_metadata_is_used(tmp_path: Path) -> None:
    sharp = ExpressionClassifier.load(write_model(tmp_path / "a" / "m.onnx"))
    flat = ExpressionClassifier.load(write_model(tmp_path / "b" / "m.onnx", temperature=10.0))
    assert sharp.predict([grey(255)]).max() > flat.predict([grey(255)]).max() + 0.2


def test_input_scale_of_the_metadata_is_used(tmp_path: Path) -> None:
    scale = {"name": "faces", "size": 48, "mean": 1.0, "std": 0.5}
    classifier = ExpressionClassifier.load(write_model(tmp_path / "m.onnx", input=scale))
    assert classifier.predict([grey(255)])[0] == pytest.approx([1 / 7] * 7)


def test_model_missing(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.json are missing"):
        ExpressionClassifier.load(tmp_path / "nowhere.onnx")
    tiny_model.unlink()
    with pytest.raises(ModelError, match=r"emotion\.onnx is missing"):
        ExpressionClassifier.load(tiny_model)


def test_model_truncated(tiny_model: Path) -> None:
    data = tiny_model.read_bytes()
    tiny_model.write_bytes(data[:-40])
    with pytest.raises(ModelError, match=f"{len(data) - 40} of {len(data)} bytes"):
        ExpressionClassifier.load(tiny_model)


def test_model_swapped(tiny_model: Path) -> None:
    tiny_model.write_bytes(tiny_model.read_bytes()[::-1])
    with pytest.raises(ModelError, match="checksums differ"):
        ExpressionClassifier.load(tiny_model)


def test_right_checksum_of_no_network(tmp_path: Path) -> None:
    import hashlib

    file = write_model(tmp_path / "m.onnx")
    file.write_bytes(b"no network")
    digest = hashlib.sha256(b"no network").hexdigest()
    card = file.with_suffix(".json")
    import json

    changed = {**json.loads(card.read_text()), "bytes": 10, "sha256": digest}
    card.write_text(json.dumps(changed))
    with pytest.raises(ModelError, match="not a network"):
        ExpressionClassifier.load(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["angry", "happy"]}, "names the expressions angry, happy"),
        ({"labels": list(reversed(EMOTIONS))}, "in this order"),
        ({"temperature": 0}, "'temperature'"),
        ({"priors": [0.5, 0.5]}, "'priors'"),
        ({"format": 2}, "'format'"),
        ({"input": {"name": "faces", "size": 64, "mean": 0, "std": 1}}, r"'input\.size'"),
        ({"output": "probabilities"}, "belong to different models"),
        ({"classes": 8}, r"shape \(1, 8\)"),
        ({"input_name": "x"}, "belong to different models"),
    ],
)
def test_model_of_another_kind(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    file = write_model(tmp_path / "m.onnx", **changes)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=message):
        ExpressionClassifier.load(file)


@pytest.mark.parametrize("text", ["{", "[]", "", "\xff"])
def test_metadata_damaged(tiny_model: Path, text: str) -> None:
    tiny_model.with_suffix(".json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"emotion\.json"):
        ExpressionClassifier.load(tiny_model)


def test_describe_model(tiny_model: Path) -> None:
    assert describe_model(tiny_model)["name"] == "tiny"
    tiny_model.write_bytes(b"")
    with pytest.raises(ModelError, match="truncated"):
        describe_model(tiny_model)


@pytest.mark.parametrize(
    ("engine", "module", "extra"),
    [("torch", "torch_engine", "train"), ("int8", "onnx_runtime_engine", "int8")],
)
def test_an_optional_engine_that_is_not_installed_is_told(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, engine: Any, module: str, extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name == f"agent.vision.{module}":
            raise ImportError(f"No module for {name}")
        return real(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=rf"moodtray\[{extra}\]"):
        ExpressionClassifier.load(tiny_model, engine=engine)


def test_classifying_imports_no_torch(tiny_model: Path) -> None:
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from agent.vision.expression import ExpressionClassifier\n"
        "c = ExpressionClassifier.load(Path(sys.argv[1]))\n"
        "c.predict([np.zeros((50, 50, 3), np.uint8)])\n"
        "print('torch' in sys.modules, 'onnx' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_model)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_classifying_leaves_nothing_in_the_home_folder(tiny_model: Path, tmp_path: Path) -> None:
    """ONNX Runtime writes a device ID for its telemetry as soon as it is imported unless told not
    to: see agent/__init__.py."""
    home = tmp_path / "home"
    home.mkdir()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))}
    code = (
        "import sys, numpy; from pathlib import Path;"
        "from agent.vision.expression import ExpressionClassifier;"
        "c = ExpressionClassifier.load(Path(sys.argv[1]), 'int8');"
        "c.predict([numpy.zeros((48, 48, 3), numpy.uint8)])"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tiny_model)], env={**own, "HOME": str(home)}, check=True
    )
    assert [file for file in home.rglob("*") if file.is_file()] == []


def test_the_eight_bit_copy_sees_what_the_full_network_sees(demo_clip: Path) -> None:
    """On the demo's faces: nearly the same probabilities, from another file."""
    capture = cv2.VideoCapture(str(demo_clip))
    faces = []
    for at in range(0, 1200, 60):
        capture.set(cv2.CAP_PROP_POS_FRAMES, at)
        right, frame = capture.read()
        seen = np.asarray(frame, np.uint8)
        for box in FaceTracker().detect(seen)[:1] if right else []:
            faces.append(crop(seen, box))
    assert len(faces) >= 5
    full, small = (ExpressionClassifier.load(engine=engine) for engine in ("onnx", "int8"))
    gap = np.abs(full.predict(faces) - small.predict(faces)).max(axis=1)
    assert 0 < np.median(gap) < 0.05


def test_late_engine_is_loaded_with_the_first_face(tiny_model: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from agent.vision.expression import ExpressionClassifier\n"
        "c = ExpressionClassifier.load(Path(sys.argv[1]), 'int8', at_once=False)\n"
        "print('onnxruntime' in sys.modules)\n"
        "print(c.predict([np.full((9, 9), 255, np.uint8)]).argmax())\n"
        "print('onnxruntime' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_model)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["False", "6", "True"], done.stderr


def test_late_engine_still_checks_the_files_at_once(tiny_model: Path) -> None:
    tiny_model.write_bytes(tiny_model.read_bytes()[:-40])
    with pytest.raises(ModelError, match="bytes"):
        ExpressionClassifier.load(tiny_model, at_once=False)


CARD_KEYS = ["format", "name", "input", "output", "labels", "temperature", "priors", "unsure_below",
             "bytes", "sha256"]  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "size", "mean", "std"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changed=st.dictionaries(st.sampled_from(CARD_KEYS), ODD, min_size=1, max_size=3),
    raw=st.none() | st.binary(max_size=40) | st.sampled_from([b"[" * 50_000, b"9" * 6_000]),
)
def test_whatever_the_metadata_say_it_is_used_or_told(
    tiny_model: Path, changed: dict[str, object], raw: bytes | None
) -> None:
    file = tiny_model.with_suffix(".json")
    good = file.read_bytes()
    file.write_bytes(json.dumps({**json.loads(good), **changed}).encode() if raw is None else raw)
    try:
        told = ""
        ExpressionClassifier.load(tiny_model)
    except ModelError as error:
        told = error.message
    finally:
        file.write_bytes(good)
    assert told or raw is None
    assert len(told) < 2_000
