"""BlazeFace: the decoding on tensors made by hand, and the real weights on the synthetic actor."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.errors import ModelError
from agent.store.paths import models_dir
from agent.types import Box, Frame
from agent.vision import blazeface
from agent.vision.blazeface import (
    FULL,
    NEAR,
    SHORT,
    BlazeFinder,
    FinderNetwork,
    FoundFaces,
    Square,
    anchors,
    around,
    blend,
    decode,
)
from agent.vision.faces import FaceTracker, overlap
from agent.vision.finder_files import FULL_RANGE, MANIFEST, SHORT_RANGE, checked
from tests.vision import scenes
from tests.vision.scenes import actor, far, tilted

TWO = FinderNetwork("none", 100, ((2, 1), (1, 2)), 0.5)
"""Six answers for a picture of 100 px: four places, then twice its middle."""


def answers(*filled: tuple[int, float, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Raw (scores [6], numbers [6, 16]) with (row, score, first numbers) filled in."""
    scores, raw = np.full(6, -50, np.float32), np.zeros((6, 16), np.float32)
    for row, score, numbers in filled:
        scores[row] = score
        raw[row, : len(numbers)] = numbers
    return scores, raw


def found(*rows: tuple[float, float, float, float, float]) -> FoundFaces:
    """(score, left, top, right, bottom); all points lie in the upper left corner."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    points = np.repeat(table[:, None, 1:3], 6, axis=1)
    return FoundFaces(table[:, 1:], points, table[:, 0])


# --- decoding


def test_anchors_lie_in_the_middle_of_their_cells() -> None:
    expected = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75), (0.5, 0.5), (0.5, 0.5)]
    assert anchors(TWO) == pytest.approx(np.array(expected))
    assert anchors(SHORT).shape == (16 * 16 * 2 + 8 * 8 * 6, 2)
    assert anchors(FULL).shape == (48 * 48, 2)


def test_an_answer_is_relative_to_its_anchor() -> None:
    # 10 px right of and 5 px above the place (.75, .25), 40 x 20 px, the right eye at the place.
    numbers = [10.0, -5.0, 40.0, 20.0, 0.0, 0.0, 8.0, 4.0]
    got = decode(*answers((1, 2.0, numbers)), anchors(TWO), TWO)
    assert got.boxes == pytest.approx(np.array([[0.65, 0.10, 1.05, 0.30]]))
    assert got.points[0, 0] == pytest.approx([0.75, 0.25])
    assert got.points[0, 1] == pytest.approx([0.83, 0.29])
    assert got.scores == pytest.approx([1 / (1 + np.exp(-2.0))])


def test_scores_below_the_least_and_boxes_without_size_do_not_count() -> None:
    size = [0.0, 0.0, 30.0, 30.0]
    rows = answers(
        (0, -0.01, size), (1, 0.01, size), (2, 5.0, [0.0, 0.0, -3.0, 9.0]), (3, 1e30, size)
    )
    got = decode(*rows, anchors(TWO), TWO)
    assert len(got.scores) == 2
    assert got.scores[1] == pytest.approx(1.0)
    assert not len(decode(*answers(), anchors(TWO), TWO).scores)


def test_answers_that_overlap_are_blended_by_their_scores() -> None:
    got = blend(
        found((0.6, 0.1, 0.1, 0.5, 0.5), (0.9, 0.2, 0.1, 0.6, 0.5), (0.7, 0.7, 0.7, 0.9, 0.9))
    )
    assert got.scores == pytest.approx([0.9, 0.7])
    left = (0.9 * 0.2 + 0.6 * 0.1) / 1.5
    assert got.boxes[0] == pytest.approx([left, 0.1, left + 0.4, 0.5])
    assert got.points[0, 3] == pytest.approx([left, 0.1])
    assert got.boxes[1] == pytest.approx([0.7, 0.7, 0.9, 0.9])


def test_answers_that_hardly_overlap_stay_apart() -> None:
    assert len(blend(found((0.9, 0, 0, 0.4, 0.4), (0.8, 0.25, 0, 0.65, 0.4))).scores) == 2
    assert len(blend(found()).scores) == 0


def test_the_frame_lies_in_the_middle_of_a_black_square() -> None:
    frame = np.full((100, 200, 3), 200, np.uint8)
    square = around(frame)
    assert square == Square(0, -50, 200)
    seen = square.picture(frame, 40)
    assert (seen[10:30] == 200).all()
    assert (seen[:9] == 0).all()
    assert (seen[31:] == 0).all()
    beyond = Square(150, 50, 100).picture(frame, 50)
    assert (beyond[:25, :25] == 200).all()
    assert (beyond[26:] == 0).all()
    assert (Square(500, 500, 60).picture(frame, 20) == 0).all()


# --- the weights


@pytest.mark.parametrize("hardship", scenes.HARDSHIPS)
def test_the_actor_is_found_in_every_hardship(hardship: str) -> None:
    change = scenes.HARDSHIPS[hardship]
    for number in (0, 200, 400):
        frame = change(actor(number))
        (box,) = FaceTracker().search(frame)
        tracker = FaceTracker()
        assert tracker.detect(frame) == [box]
        followed = tracker.detect(frame)  # by the other network, in its surroundings
        assert len(followed) == 1
        assert overlap(followed[0], box) > 0.6


@pytest.mark.parametrize("finder", [BlazeFinder.whole, BlazeFinder.large])
@pytest.mark.parametrize("degrees", [-40, -15, 15, 40])
def test_points_turn_with_the_face(
    finder: Callable[[BlazeFinder, Frame], list[Box]], degrees: float
) -> None:
    frame = actor()
    blaze = BlazeFinder()
    straight = np.array(finder(blaze, frame)[0].landmarks)[:4]
    turned = np.array(finder(blaze, tilted(frame, degrees))[0].landmarks)[:4]
    turn = cv2.getRotationMatrix2D((320, 240), -degrees, 1.0)
    expected = straight @ turn[:, :2].T + turn[:, 2]
    width = finder(blaze, frame)[0].width
    assert np.abs(turned - expected).max() < 0.08 * width


def test_thirty_faces_are_all_found() -> None:
    face = cv2.resize(actor()[60:380, 160:480], (200, 200))
    picture = np.full((5 * 240, 6 * 240, 3), 120, np.uint8)
    for row in range(5):
        for column in range(6):
            y, x = 20 + row * 240, 20 + column * 240
            picture[y : y + 200, x : x + 200] = face
    boxes = FaceTracker().search_all(picture)
    assert len(boxes) == 30
    places = {(box.y // 240, box.x // 240) for box in boxes}
    assert len(places) == 30


def test_a_face_cut_by_the_border_stays_within_the_frame() -> None:
    frame = actor()
    box = FaceTracker().search(frame)[0]
    left = np.ascontiguousarray(frame[:, box.x + box.width // 4 :])
    (seen,) = FaceTracker().search(left)
    assert seen.x == 0
    assert 0.6 * box.width < seen.width < box.width
    right = np.ascontiguousarray(frame[:, : box.x + box.width - box.width // 4])
    (seen,) = FaceTracker().search(right)
    assert seen.x + seen.width == right.shape[1]
    assert 0.6 * box.width < seen.width < box.width


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1, 3),
        (2, 900, 3),
        (900, 2, 3),
        (480, 640),
        (480, 640, 1),
        (480, 640, 4),
        (4320, 7680, 3),
    ],
)
def test_frames_of_any_shape(shape: tuple[int, ...]) -> None:
    tracker = FaceTracker()
    for level in (0, 90):
        frame = np.full(shape, level, np.uint8)
        assert tracker.detect(frame) == []
        assert tracker.search_all(frame) == []


def test_grey_alpha_infrared_and_large_pictures_show_their_face() -> None:
    frame = actor()
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    alpha = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    infrared = np.repeat(255 - (255 - grey[:, :, None]) // 2, 3, axis=2)
    portrait = np.ascontiguousarray(frame[:, 140:500])
    huge = cv2.resize(frame, (7680, 5760))
    for picture in (grey, alpha, infrared, portrait, huge):
        assert len(FaceTracker().search(np.asarray(picture, np.uint8))) == 1


def test_frames_may_change_their_size() -> None:
    tracker = FaceTracker()
    frame = actor()
    for size in ((640, 480), (160, 120), (1280, 960), (480, 640), (64, 48)):
        tracker.detect(np.asarray(cv2.resize(frame, size), np.uint8))
    assert tracker.detect(frame)


# --- the files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (SHORT_RANGE, FULL_RANGE):
        shutil.copy(models_dir() / name, tmp_path / name)
    return tmp_path


def test_whole_files_are_taken(folder: Path) -> None:
    assert checked(SHORT_RANGE, folder) == folder / SHORT_RANGE
    BlazeFinder(folder).load()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.unlink(), "missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:1000]), "truncated: 1000 of"),
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), "checksums differ"),
        (lambda file: file.write_bytes(b""), "truncated: 0 of"),
    ],
)
def test_a_damaged_file_is_told(folder: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(folder / FULL_RANGE)
    with pytest.raises(ModelError, match=words) as told:
        BlazeFinder(folder)
    assert "make setup" in told.value.message
    assert "Haar" in told.value.message


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {}}', '{"files": 7}', None])
def test_without_checksums_haar_finds_the_face(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    if text is not None:
        (folder / MANIFEST).write_text(text)
    monkeypatch.setattr("agent.vision.finder_files.models_dir", lambda: folder)
    with pytest.raises(ModelError, match="checksums"):
        BlazeFinder()
    tracker = FaceTracker()
    assert len(tracker.detect(actor())) == 1
    assert tracker.finder == "haar"


def test_without_the_weights_haar_finds_the_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(models_dir() / MANIFEST, tmp_path / MANIFEST)
    monkeypatch.setattr("agent.vision.finder_files.models_dir", lambda: tmp_path)
    tracker = FaceTracker()
    with caplog.at_level(logging.WARNING):
        assert len(tracker.detect(actor())) == 1
        assert len(tracker.detect(actor())) == 1
    assert tracker.finder == "haar"
    assert len([r for r in caplog.records if "is missing" in r.getMessage()]) == 1


def test_a_network_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "some.tflite"
    file.write_bytes(b"no network at all")
    with pytest.raises(ModelError, match=r"camera\.finder"):
        blazeface._Network(SHORT, file)


def test_a_network_of_another_kind_is_told() -> None:
    with pytest.raises(ModelError, match=r"camera\.finder"):
        blazeface._Network(FULL, models_dir() / SHORT_RANGE)
    with pytest.raises(ModelError, match="for 48 x 48 places"):
        blazeface._Network(replace(FULL, layers=SHORT.layers[:1]), models_dir() / SHORT_RANGE)


@pytest.mark.parametrize("kind", [SHORT, FULL])
def test_the_layers_answer_as_the_network_itself_does(kind: FinderNetwork) -> None:
    network = blazeface._Network(kind, models_dir() / kind.file)
    picture = around(actor()).picture(actor(), kind.side)
    scores, raw = network._answers(picture)
    net = cv2.dnn.readNetFromTFLite(str(models_dir() / kind.file))
    net.setInput(cv2.dnn.blobFromImage(picture, 1 / 127.5, mean=(127.5,) * 3, swapRB=True))
    whole = {out.shape[-1]: out for out in net.forward(net.getUnconnectedOutLayersNames())}
    np.testing.assert_allclose(scores, whole[1].reshape(-1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(raw, whole[16].reshape(-1, 16), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("hardship", scenes.HARDSHIPS)
def test_a_smaller_square_shows_a_followed_face_as_well(hardship: str) -> None:
    """The same points, within a tenth of the eyes' distance, from half the pixels."""
    frame = scenes.HARDSHIPS[hardship](actor())
    (box, *_rest) = FaceTracker().search(frame)
    side = round(blazeface.CONTEXT * max(box.width, box.height))
    square = Square(
        box.x + (box.width - side) // 2, box.y + (box.height - side) // 2, side
    )  # fmt: skip
    both = [
        blazeface._Network(kind, models_dir() / SHORT_RANGE).run(frame, square)
        for kind in (SHORT, NEAR)
    ]
    assert [len(one.scores) for one in both] == [1, 1]
    large, small = (one.points[0] for one in both)
    eyes = float(np.linalg.norm(large[0] - large[1]))
    assert np.abs(large[:4] - small[:4]).max() < 0.15 * eyes


# --- far away


def test_near_the_last_place_small_faces_are_seen_too() -> None:
    frame = far(actor(), 0.15)
    tracker = FaceTracker()
    (box,) = tracker.detect(frame)
    assert box.width < 50
    assert tracker.following
    assert overlap(tracker.detect(frame)[0], box) > 0.6
