"""What is shipped: one small file that gives the same answers in every engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from agent.errors import ModelError
from agent.training import checkpoint, data, metrics
from agent.training.checkpoint import load
from agent.training.evaluate import label_head
from agent.training.export import Blend, ShippedNetwork, export
from agent.training.network import build, predict
from agent.types import EMOTIONS
from agent.vision.expression import Engine, ExpressionClassifier, normalise
from agent.vision.torch_engine import TorchSession

Parts = tuple[data.Faces, data.Faces]
BLEND = Blend(votes=0.7, lift=0.3)  # as the fixture ``made`` exports


def batch(n: int) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 1, (n, 1, 48, 48)).astype(np.float32)


def test_metadata_describe_the_file(made: tuple[Path, dict[str, Any]]) -> None:
    folder, meta = made
    content = (folder / "emotion.onnx").read_bytes()
    kept = json.loads((folder / "emotion.json").read_text())
    assert kept == meta
    assert kept["format"] == 1
    assert kept["labels"] == list(EMOTIONS)
    assert kept["bytes"] == len(content)
    assert kept["sha256"] == hashlib.sha256(content).hexdigest()
    assert kept["input"] == {"name": "faces", "size": 48, "mean": 0.5, "std": 0.5}
    assert kept["output"] == "logits"
    assert sum(kept["priors"]) == pytest.approx(1, abs=1e-3)
    assert 0 <= kept["unsure_below"] <= 1
    assert sorted(p.name for p in folder.iterdir()) == ["emotion.json", "emotion.onnx", "run"]
    assert kept["opset"] == 17
    session = onnxruntime.InferenceSession(content)
    assert session.get_inputs()[0].shape == ["n", 1, 48, 48]
    heads = ["logits", "fer_label"] if kept["network"] == "moodnet" else ["logits"]
    assert [output.name for output in session.get_outputs()] == heads
    assert [output.shape for output in session.get_outputs()] == [["n", 7]] * len(heads)
    assert kept.get("label_output") == (heads[1] if len(heads) == 2 else None)
    assert ("label_temperature" in kept) == (len(heads) == 2)


def test_torch_and_onnx_agree(made: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = made
    session = onnxruntime.InferenceSession(str(folder / "emotion.onnx"))
    engine = TorchSession(folder / "emotion.onnx")
    for n in (1, 5):
        faces = batch(n)
        (there,) = session.run(["logits"], {"faces": faces})
        here = engine.run(faces)
        assert here.dtype == np.float32
        assert here.shape == (n, 7)
        np.testing.assert_allclose(here, there, atol=1e-4)


def test_the_file_is_the_trained_network_with_its_heads_blended(
    made: tuple[Path, dict[str, Any]], parts: Parts
) -> None:
    folder, _ = made
    _, network = load(folder / "run" / "best.pt")
    pictures = parts[1].pictures
    heads = predict(network, pictures, torch.device("cpu"))
    share = np.array([0.7, 0.3] if heads.shape[1] == 2 else [1.0], np.float32)
    wanted = np.einsum("h,nhc->nc", share, heads) - 0.3 * np.log(data.shares(parts[0]))
    normalised = ((pictures / 255 - 0.5) / 0.5).astype(np.float32)[:, None]
    file = folder / "emotion.onnx"
    np.testing.assert_allclose(TorchSession(file).run(normalised), wanted, atol=1e-3)
    if heads.shape[1] == 2:
        own = TorchSession(file, "fer_label").run(normalised)
        np.testing.assert_allclose(own, heads[:, 1], atol=1e-3)
        assert np.abs(own - wanted).max() > 0.01


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_the_label_head_has_a_temperature_of_its_own(
    made: tuple[Path, dict[str, Any]], parts: Parts
) -> None:
    folder, meta = made
    network = load(folder / "run" / "best.pt")[1]
    logits = predict(network, parts[1].pictures, torch.device("cpu"))[:, 1]
    wanted = metrics.fit_temperature(logits, parts[1].label)
    assert meta["label_temperature"] == pytest.approx(wanted, abs=2e-3)
    own = label_head(folder / "emotion.onnx", meta)
    assert own is not None
    shares = own.predict(list(parts[1].pictures))
    np.testing.assert_allclose(shares, metrics.softmax(logits, wanted), atol=2e-3)


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_the_torch_engine_runs_nothing_but_the_output_it_is_asked_for(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """The second output may hold layers that the engine does not know, and may stand first."""
    graph = onnx.load(str(made[0] / "emotion.onnx"))
    wanted = TorchSession(made[0] / "emotion.onnx").run(batch(3))
    graph.graph.node.append(onnx.helper.make_node("Erf", ["fer_label"], ["odd"]))
    graph.graph.output.insert(0, onnx.helper.make_tensor_value_info("odd", 1, ["n", 7]))
    onnx.save(graph, str(tmp_path / "odd.onnx"))
    np.testing.assert_array_equal(TorchSession(tmp_path / "odd.onnx").run(batch(3)), wanted)
    with pytest.raises(ModelError, match="does not know \\(Erf\\)"):
        TorchSession(tmp_path / "odd.onnx", "odd")
    with pytest.raises(ModelError, match="no output 'smell'"):
        TorchSession(tmp_path / "odd.onnx", "smell")


def test_the_priors_are_the_mean_answer_of_the_written_file(
    made: tuple[Path, dict[str, Any]], parts: Parts
) -> None:
    """The mood filter divides by what the file itself says on average, not by the labels."""
    folder, meta = made
    answers = ExpressionClassifier.load(folder / "emotion.onnx").predict(list(parts[1].pictures))
    np.testing.assert_allclose(meta["priors"], answers.mean(axis=0), atol=1e-4)
    assert np.abs(np.array(meta["priors"]) - data.shares(parts[0])).max() > 0.01


def test_the_shipped_network_answers_alike_in_both_engines() -> None:
    rng = np.random.default_rng(11)
    coarse = rng.integers(0, 256, (40, 7, 7), np.uint8)
    faces = [cv2.resize(one, (48, 48), interpolation=cv2.INTER_CUBIC) for one in coarse]
    faces += [cv2.resize(one, (90, 130), interpolation=cv2.INTER_CUBIC) for one in coarse[:5]]
    there, here = (
        ExpressionClassifier.load(engine=engine).predict(faces) for engine in ("onnx", "torch")
    )
    assert np.ptp(there, axis=0).max() > 0.2  # the faces do differ to the network
    np.testing.assert_allclose(here, there, atol=1e-4)


def test_a_failed_export_leaves_what_was_there(
    made: tuple[Path, dict[str, Any]], parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "emotion.onnx"
    target.write_bytes(b"the one before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.training.export.write_metadata", full)
    with pytest.raises(OSError, match="No space left"):
        export(made[0] / "run" / "best.pt", parts[1], data.shares(parts[0]), target)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["emotion.onnx"]
    assert target.read_bytes() == b"the one before"


def test_the_run_time_reads_it_with_both_engines(
    made: tuple[Path, dict[str, Any]], parts: Parts
) -> None:
    folder, _ = made
    faces = list(parts[1].pictures[:9])
    answers = [
        ExpressionClassifier.load(folder / "emotion.onnx", engine).predict(faces)
        for engine in ("onnx", "torch")
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
    np.testing.assert_allclose(answers[0].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_both_engines_check_the_file_that_they_are_given(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, engine: Engine
) -> None:
    for ending in (".onnx", ".json"):
        shutil.copy(made[0] / f"emotion{ending}", tmp_path / f"other{ending}")
    faces = [np.zeros((48, 48), np.uint8)]
    there = ExpressionClassifier.load(tmp_path / "other.onnx", engine).predict(faces)
    assert there.shape == (1, 7)
    with (tmp_path / "other.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="checksums differ"):
        ExpressionClassifier.load(tmp_path / "other.onnx", engine)


def test_export_is_the_same_file_every_time(
    made: tuple[Path, dict[str, Any]], parts: Parts, tmp_path: Path
) -> None:
    folder, meta = made
    again = export(
        folder / "run" / "best.pt", parts[1], data.shares(parts[0]), tmp_path / "x.onnx", BLEND
    )
    assert again["sha256"] == meta["sha256"]


def test_lifting_favours_the_rare() -> None:
    priors = np.array([0.1, 0.01, 0.03, 0.3, 0.1, 0.1, 0.36])
    network = build("moodnet")
    assert isinstance(network.head, torch.nn.Linear)
    before = network.head.bias.detach().clone()
    shipped = ShippedNetwork(network, Blend(lift=0.5), priors)
    lifted = shipped.answer.bias.detach()
    assert lifted.shape == (7,)
    assert int((lifted - before[:7]).argmax()) == 1
    assert int((lifted - before[:7]).argmin()) == 6
    assert shipped.label is not None
    assert torch.equal(shipped.label.bias, before[7:])  # the label's own head stays as it was


def test_bad_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match="Train first"):
        load(tmp_path / "best.pt")
    (tmp_path / "best.pt").write_bytes(b"torn")
    with pytest.raises(data.DataError, match="no checkpoint"):
        load(tmp_path / "best.pt")
    with pytest.raises(ModelError, match="cannot be read"):
        TorchSession(tmp_path / "emotion.onnx")
    (tmp_path / "emotion.onnx").write_bytes(b"\xff\xff torn")
    with pytest.raises(ModelError, match="damaged"):
        TorchSession(tmp_path / "emotion.onnx")


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_an_eight_bit_copy_answers_much_alike(
    made: tuple[Path, dict[str, Any]], parts: Parts, tmp_path: Path
) -> None:
    from agent.training.quantise import Comparison, compare, quantise

    folder, meta = made
    copy = tmp_path / "int8.onnx"
    quantise(folder / "emotion.onnx", copy, *parts, faces=40)
    assert sorted(p.name for p in tmp_path.glob("int8*")) == ["int8.json", "int8.onnx"]
    assert copy.stat().st_size < meta["bytes"] / 2
    faces = list(parts[1].pictures)
    full = ExpressionClassifier.load(folder / "emotion.onnx").predict(faces)
    eight = ExpressionClassifier.load(copy, "int8").predict(faces)
    assert np.abs(full - eight).mean() < 0.05
    verdict = compare(folder / "emotion.onnx", copy, parts[1])
    assert verdict.ms > 0
    assert verdict.ms_int8 > 0
    assert Comparison(0.8, 0.798, 2.0, 1.0).pays
    assert not Comparison(0.8, 0.796, 2.0, 1.0).pays
    assert not Comparison(0.8, 0.8, 2.0, 2.1).pays


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_an_eight_bit_copy_is_calibrated_on_its_own_answers(
    made: tuple[Path, dict[str, Any]], parts: Parts, tmp_path: Path
) -> None:
    from agent.training.quantise import quantise

    copy = tmp_path / "int8.onnx"
    # Faces that are all black show a wrong range: the copy answers quite unlike the full network.
    black = dataclasses.replace(parts[0], pictures=np.zeros_like(parts[0].pictures))
    quantise(made[0] / "emotion.onnx", copy, black, parts[1], faces=40)
    meta, full = json.loads(copy.with_suffix(".json").read_text()), made[1]
    assert meta["source_sha256"] == full["sha256"] != meta["sha256"]
    assert {**full, **meta}.keys() == {*full, "source_sha256"}
    answers = ExpressionClassifier.load(copy, "int8").predict(list(parts[1].pictures))
    np.testing.assert_allclose(meta["priors"], answers.mean(axis=0), atol=1e-4)
    known = parts[1].plurality >= 0
    truth = parts[1].plurality[known]
    own = metrics.figures(answers[known], truth)
    assert meta["validation"]["loss"] == pytest.approx(own["loss"], abs=2e-4)
    unsure = metrics.fit_unsure(answers[known], truth)
    assert meta["unsure_below"] == pytest.approx(unsure, abs=2e-3)
    assert meta["validation"]["loss"] != full["validation"]["loss"]
    assert meta["priors"] != full["priors"]
    session = onnxruntime.InferenceSession(copy.read_bytes())
    logits, label = session.run(None, {"faces": normalise(parts[1].pictures)})
    assert meta["temperature"] == metrics.fit_temperature(logits[known], truth)
    assert meta["label_temperature"] == metrics.fit_temperature(label, parts[1].label)


def test_weights_of_two_networks_can_be_mixed(tmp_path: Path) -> None:
    torch.manual_seed(1)
    files = [tmp_path / name for name in ("one.pt", "other.pt", "mixed.pt")]
    states = [build("moodnet").state_dict() for _ in range(2)]
    for file, state in zip(files, states, strict=False):
        checkpoint.write({"plan": {"network": "moodnet"}, "state": state}, file)
    checkpoint.mix(files[0], [(files[1], 0.25)], files[2])
    name, mixed = checkpoint.load(files[2])
    assert name == "moodnet"
    for key, value in mixed.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * states[0][key] + 0.25 * states[1][key])


def test_a_mix_that_cannot_be_is_refused(tmp_path: Path) -> None:
    files = {}
    for name in ("moodnet", "seed"):
        files[name] = tmp_path / f"{name}.pt"
        state = build(name).state_dict()
        checkpoint.write({"plan": {"network": name}, "state": state}, files[name])
    with pytest.raises(data.DataError, match="the network seed"):
        checkpoint.mix(files["moodnet"], [(files["seed"], 0.5)], tmp_path / "mixed.pt")
    for share in (1.0, 0.0, float("nan")):
        with pytest.raises(data.DataError, match="--mix"):
            checkpoint.mix(files["moodnet"], [(files["moodnet"], share)], tmp_path / "mixed.pt")
