"""Learning a face: end to end on the synthetic actor, and what cannot serve."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.app.calibrate import Calibrator, Progress, store
from agent.app.own_face import NAME, OwnFace
from agent.core.calibration import LEAST, PATIENCE, CannotLearn, Lesson
from agent.core.person import Person
from agent.errors import AgentError
from agent.settings import CameraSettings
from agent.store.paths import Paths
from agent.types import MoodState, Observation
from tests.agent_process import CLIP, run_command

SAD_AT_REST = (0.05, 0.01, 0.01, 0.03, 0.6, 0.05, 0.25)


def look(time: float, faces: int = 1, quality: float = 1.0, unclear: str = "") -> Observation:
    row = SAD_AT_REST if faces else None
    return Observation(time, faces, row, quality, unclear)


@pytest.mark.parametrize("named", [[], ["--camera", "0"], ["--camera", "/dev/video9"]])
def test_no_webcam_is_opened_without_consent(named: list[str]) -> None:
    """Named in the command or not, as 'moodtray run' has it."""
    done = run_command("calibrate", *named)
    assert done.returncode == 1
    assert "The camera is not allowed yet" in done.stderr


def test_a_face_that_looks_sad_at_rest_is_learned() -> None:
    lesson = Lesson(seconds=10.0)
    for step in range(20):
        lesson.add(look(step * 0.5))
    assert lesson.left(4.0) == 6.0
    lesson.add_labelled(look(11.0), MoodState.HAPPY)
    person = lesson.finish()
    assert person.adjust(np.array(SAD_AT_REST))[0].argmax() == 6
    assert person.looks == 20


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"faces": 0}, "No face"),
        ({"faces": 2}, "More than one person"),
        ({"quality": 0.0}, "More light"),
        ({"unclear": "dark"}, "(dark)"),
    ],
)
def test_what_cannot_serve_is_said_soon_and_nothing_is_stored(
    bad: dict[str, object], words: str
) -> None:
    lesson = Lesson()
    lesson.add(look(0.0))
    for step in range(int(PATIENCE / 0.5)):
        lesson.add(look(1.0 + step * 0.5, **bad))  # type: ignore[arg-type]
    with pytest.raises(CannotLearn) as error:
        lesson.add(look(1.0 + PATIENCE, **bad))  # type: ignore[arg-type]
    assert words in str(error.value)
    assert "Nothing was stored" in str(error.value)


def test_a_glance_aside_is_no_trouble_and_too_few_looks_are_told() -> None:
    lesson = Lesson()
    for step in range(LEAST - 1):
        lesson.add(look(step * 5.0))
        lesson.add(look(step * 5.0 + 1.0, faces=0))
    with pytest.raises(CannotLearn, match="clear looks"):
        lesson.finish()


def test_the_synthetic_actor_is_learned_from_the_camera(moodtray_home: object) -> None:
    calibrator = Calibrator(CameraSettings(), str(CLIP))
    calibrator.lesson.seconds = 5.0
    told: list[Progress] = []
    person = calibrator.run(told.append, lambda: None)
    assert person.is_known
    assert person.looks >= LEAST
    assert told
    assert "as learned" in str(told[-1])
    paths = Paths.default()
    store(paths, calibrator.fingerprint, person)
    again = OwnFace(paths, calibrator.fingerprint).load(lambda error: None)
    assert again.as_numbers() == person.as_numbers()
    store(paths, calibrator.fingerprint, None)
    assert not (paths.state / NAME).exists()


@pytest.mark.parametrize("damage", ["other network", "no json", "other numbers"])
def test_a_stored_face_that_does_not_fit_is_set_aside_with_a_message(
    damage: str, moodtray_home: object
) -> None:
    paths = Paths.default()
    face = OwnFace(paths, "of today")
    face.save(Person().learn([np.array(SAD_AT_REST)]).as_numbers())
    file = paths.state / NAME
    if damage == "other network":
        face = OwnFace(paths, "of tomorrow")
    elif damage == "no json":
        file.write_text("{")
    else:
        file.write_text(json.dumps({**json.loads(file.read_text()), "spread": -1}))
    told: list[AgentError] = []
    assert not face.load(told.append).is_known
    assert "moodtray calibrate" in told[0].message
    assert not file.exists()
    assert list(paths.state.glob(f"{NAME}.other-*"))
