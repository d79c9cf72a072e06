"""``moodtray bench --finder``: its scenes, what counts as found, its rates and marks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.bench import finder, scenes
from agent.bench.finder import FALSE, FOUND, _is_it, as_text, measure
from agent.training import london
from agent.types import Box, Frame

FACE = Box(200, 100, 100, 100)
PORTRAITS = [np.full((600, 600, 3), level, np.uint8) for level in range(0, 240, 20)]


@pytest.mark.parametrize(
    ("box", "right"),
    [
        (FACE, True),
        (Box(235, 135, 100, 100), True),  # just near enough
        (Box(236, 100, 100, 100), False),
        (Box(200, 64, 100, 100), False),
        (Box(165, 65, 170, 170), True),  # just small enough
        (Box(164, 64, 172, 172), False),
        (Box(220, 120, 60, 60), True),  # just large enough
        (Box(221, 121, 58, 58), False),
    ],
)
def test_a_face_is_found_near_its_place_and_about_its_size(box: Box, right: bool) -> None:
    assert _is_it(box, FACE) is right


@pytest.mark.parametrize("hardship", scenes.HARDSHIPS)
def test_a_scene_shows_its_face_and_is_the_same_at_every_run(hardship: str) -> None:
    one, other = (next(scenes.with_face(hardship, PORTRAITS[5:6], london.FACE)) for _ in range(2))
    assert np.array_equal(one.frame, other.frame)
    assert one.face == other.face
    assert one.frame.shape == (scenes.HEIGHT, scenes.WIDTH, 3)
    assert one.frame.dtype == np.uint8
    width, _, _ = scenes.HARDSHIPS[hardship]
    assert one.face.width == round(width)
    middle = (one.face.x + one.face.width / 2, one.face.y + one.face.height / 2)
    assert 0 < middle[0] < scenes.WIDTH
    assert 0 < middle[1] < scenes.HEIGHT


@pytest.mark.parametrize("kind", scenes.WITHOUT)
def test_scenes_without_a_face_differ_from_each_other(kind: str) -> None:
    first, second = scenes.without_face(kind, 2)
    (again,) = scenes.without_face(kind, 1)
    assert first.shape == (scenes.HEIGHT, scenes.WIDTH, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


class Finder:
    """BlazeFace finds every second face and nothing else, Haar a face in every corner."""

    def __init__(self, name: str) -> None:
        self.finder = name
        self._calls = 0

    def search(self, frame: Frame) -> list[Box]:
        self._calls += 1
        x, y, side = (int(number) for number in frame[0, 0])
        if self.finder == "haar":
            return [Box(0, 0, 40, 40)]
        return [Box(x, y, side, side)] if side and self._calls % 2 else []


def drawn(name: str, portraits: list[Frame], face: Box) -> Any:
    """Scenes whose first pixel says where the face is."""
    for _ in portraits:
        frame = np.zeros((2, 2, 3), np.uint8)
        frame[0, 0] = (200, 100, 100)
        yield scenes.Scene(frame, FACE)


def test_rates_are_shares_of_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FaceTracker", Finder)
    monkeypatch.setattr(finder, "EMPTY_FAST", 4 * len(scenes.WITHOUT))
    monkeypatch.setattr(scenes, "with_face", drawn)
    monkeypatch.setattr(
        scenes, "without_face", lambda kind, count: [np.zeros((2, 2, 3), np.uint8)] * count
    )
    monkeypatch.setattr(london, "read_london", lambda _: SimpleNamespace(pictures=PORTRAITS * 2))
    told: list[str] = []
    found = measure(tmp_path, fast=True, tell=told.append)
    assert found["count"] == 4, "every sixth of 24 portraits"
    assert found["empty"] == 4 * len(scenes.WITHOUT)
    assert found["faces"] == {
        hardship: {"blazeface": 0.5, "haar": 0.0} for hardship in scenes.HARDSHIPS
    }, "what Haar sees lies elsewhere"
    assert found["false"] == {kind: {"blazeface": 0.0, "haar": 1.0} for kind in scenes.WITHOUT}
    assert len(told) == len(scenes.HARDSHIPS) + len(scenes.WITHOUT)
    assert "blazeface 50.0 %, haar 0.0 %" in told[0]
    assert set(found["ms"]) == {"blazeface", "haar"}


def figures(face: float, false: float, in_use: str = "blazeface") -> dict[str, Any]:
    return {
        "count": 100,
        "empty": 2000,
        "faces": {"tilted": {"blazeface": face, "haar": 0.5}},
        "false": {
            "rooms": {"blazeface": 2 * false, "haar": 0.1},
            "noise": {"blazeface": 0.0, "haar": 0.1},
        },
        "ms": {"blazeface": 4.0, "haar": 30.0},
        "in_use": in_use,
    }


def row_of(text: str, beginning: str) -> str:
    (row,) = [line for line in text.splitlines() if line.startswith(beginning)]
    return row


def test_marks_are_met_or_missed() -> None:
    met, missed = as_text(figures(FOUND, FALSE)), as_text(figures(FOUND - 0.001, FALSE + 0.001))
    for beginning in ("tilted", "all"):
        assert " met " in row_of(met, beginning)
        assert "MISSED" in row_of(missed, beginning)
    assert " 98.0 %" in row_of(met, "tilted")
    assert " 0.5 %" in row_of(met, "all"), "the mean of the kinds"
    assert "make setup" not in met
    assert "make setup" in as_text(figures(1.0, 0.0, in_use="haar"))
