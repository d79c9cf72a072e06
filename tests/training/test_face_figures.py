"""Framing, quality and groups, on portraits of the synthetic actor and on looks made by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.training import data
from agent.training.face_figures import (
    Seen,
    _clear_from,
    _logistic,
    framing_rows,
    group_rows,
    looks_figures,
    share,
)
from agent.training.framing import framer, with_surroundings
from agent.training.london import read_london
from agent.training.model_card import faces_block
from agent.types import EMOTIONS
from agent.vision.expression import ExpressionClassifier
from agent.vision.quality import Measures
from tests.vision.scenes import actor

NEUTRAL_FRAME, HAPPY_FRAME = 30, 330


@pytest.fixture(scope="module")
def london(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two 'persons', both the actor: at rest and smiling, the second in less light."""
    folder = tmp_path_factory.mktemp("london")
    parts = []
    for light in (1.0, 0.7):
        for number in (NEUTRAL_FRAME, HAPPY_FRAME):
            frame = (actor(number)[:, 80:560] * light).astype(np.uint8)
            parts.append(cv2.imencode(".jpg", cv2.resize(frame, (640, 640)))[1])
    np.savez(
        folder / "london.npz",
        jpeg=np.concatenate(parts),
        off=np.cumsum([0, *map(len, parts)]).astype(np.int64),
        face_id=np.array(["001", "001", "002", "002"]),
        expression=np.array(["neutral", "smiling"] * 2),
        age=np.array(["24", "24", "?", "?"]),
        gender=np.array(["female", "female", "male", "male"]),
        ethnicity=np.array(["west_asian"] * 4),
    )
    return folder


def test_groups_and_framing_of_portraits(london: Path) -> None:
    portraits = read_london(london)
    assert portraits.age.tolist() == [24, 24, -1, -1]
    network = ExpressionClassifier.load()
    rows = {row["group"]: row for row in group_rows(network, portraits)}
    assert set(rows) == {"all", "female", "male", "west asian", "age 18 to 24"}
    assert rows["all"]["persons"] == 2
    assert rows["all"]["smiles, aligned"]["right"] == 1.0
    assert rows["all"]["smiles, own rest"] == share(np.ones(2, bool))
    assert rows["male"]["rests, aligned"]["count"] == 1
    framing = framing_rows(network, portraits)
    assert [row["count"] for row in framing] == [4] * 4
    assert framing[0]["aligned"] == 1.0
    assert framing[-1]["aligned"] == 1.0  # tilted by 40 degrees
    assert framing[-1]["haar"] < 1.0


def test_a_damaged_portrait_is_told(london: Path, tmp_path: Path) -> None:
    with np.load(london / "london.npz") as packed:
        arrays = dict(packed)
    arrays["jpeg"][: arrays["off"][1]] = 0
    np.savez(tmp_path / "london.npz", **arrays)
    with pytest.raises(data.DataError, match="picture 0"):
        read_london(tmp_path)
    with pytest.raises(data.DataError, match="no file"):
        read_london(tmp_path / "nowhere")


def test_shares_come_with_wilsons_interval() -> None:
    """Against the values of Wilson 1927 as tables give them for 8 of 10."""
    eight = share(np.array([True] * 8 + [False] * 2))
    assert (eight["low"], eight["high"]) == pytest.approx((0.4902, 0.9433), abs=1e-3)
    assert share(np.zeros(0, bool))["count"] == 0
    none = share(np.zeros(5, bool))
    assert none["low"] == pytest.approx(0.0, abs=1e-9)
    assert none["high"] > 0.4


def test_the_fit_finds_the_curve_that_made_the_looks() -> None:
    rng = np.random.default_rng(0)
    table = np.column_stack(
        [rng.normal(1, 2, 20_000), rng.uniform(0.5, 0.9, 20_000), np.ones(20_000)]
    )
    against = rng.uniform(0, 1, 20_000)
    odds = table @ np.array([0.9, 1.5, -0.4]) - against
    right = (rng.random(20_000) < 1 / (1 + np.exp(-odds))).astype(float)
    assert _logistic(table, right, against) == pytest.approx([0.9, 1.5, -0.4], abs=0.35)
    trust = np.linspace(0, 1, 1001)
    assert _clear_from(trust, rng.random(1001) < trust**0.2) < 0.9
    assert _clear_from(trust, trust >= 0.5) == pytest.approx(0.46, abs=0.02)
    assert _clear_from(trust, np.zeros(1001, bool)) == 1.0


def test_looks_are_counted_by_their_quality() -> None:
    fine = Measures(
        small=0, dark=0, noisy=0, blurred=0, turned=0, tilted=0, mouth=0, eyes=0, score=0.85
    )
    sure, torn = np.full(7, 0.005), np.full(7, 0.1)
    sure[3], torn[3] = 0.97, 0.4
    looks = Seen([fine] * 4, np.array([sure, sure, torn, torn]), np.array([1, 1, 1, 0], bool), 5)
    told = looks_figures(looks)
    assert told["found"] == 0.8
    assert told["clear"] == 0.4
    assert told["right_of_clear"] == 1.0
    assert sum(each["count"] for each in told["bins"]) == 4


def test_training_faces_are_framed_as_at_run_time() -> None:
    frame = cv2.cvtColor(actor(), cv2.COLOR_BGR2GRAY)
    framed = framer()(np.asarray(frame[100:340, 200:440], np.uint8))
    assert framed.shape == (48, 48)
    blank = np.full((72, 72), 100, np.uint8)
    assert (framer()(blank) == data.as_network_sees(blank)).all()
    assert with_surroundings(blank).shape == (240, 240, 3)


def test_the_card_shows_all_of_it(london: Path) -> None:
    portraits = read_london(london)
    network = ExpressionClassifier.load()
    looks = {"shown": 9, "found": 1.0, "clear": 0.8, "right": 0.9, "right_of_clear": 0.95}
    bins = [{"from": 0.9, "to": 1.0, "count": 9, "right": 0.99}]
    faces = {
        "sha256": "a" * 64,
        "framing": [{"faces": "these", "count": 4, "aligned": 0.5}],
        "quality": {"PublicTest": looks | {"bins": bins}},
        "groups": group_rows(network, portraits),
        "clear": 0.7,
    }
    text = faces_block(faces, "a" * 64)
    assert "the same file as above" in text
    assert "| these | 4 | – | – | 50.0 | – |" in text
    assert "| 0.9 to 1 | 99 % of 9 |" in text
    assert "| smiles found, men | at least 75 | 100.0 | met |" in text
    assert "| right among them | at least 92 | 95.0 | met |" in text
    assert "an **earlier** file" in faces_block(faces, "b" * 64)
    assert EMOTIONS[3] == "happy"
