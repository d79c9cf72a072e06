"""``moodtray calibrate``: look at the user's face with the camera, and learn how it rests.

In the terminal, beside a running agent or without one. No picture is kept or shown to anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.app.own_face import OwnFace
from agent.core.calibration import EVERY, CannotLearn, Lesson
from agent.core.person import Person
from agent.settings import CameraSettings
from agent.store.paths import Paths
from agent.translation import _
from agent.types import EMOTIONS, MoodState, Observation
from agent.vision.alignment import crop
from agent.vision.burst import Burst, Look
from agent.vision.camera import OpenCVCamera
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker
from agent.wording import MOOD_WORDS

LABELLED_SECONDS = 4.0
"""How long one of the seven is looked at."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is shown while it looks.

    ``now``: the leading emotion as it is read today; ``then``: as it will be read; both with their
    probability.
    """

    left: float
    now: tuple[MoodState, float]
    then: tuple[MoodState, float]

    def __str__(self) -> str:
        today, learned = (f"{MOOD_WORDS[e]} {p:.0%}" for e, p in (self.now, self.then))
        return _("{left:3.0f} s   read now: {today:16} as learned: {learned}").format(
            left=self.left, today=today, learned=learned
        )


class Calibrator:
    """One calibration with one camera. Raises AgentError for a camera or face that will not do."""

    def __init__(self, settings: CameraSettings, source: int | str | None = None) -> None:
        self._camera = OpenCVCamera(settings.source if source is None else source)
        self._detector = FaceTracker(settings.finder)
        self._classifier = ExpressionClassifier.load(engine=settings.engine)
        self.lesson = Lesson()

    @property
    def fingerprint(self) -> str:
        """Name the network that the numbers hold for."""
        return self._classifier.fingerprint

    def run(self, tell: Callable[[Progress], None], ask: Callable[[], MoodState | None]) -> Person:
        """Look at the face at rest, then at what ``ask`` names until it names None."""
        self._camera.open()
        try:
            self._look_at_rest(tell)
            while (emotion := ask()) is not None:
                self._look_at(emotion)
        finally:
            self._camera.close()
        return self.lesson.finish()

    def _look_at_rest(self, tell: Callable[[Progress], None]) -> None:
        end = time.monotonic() + self.lesson.seconds
        while (left := end - time.monotonic()) > 0:
            seen = self._look()
            self.lesson.add(seen)
            if seen.probabilities is not None and self.lesson.rest:
                tell(self._progress(left, seen.probabilities))
            time.sleep(min(EVERY, left))

    def _look_at(self, emotion: MoodState) -> None:
        end = time.monotonic() + LABELLED_SECONDS
        while time.monotonic() < end:
            self.lesson.add_labelled(self._look(), emotion)
            time.sleep(EVERY)

    def _look(self) -> Observation:
        frame = self._camera.read()
        boxes = self._detector.detect(frame)
        burst = Burst()
        if boxes:
            face = crop(frame, boxes[0])
            answer = self._classifier.predict([face])[0]
            burst.add(Look.of(len(boxes), boxes[0], face, answer))
        else:
            burst.add(Look())
        return burst.observation(time.monotonic())

    def _progress(self, left: float, answer: tuple[float, ...]) -> Progress:
        person = Person().learn([np.asarray(row) for row in self.lesson.rest])
        learned = person.adjust(np.asarray(answer))[0]
        return Progress(left, _leading(np.asarray(answer)), _leading(learned))


def _leading(answer: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[MoodState, float]:
    at = int(answer.argmax())
    return MoodState(EMOTIONS[at]), float(answer[at])


def store(paths: Paths, fingerprint: str, person: Person | None) -> None:
    """Write the person for the next start of the agent; None forgets. Raises StoreError."""
    known = person is not None and person.is_known
    OwnFace(paths, fingerprint).save(person.as_numbers() if person and known else None)


__all__ = ["Calibrator", "CannotLearn", "Progress", "store"]
