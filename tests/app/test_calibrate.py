"""Learning a face without a running agent, on the synthetic actor, and the file it is kept in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.app.calibrate import Calibrator, CannotLearn, store
from agent.app.own_face import NAME, FaceFile
from agent.core.calibration import LEAST
from agent.core.person import Person
from agent.errors import AgentError
from agent.settings import CameraSettings
from agent.store.paths import Paths
from agent.types import LessonView
from agent.wording import lesson_reading
from tests.agent_process import CLIP, run_command
from tests.core.test_calibration import SAD_AT_REST


@pytest.mark.parametrize("named", [[], ["--camera", "0"], ["--camera", "/dev/video9"]])
def test_no_webcam_is_opened_without_consent(named: list[str]) -> None:
    """Named in the command or not, as 'moodtray run' has it."""
    done = run_command("calibrate", *named)
    assert done.returncode == 1
    assert "The camera is not allowed" in done.stderr


def test_the_synthetic_actor_is_learned_from_the_camera(moodtray_home: object) -> None:
    calibrator = Calibrator(CameraSettings(), str(CLIP))
    told: list[LessonView] = []
    person = calibrator.run(told.append, lambda: None, seconds=5.0)
    assert person.is_known
    assert person.looks >= LEAST
    assert "as learned" in lesson_reading(told[-1])
    paths = Paths.default()
    store(paths, calibrator.fingerprint, person)
    again = FaceFile(paths, calibrator.fingerprint).load(lambda error: None)
    assert again.as_numbers() == person.as_numbers()
    store(paths, calibrator.fingerprint, None)
    assert not (paths.state / NAME).exists()


@pytest.mark.parametrize("damage", ["other network", "no json", "other numbers"])
def test_a_stored_face_that_does_not_fit_is_set_aside_with_a_message(
    damage: str, moodtray_home: object
) -> None:
    paths = Paths.default()
    face = FaceFile(paths, "of today")
    face.save(Person().learn([np.array(SAD_AT_REST)]).as_numbers())
    file = paths.state / NAME
    if damage == "other network":
        face = FaceFile(paths, "of tomorrow")
    elif damage == "no json":
        file.write_text("{")
    else:
        file.write_text(json.dumps({**json.loads(file.read_text()), "spread": -1}))
    told: list[AgentError] = []
    assert not face.load(told.append).is_known
    assert "moodtray calibrate" in told[0].message
    assert not file.exists()
    assert list(paths.state.glob(f"{NAME}.other-*"))
    face.save(None)
    assert not list(paths.state.glob(f"{NAME}*")), "a face that is forgotten leaves no copy"


def test_a_camera_that_shows_nobody_teaches_nothing(
    moodtray_home: object, tmp_path: object
) -> None:
    import cv2

    film = str(tmp_path / "empty.avi")  # type: ignore[operator]
    writer = cv2.VideoWriter(film, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (320, 240))
    for level in range(60):
        writer.write(np.full((240, 320, 3), 120 + level % 3, np.uint8))
    writer.release()
    calibrator = Calibrator(CameraSettings(), film)
    with pytest.raises(CannotLearn, match=r"No face.*Nothing was stored"):
        calibrator.run(lambda view: None, lambda: None, seconds=30.0)


def test_two_persons_are_told_though_one_of_them_is_followed(
    moodtray_home: object, tmp_path: object
) -> None:
    import cv2

    capture = cv2.VideoCapture(str(CLIP))
    film = str(tmp_path / "two.avi")  # type: ignore[operator]
    writer = cv2.VideoWriter(film, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (1280, 480))
    for number in range(150):
        frame = capture.read()[1]
        if number % 3 == 0:
            writer.write(np.hstack([frame, frame]))
    writer.release()
    capture.release()
    calibrator = Calibrator(CameraSettings(), film)
    with pytest.raises(CannotLearn, match=r"More than one person.*Nothing was stored"):
        calibrator.run(lambda view: None, lambda: None, seconds=30.0)
