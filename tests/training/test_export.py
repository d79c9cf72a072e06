"""What is shipped: one small file that gives the same answers in every engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from agent.errors import ModelError
from agent.training import data
from agent.training.evaluate import evaluate
from agent.training.export import Blend, OneHead, export, load
from agent.training.torch_engine import TorchSession
from agent.training.train import SEED_PLAN, Plan, predict, train
from agent.types import EMOTIONS
from agent.vision.expression import ExpressionClassifier

Parts = tuple[data.Faces, data.Faces]
BLEND = Blend(votes=0.7, lift=0.3)


@pytest.fixture(scope="module", params=["moodnet", "seed"])
def made(request, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """(folder with emotion.onnx, its metadata) of a briefly trained network."""
    folder = tmp_path_factory.mktemp(request.param)
    plan = SEED_PLAN if request.param == "seed" else Plan()
    train(dataclasses.replace(plan, epochs=2, batch=16), *parts, folder / "run", quiet=True)
    priors = data.shares(parts[0])
    target = folder / "emotion.onnx"
    return folder, export(folder / "run" / "best.pt", parts[1], priors, target, BLEND)


def batch(n: int) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 1, (n, 1, 48, 48)).astype(np.float32)


def test_metadata_describe_the_file(made: tuple[Path, dict]) -> None:
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


def test_torch_and_onnx_agree(made: tuple[Path, dict]) -> None:
    folder, _ = made
    session = onnxruntime.InferenceSession(str(folder / "emotion.onnx"))
    engine = TorchSession(folder)
    for n in (1, 5):
        faces = batch(n)
        (there,) = session.run(["logits"], {"faces": faces})
        here = engine.run(faces)
        assert here.dtype == np.float32
        assert here.shape == (n, 7)
        np.testing.assert_allclose(here, there, atol=1e-4)


def test_the_file_is_the_trained_network_with_its_heads_blended(
    made: tuple[Path, dict], parts: Parts
) -> None:
    folder, _ = made
    _, network = load(folder / "run" / "best.pt")
    pictures = parts[1].pictures
    heads = predict(network, pictures, torch.device("cpu"))
    share = np.array([0.7, 0.3] if heads.shape[1] == 2 else [1.0], np.float32)
    wanted = np.einsum("h,nhc->nc", share, heads) - 0.3 * np.log(data.shares(parts[0]))
    normalised = ((pictures.astype(np.float32) / 255 - 0.5) / 0.5)[:, None]
    np.testing.assert_allclose(TorchSession(folder).run(normalised), wanted, atol=1e-3)


def test_the_run_time_reads_it_with_both_engines(made: tuple[Path, dict], parts: Parts) -> None:
    folder, _ = made
    faces = list(parts[1].pictures[:9])
    answers = [
        ExpressionClassifier.load(folder / "emotion.onnx", engine).predict(faces)
        for engine in ("onnx", "torch")
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
    np.testing.assert_allclose(answers[0].sum(axis=1), 1, atol=1e-5)


def test_export_is_the_same_file_every_time(
    made: tuple[Path, dict], parts: Parts, tmp_path: Path
) -> None:
    folder, meta = made
    again = export(
        folder / "run" / "best.pt", parts[1], data.shares(parts[0]), tmp_path / "x.onnx", BLEND
    )
    assert again["sha256"] == meta["sha256"]


def test_lifting_favours_the_rare() -> None:
    from agent.training.network import build

    priors = np.array([0.1, 0.01, 0.03, 0.3, 0.1, 0.1, 0.36])
    plain = OneHead(build("moodnet"), Blend(), priors).network.head.bias
    torch.manual_seed(0)
    a = build("moodnet")
    before = a.head.bias.detach()[:7].clone()
    lifted = OneHead(a, Blend(lift=0.5), priors).network.head.bias.detach()
    assert plain.shape == (7,)
    assert int((lifted - before).argmax()) == 1
    assert int((lifted - before).argmin()) == 6


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_evaluate_writes_a_row_a_test_set(
    made: tuple[Path, dict], folder: Path, tmp_path: Path
) -> None:
    place, meta = made
    result = evaluate(
        place / "emotion.onnx", folder, tmp_path, tmp_path / "figures", place / "run" / "log.csv"
    )
    assert result["model"]["sha256"] == meta["sha256"]
    rows = {row["set"]: row for row in result["rows"]}
    assert rows["ferplus"]["count"] == 42
    assert rows["ferplus, no twins"]["count"] == 41
    assert rows["fer label"]["count"] == 42
    assert set(rows) >= {"ferplus, gamma 0.4", "ferplus, gamma 2.5", "ferplus, 24 px"}
    assert rows["muxspace, held-out persons"]["count"] > 0
    for row in rows.values():
        assert {"accuracy", "macro_recall", "macro_f1", "loss", "ece", "count"} <= set(row)
    figures = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert figures == [
        "confusion-fer-label.png", "confusion-ferplus.png", "learning-curves.png",
        "reliability-fer-label.png", "reliability-ferplus.png",
    ]  # fmt: skip


def test_bad_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match="Train first"):
        load(tmp_path / "best.pt")
    (tmp_path / "best.pt").write_bytes(b"torn")
    with pytest.raises(data.DataError, match="no checkpoint"):
        load(tmp_path / "best.pt")
    with pytest.raises(ModelError, match="cannot be read"):
        TorchSession(tmp_path)
    (tmp_path / "emotion.onnx").write_bytes(b"\xff\xff torn")
    with pytest.raises(ModelError, match="damaged"):
        TorchSession(tmp_path)


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_an_eight_bit_copy_answers_much_alike(
    made: tuple[Path, dict], parts: Parts, tmp_path: Path
) -> None:
    from agent.training.quantise import Verdict, compare, quantise

    folder, meta = made
    copy = tmp_path / "int8.onnx"
    quantise(folder / "emotion.onnx", copy, parts[0], faces=40)
    assert copy.stat().st_size < meta["bytes"] / 2
    faces = list(parts[1].pictures)
    full = ExpressionClassifier.load(folder / "emotion.onnx").predict(faces)
    eight = ExpressionClassifier.load(copy).predict(faces)
    assert np.abs(full - eight).mean() < 0.05
    verdict = compare(folder / "emotion.onnx", copy, parts[1])
    assert verdict.ms > 0
    assert verdict.ms_int8 > 0
    assert Verdict(0.8, 0.798, 2.0, 1.0).pays
    assert not Verdict(0.8, 0.796, 2.0, 1.0).pays
    assert not Verdict(0.8, 0.8, 2.0, 2.1).pays
