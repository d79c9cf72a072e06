"""Other networks on the same faces: layout, size, scaling and order of classes are honoured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agent.training import metrics, model_card, plots
from agent.training.baselines import load
from agent.training.data import DataError
from agent.types import EMOTIONS

ORDER = ("neutral", "contempt", "sad", "happy", "angry", "surprise", "fear", "disgust")


def write_rival(
    folder: Path, shape: list[Any], model_card: dict[str, Any], outputs: int = len(ORDER)
) -> Path:
    """A network that answers each class with its own multiple of the face's mean, and its data."""
    last = shape[3] in (1, 3)
    file = folder / "rival.onnx"
    weights = np.arange(1, outputs + 1, dtype=np.float32)[None]
    nodes = [
        helper.make_node("ReduceMean", ["faces"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("MatMul", ["column", "weights"], ["answer"]),
        helper.make_node("Identity", ["weights"], ["other"]),
    ]
    graph = helper.make_graph(
        nodes, "rival",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("answer", TensorProto.FLOAT, [shape[0], outputs]),
            helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, outputs]),
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(file))
    file.with_suffix(".json").write_text(json.dumps({"labels": ORDER, **model_card}))
    assert last == (shape[1] not in (1, 3))
    return file


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (["n", 64, 64, 1], (64, 1, True)),
        (["n", 1, 64, 64], (64, 1, False)),
        ([1, 3, 40, 40], (40, 3, False)),
        (["n", "h", "w", 3], (56, 3, True)),
    ],
)
def test_size_and_layout_are_read_from_the_file(
    tmp_path: Path, shape: list[Any], expected: tuple[int, int, bool]
) -> None:
    file = write_rival(tmp_path, shape, {"input": {"mean": 0.5, "std": 0.25, "size": 56}})
    rival = load(f"odd={file}")
    assert rival.shape == expected
    faces = [np.full((48, 48), tone, np.uint8) for tone in (255, 51, 204)]
    shares = rival.predict([*faces, np.full((24, 24), 255, np.uint8)])
    means = np.array([(1 - 0.5) / 0.25, (0.2 - 0.5) / 0.25, (0.8 - 0.5) / 0.25, 2])
    logits = means[:, None] * np.array([ORDER.index(name) + 1 for name in EMOTIONS])
    np.testing.assert_allclose(shares, metrics.softmax(logits), atol=1e-5)


def test_probabilities_are_taken_as_they_are_without_the_foreign_classes(tmp_path: Path) -> None:
    file = write_rival(tmp_path, ["n", 1, 48, 48], {"probabilities": True})
    shares = load(f"odd={file}").predict([np.full((48, 48), 255, np.uint8)])
    numbers = np.array([ORDER.index(name) + 1 for name in EMOTIONS], float)
    np.testing.assert_allclose(shares[0], numbers / numbers.sum(), atol=1e-6)


def test_mistakes_name_the_file_and_what_is_needed(tmp_path: Path) -> None:
    file = write_rival(tmp_path, ["n", 1, "h", "w"], {})
    sidecar = file.with_suffix(".json")
    with pytest.raises(DataError, match="give it in its JSON file"):
        load(f"odd={file}")
    for content, words in (
        ('{"labels": ["happy"]}', "lack angry, disgust"),
        ("{", "cannot be read"),
        (json.dumps({"labels": ORDER, "input": {"std": 0}}), "'input.std'"),
        (json.dumps({"labels": ORDER, "output": "smell"}), "not 'smell'"),
    ):
        sidecar.write_text(content)
        with pytest.raises(DataError, match=words):
            load(f"odd={file}")
    sidecar.unlink()
    with pytest.raises(DataError, match="must name the rival's labels"):
        load(f"odd={file}")
    with pytest.raises(DataError, match="is not NAME=FILE"):
        load(str(file))
    with pytest.raises(DataError, match="There is no network"):
        load("odd=nowhere.onnx")
    file.write_bytes(b"torn")
    sidecar.write_text(json.dumps({"labels": ORDER}))
    with pytest.raises(DataError, match="cannot load the rival"):
        load(f"odd={file}")
    nine = write_rival(tmp_path, ["n", 1, 48, 48], {}, outputs=9)
    with pytest.raises(DataError, match="9 numbers a face"):
        load(f"odd={nine}")


