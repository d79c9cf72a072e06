"""``analyze`` on real files: pictures, videos, and what is neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.errors import BadPicture
from agent.types import EMOTIONS
from agent.vision.analyze import analyze
from agent.vision.expression import ExpressionClassifier
from tests.vision.conftest import write_model
from tests.vision.mjpeg import picture


@pytest.fixture
def classifier(tiny_model: Path) -> ExpressionClassifier:
    return ExpressionClassifier.load(tiny_model)


def test_video_is_sampled(short_clip: Path, classifier: ExpressionClassifier) -> None:
    result = analyze(short_clip, classifier)
    assert result.kind == "video"
    assert [frame.time for frame in result.frames] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert all(len(frame.faces) == 1 for frame in result.frames)
    assert result.summary.startswith("A face in 5 of 5 moments of ")
    faces = [frame.faces[0] for frame in result.frames]
    said = ["unsure" if face.unsure else face.emotion for face in faces]
    for name in set(said):
        assert f"{name} in {said.count(name)}" in result.summary
    data = json.loads(json.dumps(result.as_dict()))
    face = data["frames"][1]["faces"][0]
    assert set(face["probabilities"]) == set(EMOTIONS)
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert face["emotion"] in EMOTIONS
    assert face["box"]["width"] > 60


def test_picture_with_two_faces(
    short_clip: Path, classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    frame = cv2.VideoCapture(str(short_clip)).read()[1]
    path = tmp_path / "two people ö.png"  # a name that is no ASCII
    pair = np.hstack([frame, cv2.resize(frame, None, fx=0.8, fy=1.0)])
    path.write_bytes(cv2.imencode(".png", pair)[1].tobytes())
    result = analyze(path, classifier)
    assert result.kind == "picture"
    (seen,) = result.frames
    assert len(seen.faces) == 2
    assert seen.faces[0].box.area >= seen.faces[1].box.area
    assert result.summary.startswith("2 faces")
    assert "time" not in json.loads(json.dumps(result.as_dict()))["frames"][0]


def test_picture_without_a_face_is_a_result(
    classifier: ExpressionClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "room.jpg"
    path.write_bytes(cv2.imencode(".jpg", picture(90, (640, 480)))[1].tobytes())
    result = analyze(path, classifier)
    assert not result.found
    assert result.summary == "No face found in room.jpg."
    assert result.as_dict()["found"] is False


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_a_face_that_says_too_little_is_called_unsure(
    short_clip: Path, tmp_path: Path, limit: float
) -> None:
    model = write_model(tmp_path / "models" / "emotion.onnx", unsure_below=limit)
    path = tmp_path / "me.png"
    path.write_bytes(cv2.imencode(".png", cv2.VideoCapture(str(short_clip)).read()[1])[1].tobytes())
    result = analyze(path, ExpressionClassifier.load(model))
    (face,) = result.frames[0].faces
    assert face.unsure is (limit == 1.0)
    assert face.as_dict()["unsure"] is face.unsure
    told = f"{face.emotion} {face.confidence:.0%}"
    said = f"unsure (perhaps {told})" if limit == 1.0 else told
    assert result.summary == f"1 face in me.png: {said}."


def test_video_without_a_face(
    classifier: ExpressionClassifier, numbered_video: Callable[[int, float], Path]
) -> None:
    result = analyze(numbered_video(20, 10.0), classifier)
    assert not result.found
    assert len(result.frames) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "not there"), (b"", "empty"), (b"hello, I am text\n" * 50, "neither a picture")],
)
def test_file_that_cannot_be_analysed(
    classifier: ExpressionClassifier, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "thing.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadPicture, match=message):
        analyze(path, classifier)


def test_folder_is_told(classifier: ExpressionClassifier, tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match="folder"):
        analyze(tmp_path, classifier)
