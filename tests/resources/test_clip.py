"""The demo clip: its form, its truth, and what OpenCV's cascade finds in it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

DEMO = Path(__file__).parents[2] / "resources" / "demo"
CLIP = DEMO / "clip.mp4"
STRIDE = 6  # every sixth frame is searched for faces: five a second


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEMO / "clip.truth.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def greys() -> list[np.ndarray]:
    """Every frame of the clip in grey, as OpenCV reads it."""
    film = cv2.VideoCapture(str(CLIP))
    assert film.isOpened()
    frames = []
    while True:
        read, frame = film.read()
        if not read:
            break
        assert frame.shape == (480, 640, 3)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
    film.release()
    return frames


@pytest.fixture(scope="module")
def found(greys: list[np.ndarray]) -> dict[int, list[tuple[int, int, int, int]]]:
    """The cascade's boxes, largest first, by frame number (every STRIDE-th)."""
    name = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(name))
    out: dict[int, list[tuple[int, int, int, int]]] = {}
    for number in range(0, len(greys), STRIDE):
        boxes = cascade.detectMultiScale(greys[number], 1.1, 5, minSize=(30, 30))
        out[number] = sorted(
            ((int(x), int(y), int(w), int(h)) for x, y, w, h in boxes), key=lambda b: -b[2] * b[3]
        )
    return out


def test_the_clip_is_small_and_of_a_webcams_form(
    greys: list[np.ndarray], truth: dict[str, Any]
) -> None:
    assert CLIP.stat().st_size < 2_000_000
    film = cv2.VideoCapture(str(CLIP))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(30)
    film.release()
    assert 30 <= len(greys) / 30 <= 60
    assert (truth["fps"], truth["width"], truth["height"]) == (30, 640, 480)


def test_every_frame_has_its_truth(greys: list[np.ndarray], truth: dict[str, Any]) -> None:
    rows = truth["truth"]
    assert [row["n"] for row in rows] == list(range(len(greys)))
    for row in rows:
        assert row["expression"] in ("neutral", "happy", "surprise", "sad", None)
        assert row["light"] in ("day", "dim", "side")
        assert (row["expression"] is not None) == row["present"] == (row["box"] is not None)


def test_the_play_has_what_the_demo_needs(truth: dict[str, Any]) -> None:
    rows = truth["truth"]
    for name in ("neutral", "happy", "surprise", "sad"):
        shown = sum(row["expression"] == name and row["settled"] for row in rows)
        assert shown >= 4 * 30, f"{name} is shown for four seconds at least"
    away = longest = 0
    for row in rows:
        away = 0 if row["present"] else away + 1
        longest = max(longest, away)
    assert longest >= 8 * 30, "the picture stays empty for eight seconds at least"
    assert any(row["turned"] and row["whole"] for row in rows)
    assert {row["light"] for row in rows if row["present"]} == {"day", "dim", "side"}
    assert rows[-1]["expression"] == "happy", "who comes back comes back happy"


def test_the_cascade_finds_every_frontal_face_where_it_is(
    found: dict[int, list[tuple[int, int, int, int]]], truth: dict[str, Any]
) -> None:
    for name in ("neutral", "happy", "surprise", "sad"):
        frontal = [
            row
            for row in truth["truth"][::STRIDE]
            if row["expression"] == name and row["whole"] and not row["turned"]
        ]
        hits = 0
        for row in frontal:
            left, top, right, bottom = row["box"]
            centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
            for x, y, wide, high in found[row["n"]][:1]:
                near_x = abs(x + wide / 2 - centre_x) < 0.25 * (right - left)
                near_y = abs(y + high / 2 - centre_y) < 0.25 * (bottom - top)
                hits += near_x and near_y
        assert hits >= 0.95 * len(frontal), f"{name}: {hits} of {len(frontal)}"


def test_the_cascade_finds_nobody_while_the_actor_is_away(
    found: dict[int, list[tuple[int, int, int, int]]], truth: dict[str, Any]
) -> None:
    away = [row["n"] for row in truth["truth"][::STRIDE] if not row["present"]]
    assert away
    assert [number for number in away if found[number]] == []


def test_the_picture_never_stands_still_as_a_stalled_camera_would(
    greys: list[np.ndarray],
) -> None:
    still = longest = 0
    for before, after in pairwise(greys):
        still = still + 1 if np.array_equal(before, after) else 0
        longest = max(longest, still)
    assert longest <= 15, "half a second of equal frames looks like a stalled camera"


def test_the_light_truly_changes(greys: list[np.ndarray], truth: dict[str, Any]) -> None:
    def level(light: str) -> float:
        """Mean grey of the face under a light, expression settled and face in front."""
        means = []
        for row in truth["truth"][::STRIDE]:
            if row["light"] == light and row["whole"] and row["settled"] and not row["turned"]:
                left, top, right, bottom = row["box"]
                means.append(greys[row["n"]][top:bottom, left:right].mean())
        return float(np.median(means))

    assert level("dim") < 0.8 * level("day")