def write_odd(file: Path, kind: int, shape: list[Any], nodes: list[Any], extra: int = 0) -> None:
    """A network ``faces`` -> ``answer`` of the given nodes, with ``extra`` further inputs."""
    entries = [helper.make_tensor_value_info("faces", kind, shape)]
    entries += [helper.make_tensor_value_info(f"more{i}", kind, shape) for i in range(extra)]
    graph = helper.make_graph(
        nodes, "odd", entries, [helper.make_tensor_value_info("answer", kind, None)],
        [numpy_helper.from_array(np.array([1, 8], np.int64), "one_row")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(file))
    file.with_suffix(".json").write_text(json.dumps({"labels": ORDER}))


def test_a_network_that_cannot_be_asked_is_refused_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    file = tmp_path / "odd.onnx"
    same = [helper.make_node("Identity", ["faces"], ["answer"])]
    whole = [helper.make_node("ReduceMean", ["faces"], ["answer"], keepdims=0)]
    rows = [helper.make_node("ReduceMean", ["faces"], ["answer"], axes=[0, 1], keepdims=0)]
    fixed = [
        helper.make_node("ReduceMean", ["faces"], ["m"], axes=[2], keepdims=0),
        helper.make_node("Reshape", ["m", "one_row"], ["answer"]),
    ]
    open_ = ["n", 1, 48, 48]
    for kind, shape, nodes, extra, words in (
        (TensorProto.DOUBLE, open_, same, 0, "tensor\\(double\\); needed is .* float32"),
        (TensorProto.FLOAT, open_, same, 1, "faces: .*, more0: .*; needed is a single"),
        (TensorProto.FLOAT, [2, 1, 48, 48], same, 0, "takes 2 faces at a time"),
        (TensorProto.FLOAT, open_, whole, 0, "answers 1 faces with the shape \\[\\]"),
        (TensorProto.FLOAT, open_, rows, 0, "answers 1 faces with the shape \\[48, 48\\]"),
        (TensorProto.FLOAT, ["n", 1, 8, 8], fixed, 0, "refuses 3 faces"),
    ):
        write_odd(file, kind, shape, nodes, extra)
        with pytest.raises(DataError, match=words):
            load(f"odd={file}")


def test_a_keras_file_without_tensorflow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keras", None)
    (tmp_path / "net.hdf5").write_bytes(b"")
    (tmp_path / "net.json").write_text(json.dumps({"labels": ORDER}))
    with pytest.raises(DataError, match="pip install tensorflow-cpu"):
        load(f"xception={tmp_path / 'net.hdf5'}")


def test_the_front_is_what_nobody_beats() -> None:
    points = [(2.0, 80.0), (0.4, 65.0), (9.0, 66.0), (2.0, 70.0), (2.0, 80.0)]
    assert metrics.best_trades(points) == [True, True, False, False, True]


def network(
    name: str, ms: float, ferplus: float, label: float, own: float | None = None
) -> dict[str, Any]:
    def row(accuracy: float) -> dict[str, float]:
        return {"accuracy": accuracy, "macro_recall": 0.5, "ece": 0.02}

    sets = {"ferplus": row(ferplus), "fer label": row(label)}
    if own is not None:
        sets["fer label, own head"] = row(own)
    return {"name": name, "source": "", "bytes": 1_000_000, "ms": ms, "sets": sets}


def test_the_front_as_a_table_and_a_picture(tmp_path: Path) -> None:
    networks = [network("ours", 2, 0.8, 0.6, 0.7), network("small", 0.5, 0.6, 0.65),
                network("big", 9, 0.7, 0.72)]  # fmt: skip
    front = {"sha256": "a" * 64, "networks": networks}
    text = model_card.front_block(front, "a" * 64)
    assert "| ours | 1.00 | 2.00 | 1.00 | 80.0 | 50.0 | 0.020 | 60.0 (own head 70.0) " in text
    assert "| small | 1.00 | 0.50 | 0.25 | 60.0 | 50.0 | 0.020 | 65.0 | FER+, FER label |" in text
    assert "| big | 1.00 | 9.00 | 4.50 | 70.0 | 50.0 | 0.020 | 72.0 | FER label |" in text
    assert "is the same file as above" in text
    assert "an **earlier** file" in model_card.front_block(front, "b" * 64)
    plots.front(networks, tmp_path / "front.png")
    assert (tmp_path / "front.png").read_bytes()[:4] == b"\x89PNG"
