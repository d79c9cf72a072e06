"""The loop itself, on made-up faces: it learns, it goes on where it stopped, it repeats itself."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.training import data
from agent.training.checkpoint import COLUMNS, load
from agent.training.distillation import answers, taught
from agent.training.distillation import load as load_teachers
from agent.training.distributed import Team
from agent.training.network import NETWORKS, build, multiply_adds, parameters, predict
from agent.training.train import (
    SEED_PLAN,
    Plan,
    batch_rows,
    draw_chances,
    one_cycle,
    train,
)
from tests.training.runs import CPU, TINY, Parts, weights

pytestmark = pytest.mark.usefixtures("one_thread")
ALONE = Team(0, 1, CPU)


def test_networks_are_what_they_are_said_to_be() -> None:
    seed, ours = build("seed"), build("moodnet")
    assert parameters(seed) == 4_967_047
    assert parameters(ours) <= 2_000_000
    assert multiply_adds(seed) == 111_557_632
    assert multiply_adds(ours) < multiply_adds(seed)
    for name in NETWORKS:
        shape = build(name).eval()(torch.zeros(3, 1, 48, 48)).shape
        assert shape == (3, 1 if name == "seed" else 2, 7)


def test_the_network_learns_the_made_up_faces(parts: Parts, tmp_path: Path) -> None:
    plan = Plan(epochs=8, batch=16, rate=0.05, augmented=0, mixup=0, average=0.5, small_first=False)
    train(plan, *parts, tmp_path, quiet=True)
    with (tmp_path / "log.csv").open() as text:
        rows = list(csv.DictReader(text))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 8
    assert float(rows[-1]["validation_accuracy"]) > 0.6  # chance is 0.14
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    name, network = load(tmp_path / "best.pt")
    known = parts[1].plurality >= 0
    logits = predict(network, parts[1].pictures[known], CPU)[:, 0]
    right = (logits.argmax(axis=1) == parts[1].plurality[known]).mean()
    best = min(rows, key=lambda row: float(row["validation_loss"]))
    assert name == "moodnet"
    assert right == pytest.approx(float(best["validation_accuracy"]), abs=1e-5)


def test_the_seed_of_the_plan_decides_everything(parts: Parts, tmp_path: Path) -> None:
    short = dataclasses.replace(TINY, epochs=1)
    for run, plan in (("a", short), ("b", short), ("c", dataclasses.replace(short, seed=8))):
        train(plan, *parts, tmp_path / run, quiet=True)
    a, b, c = (weights(tmp_path / run)["head.weight"] for run in "abc")
    torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(a, c)


def test_a_network_of_one_head_learns_from_faces_with_one_label(
    parts: Parts, tmp_path: Path
) -> None:
    """Most corpora have no votes; the network that the project began with has no other head."""
    named = parts[0].take(parts[0].label >= 0)
    weights = np.stack([np.zeros(len(named)), np.ones(len(named))], axis=1).astype(np.float32)
    unvoted = dataclasses.replace(named, plurality=np.full(len(named), -1), weights=weights)
    plan = dataclasses.replace(SEED_PLAN, epochs=1, batch=16)
    train(plan, unvoted, parts[1], tmp_path, quiet=True)
    with (tmp_path / "log.csv").open() as text:
        (row,) = csv.DictReader(text)
    assert float(row["train_loss"]) == pytest.approx(np.log(7), rel=0.3)  # that of not knowing
    assert float(row["rate"]) == SEED_PLAN.rate


def test_every_face_comes_once_an_epoch_without_balance() -> None:
    chances = np.full(70, 1 / 70)
    plan = Plan(batch=32)
    rows = np.concatenate([batch_rows(plan, chances, 4, place) for place in range(3)])
    assert sorted(rows) == list(range(70))
    assert not np.array_equal(
        rows, np.concatenate([batch_rows(plan, chances, 5, p) for p in range(3)])
    )


def test_balance_draws_rare_classes_more_often(parts: Parts) -> None:
    label = np.repeat([3, 1], [90, 10])
    faces = data.Faces(
        np.zeros((100, 48, 48), np.uint8), np.zeros((100, 2, 7), np.float32),
        np.ones((100, 2), np.float32), label, label, np.arange(100),
    )  # fmt: skip
    drawn = draw_chances(faces, 0.5)
    assert drawn.sum() == pytest.approx(1)
    assert drawn[-1] / drawn[0] == pytest.approx(3.0)  # (90 / 10) ** 0.5
    assert draw_chances(faces, 0)[-1] == pytest.approx(0.01)


def test_the_rate_rises_and_falls_once() -> None:
    rates = np.array([one_cycle(p, 0.1, 0.2) for p in np.linspace(0, 1, 101)])
    assert rates.argmax() == 20
    assert rates.max() == pytest.approx(0.1)
    assert (np.diff(rates[:21]) > 0).all()
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[-1] < 0.001


# --- teachers -------------------------------------------------------------------------------------


def test_teachers_answer_with_the_mean_of_face_and_mirror_image(tmp_path: Path) -> None:
    files = [checkpoint_of(tmp_path / f"{seed}.pt", seed) for seed in (1, 2)]
    faces = np.random.default_rng(3).integers(0, 256, (5, data.SIZE, data.SIZE), np.uint8)
    both = answers(load_teachers(files), faces, CPU)
    assert both.shape == (5, 2, data.CLASSES)
    assert np.allclose(both.sum(axis=2), 1, atol=1e-5)
    assert np.allclose(
        both, answers(load_teachers(files), np.ascontiguousarray(faces[:, :, ::-1]), CPU), atol=1e-5
    )
    alone = [answers(load_teachers([file]), faces, CPU) for file in files]
    assert np.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-6)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


def test_the_share_says_how_much_the_teachers_count(parts: Parts, tmp_path: Path) -> None:
    teachers = load_teachers([checkpoint_of(tmp_path / "best.pt", 1)])
    faces = parts[1]
    lessons = answers(teachers, faces.pictures, CPU)
    assert np.allclose(taught(faces, teachers, 1.0, ALONE).targets, lessons)
    half = taught(faces, teachers, 0.5, ALONE)
    assert np.allclose(half.targets, (faces.targets + lessons) / 2, atol=1e-6)
    assert np.array_equal(half.weights, faces.weights)  # what nobody labelled stays unlabelled
    assert taught(faces, [], 0.5, ALONE) is faces


def test_a_student_comes_nearer_to_its_teacher(parts: Parts, tmp_path: Path) -> None:
    teacher = checkpoint_of(tmp_path / "teacher.pt", 5)
    network = load(teacher)[1]

    def gap(name: str, plan: Plan) -> float:
        train(plan, *parts, tmp_path / name, quiet=True)
        student = load(tmp_path / name / "last.pt")[1]
        said = [
            torch.from_numpy(predict(each, parts[1].pictures, CPU)).softmax(dim=2)
            for each in (student, network)
        ]
        return float((said[0] - said[1]).abs().mean())

    alone = dataclasses.replace(TINY, epochs=8, rate=0.1, augmented=0.0, small_first=False)
    led = dataclasses.replace(alone, teachers=(str(teacher),), teachers_share=1.0)
    assert gap("led", led) < 0.6 * gap("alone", alone)
    train(led, *parts, tmp_path / "led", quiet=True)  # the same plan goes on: nothing is left to do


def test_a_network_with_one_head_cannot_teach(tmp_path: Path) -> None:
    one_headed = checkpoint_of(tmp_path / "best.pt", 1, "seed")
    with pytest.raises(data.DataError, match="one head"):
        load_teachers([one_headed])


def checkpoint_of(file: Path, seed: int, name: str = "moodnet") -> Path:
    """A checkpoint of random weights whose answers are far from even."""
    torch.manual_seed(seed)
    network = build(name)
    with torch.no_grad():
        for bias in [p for n, p in network.named_parameters() if n.startswith("head.")][-1:]:
            bias.normal_(0, 2)
    torch.save({"plan": {"network": name}, "state": network.state_dict()}, file)
    return file
