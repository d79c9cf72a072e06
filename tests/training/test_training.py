"""The loop itself, on made-up faces: it learns, it goes on where it stopped, it repeats itself."""

from __future__ import annotations

import csv
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.training import data
from agent.training.checkpoint import COLUMNS
from agent.training.export import load
from agent.training.network import NETWORKS, build, multiply_adds, parameters, predict
from agent.training.teacher import answers, taught
from agent.training.team import Team
from agent.training.train import (
    Plan,
    Stop,
    batch_rows,
    draw_chances,
    one_cycle,
    train,
)

Parts = tuple[data.Faces, data.Faces]
CPU = torch.device("cpu")
ALONE = Team(0, 1, CPU)
TINY = Plan(epochs=3, batch=16, rate=0.02, average=0.5)
ONE = """
import sys
from pathlib import Path
import torch
from agent.training import data
from agent.training.train import Plan, train
torch.set_num_threads(1)
parts = data.corpora(Path(sys.argv[1]), Path(sys.argv[2]), 0.25, 3, True)
train({plan}, *parts, Path(sys.argv[3]))
"""


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order, so that equal means equal
    yield
    torch.set_num_threads(before)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "last.pt", weights_only=True)["network"]


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


def test_a_stopped_run_ends_like_an_unbroken_one(parts: Parts, tmp_path: Path) -> None:
    train(TINY, *parts, tmp_path / "whole", quiet=True)
    for stop in (2, 5):  # within the first epoch, and in the second
        with pytest.raises(Stop):
            train(TINY, *parts, tmp_path / "broken", quiet=True, stop_after=stop)
    train(TINY, *parts, tmp_path / "broken", quiet=True)
    whole, broken = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    for key, value in whole.items():
        torch.testing.assert_close(broken[key], value, rtol=0, atol=0, msg=key)
    logs = [(tmp_path / run / "log.csv").read_text().splitlines() for run in ("whole", "broken")]
    without_time = [[line.rsplit(",", 1)[0] for line in log] for log in logs]
    assert without_time[0] == without_time[1]


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    folder: Path, parts: Parts, tmp_path: Path
) -> None:
    """SIGKILL leaves no time to write anything: what is there must do, and lead to the same end."""
    long = dataclasses.replace(TINY, epochs=12)
    script, run = tmp_path / "one.py", tmp_path / "run"
    script.write_text(ONE.format(plan=long))
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(tmp_path / "cache"), str(run)],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(1500):  # a guard against a hang, no measure of speed
            if (run / "last.pt").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    done = torch.load(run / "last.pt", weights_only=True)["step"]
    assert 0 < done < 12 * (len(parts[0]) // 16)
    train(long, *parts, run, quiet=True)
    train(long, *parts, tmp_path / "whole", quiet=True)
    for key, value in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(run)[key], value, rtol=0, atol=0, msg=key)
    epochs = [row.split(",")[0] for row in (run / "log.csv").read_text().splitlines()[1:]]
    assert epochs == [str(n + 1) for n in range(12)]  # none twice, none missing


def test_the_seed_of_the_plan_decides_everything(parts: Parts, tmp_path: Path) -> None:
    short = dataclasses.replace(TINY, epochs=1)
    for run, plan in (("a", short), ("b", short), ("c", dataclasses.replace(short, seed=8))):
        train(plan, *parts, tmp_path / run, quiet=True)
    a, b, c = (weights(tmp_path / run)["head.weight"] for run in "abc")
    torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(a, c)


def test_another_plan_may_not_go_on_in_the_same_folder(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(TINY, *parts, tmp_path, quiet=True, stop_after=1)
    with pytest.raises(data.DataError, match=r"other settings \(rate\)"):
        train(dataclasses.replace(TINY, rate=0.5), *parts, tmp_path, quiet=True)


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


TWO = """
import sys
from pathlib import Path
from agent.training import data
from agent.training.train import Plan, train
parts = data.corpora(Path(sys.argv[1]), Path(sys.argv[2]), 0.25, 3, True)
train(Plan(epochs=2, batch=16, rate=0.02), *parts, Path(sys.argv[3]))
"""


def test_two_processes_train_one_network(folder: Path, parts: Parts, tmp_path: Path) -> None:
    """torchrun with two processes over gloo: the same loop, one log, one checkpoint."""
    script, cache = tmp_path / "two.py", tmp_path / "cache"
    script.write_text(TWO)
    data.corpora(folder, cache, 0.25, 3, True)  # decoded before two want to
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(script), str(folder), str(cache), str(tmp_path / "run"),
        ],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert len(rows) == 3
    kept = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    faces = len(parts[0]) // 16 * 16
    assert kept["step"] == 2 * faces // 16
    assert done.stdout.count("epoch 1:") == 1  # one process speaks


# --- teachers -------------------------------------------------------------------------------------


def test_teachers_answer_with_the_mean_of_face_and_mirror_image(tmp_path: Path) -> None:
    files = [checkpoint_of(tmp_path / f"{seed}.pt", seed) for seed in (1, 2)]
    faces = np.random.default_rng(3).integers(0, 256, (5, data.SIZE, data.SIZE), np.uint8)
    both = answers(files, faces, CPU)
    assert both.shape == (5, 2, data.CLASSES)
    assert np.allclose(both.sum(axis=2), 1, atol=1e-5)
    assert np.allclose(
        both, answers(files, np.ascontiguousarray(faces[:, :, ::-1]), CPU), atol=1e-5
    )
    alone = [answers([file], faces, CPU) for file in files]
    assert np.allclose(both, (alone[0] + alone[1]) / 2, atol=1e-6)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


def test_the_share_says_how_much_the_teachers_count(parts: Parts, tmp_path: Path) -> None:
    files = [checkpoint_of(tmp_path / "best.pt", 1)]
    faces = parts[1]
    lessons = answers(files, faces.pictures, CPU)
    assert np.allclose(taught(faces, files, 1.0, ALONE).targets, lessons)
    half = taught(faces, files, 0.5, ALONE)
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


def test_a_network_with_one_head_cannot_teach(parts: Parts, tmp_path: Path) -> None:
    one_headed = checkpoint_of(tmp_path / "best.pt", 1, "seed")
    with pytest.raises(data.DataError, match="one head"):
        taught(parts[1], [one_headed], 0.5, ALONE)


def checkpoint_of(file: Path, seed: int, name: str = "moodnet") -> Path:
    """A checkpoint of random weights whose answers are far from even."""
    torch.manual_seed(seed)
    network = build(name)
    with torch.no_grad():
        for bias in [p for n, p in network.named_parameters() if n.startswith("head.")][-1:]:
            bias.normal_(0, 2)
    torch.save({"plan": {"network": name}, "state": network.state_dict()}, file)
    return file
