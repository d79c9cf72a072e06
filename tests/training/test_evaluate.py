"""The rows of evaluate: every test set, both heads, the hardships drawn onto the faces."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.training import corruptions, data, model_card
from agent.training.baselines import load
from agent.training.evaluate import OWN_HEAD, evaluate, latencies

Made = tuple[Path, dict[str, Any]]


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_evaluate_writes_a_row_a_test_set(made: Made, folder: Path, tmp_path: Path) -> None:
    place, meta = made
    told: list[str] = []
    result = evaluate(
        place / "emotion.onnx", folder, tmp_path, tmp_path / "figures", place / "run" / "log.csv",
        [load(f"ourselves={place / 'emotion.onnx'}")], told.append,
    )  # fmt: skip
    assert result["model"]["sha256"] == meta["sha256"]
    assert result["model"]["label_temperature"] == meta["label_temperature"]
    rows = {row["set"]: row for row in result["rows"]}
    assert rows["ferplus"]["count"] == 42
    assert rows["ferplus, no twins"]["count"] == 41
    assert rows["fer label"]["count"] == rows[OWN_HEAD]["count"] == 42
    assert rows[f"{OWN_HEAD}, no twins"]["count"] == 41
    assert rows[OWN_HEAD]["loss"] != rows["fer label"]["loss"]
    assert set(rows) >= {"ferplus, gamma 0.4", "ferplus, gamma 2.5", "ferplus, 24 px"}
    assert set(rows) >= {f"ferplus, synthetic: {name}" for name in corruptions.HARDSHIPS}
    assert rows["muxspace, held-out persons"]["count"] > 0
    for name, row in rows.items():
        assert {"accuracy", "macro_recall", "macro_f1", "loss", "ece", "count"} <= set(row)
        assert f"{name}: {100 * row['accuracy']:.1f} %" in told
    figures = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert figures == [
        "confusion-fer-label.png", "confusion-ferplus.png", "front.png", "learning-curves.png",
        "reliability-fer-label.png", "reliability-ferplus.png",
    ]  # fmt: skip
    ours, theirs = result["front"]["networks"]
    assert result["front"]["sha256"] == meta["sha256"]
    for name in ("ferplus", "fer label"):  # one file, read twice: the same answers
        assert theirs["sets"][name]["accuracy"] == ours["sets"][name]["accuracy"]
        assert ours["sets"][name]["accuracy"] == rows[name]["accuracy"]
    assert theirs["bytes"] == ours["bytes"] == meta["bytes"]
    assert theirs["ms"] > 0
    assert set(ours["sets"]) == {"ferplus", "fer label", OWN_HEAD}


@pytest.mark.parametrize("made", ["seed"], indirect=True)
def test_a_file_with_one_head_is_measured_with_it(made: Made, folder: Path, tmp_path: Path) -> None:
    result = evaluate(made[0] / "emotion.onnx", folder, tmp_path)
    rows = {row["set"] for row in result["rows"]}
    assert not [name for name in rows if "own head" in name]
    assert "fer label" in rows
    assert "front" not in result
    assert "label_temperature" not in result["model"]
    text = model_card.block(result)
    shipped = next(100 * r["accuracy"] for r in result["rows"] if r["set"] == "fer label")
    assert f"| FER2013's own labels, PublicTest | at least 72 | {shipped:.1f} |" in text
    assert "the file has no head of its own for those labels" in text


def made_up_faces(n: int = 40) -> data.Pictures:
    return np.random.default_rng(5).integers(60, 200, (n, 48, 48), np.uint8)


@pytest.mark.parametrize("name", list(corruptions.HARDSHIPS))
def test_a_hardship_changes_every_face_the_same_way_each_time(name: str) -> None:
    faces = made_up_faces()
    before = faces.copy()
    once, again = (corruptions.HARDSHIPS[name](faces) for _ in range(2))
    np.testing.assert_array_equal(faces, before)
    np.testing.assert_array_equal(once, again)
    assert once.shape == faces.shape
    assert once.dtype == np.uint8
    assert all((a != b).any() for a, b in zip(once, faces, strict=True))


def test_hardships_touch_what_they_name() -> None:
    faces = made_up_faces()
    covered = corruptions.mask(faces)
    np.testing.assert_array_equal(covered[:, :27], faces[:, :27])
    assert (np.ptp(covered[:, 27:, 4:44], axis=(1, 2)) == 0).all()
    worn = corruptions.glasses(faces)
    np.testing.assert_array_equal(worn[:, 24:], faces[:, 24:])
    assert (worn[:, 18, 10] == 25).all()
    assert (worn[:, 18, 35] == 25).all()
    flat = np.full((40, 48, 48), 100, np.uint8)
    lit = corruptions.side_light(flat)
    bright, dark = lit.max(axis=(1, 2)), lit.min(axis=(1, 2))
    assert (bright == 150).all()
    assert (dark == 10).all()
    left = lit[:, 0, 0] > lit[:, 0, -1]
    assert 0 < left.sum() < len(flat)
    noisy = corruptions.noise(flat).astype(float)
    assert noisy.std() == pytest.approx(20, abs=1)


def test_the_box_moves_as_far_as_it_says() -> None:
    """A white dot in the middle of a black face is found again where the box's jitter put it."""
    faces = np.zeros((60, 48, 48), np.uint8)
    faces[:, 23:25, 23:25] = 255
    for face in corruptions.box_shifted(faces):
        rows, columns = np.nonzero(face > 40)
        weight = face[rows, columns].astype(float)
        middle = np.array([(rows * weight).sum(), (columns * weight).sum()]) / weight.sum()
        assert np.hypot(*(middle - 23.5)) == pytest.approx(4.8, abs=0.5)
    ring = np.zeros((60, 48, 48), np.uint8)
    ring[:, 13:35, 13:35] = 255  # 22 px wide
    widths = {int((face[24] > 127).sum()) for face in corruptions.box_scaled(ring)}
    assert widths == {round(22 * 1.15), round(22 / 1.15)} or widths <= {18, 19, 20, 24, 25, 26}
    assert len(widths) == 2


def test_calls_that_are_timed_take_turns_and_waiting_costs_nothing() -> None:
    order: list[str] = []

    def work() -> None:
        order.append("a")
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    def wait() -> None:
        order.append("b")
        time.sleep(0.02)

    working, waiting = latencies([work, wait], repeats=3)
    assert "".join(order) == "ab" * 23
    assert working > 9.9
    assert waiting < working
