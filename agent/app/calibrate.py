"""``moodtray calibrate`` without a running agent: a camera of its own for one lesson.

No picture is kept or shown to anybody. With an agent the lesson is the agent's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from agent.app.own_face import FaceFile
from agent.core.calibration import EVERY, CannotLearn, Lesson
from agent.core.person import Person
from agent.settings import CameraSettings
from agent.store.paths import Paths
from agent.types import LessonStage, LessonView, MoodState, Observation
from agent.vision.alignment import crop
from agent.vision.burst import Burst, Look
from agent.vision.camera import OpenCVCamera
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker


class Calibrator:
    """One lesson with one camera. Raises AgentError for a camera or face that will not do."""

    def __init__(self, settings: CameraSettings, source: int | str | None = None) -> None:
        self._camera = OpenCVCamera(settings.source if source is None else source)
        self._detector = FaceTracker(settings.finder)
        self._classifier = ExpressionClassifier.load(engine=settings.engine)

    @property
    def fingerprint(self) -> str:
        """Name the network that the numbers hold for."""
        return self._classifier.fingerprint

    def run(
        self,
        tell: Callable[[LessonView], None],
        ask: Callable[[], MoodState | None],
        *,
        seconds: float,
    ) -> Person:
        """Look at the face at rest, then at what ``ask`` names until it names None."""
        self._camera.open()
        try:
            lesson = Lesson(time.monotonic(), seconds=seconds)
            self._look_while(lesson, LessonStage.REST, tell)
            while not lesson.is_over and (emotion := ask()) is not None:
                lesson.show(emotion, time.monotonic())
                self._look_while(lesson, LessonStage.SHOW, tell)
        finally:
            self._camera.close()
        lesson.keep()
        if lesson.person is None:
            raise CannotLearn(lesson.view.trouble)
        return lesson.person

    def _look_while(
        self, lesson: Lesson, stage: LessonStage, tell: Callable[[LessonView], None]
    ) -> None:
        while lesson.stage is stage:
            lesson.look(self._look())
            if not lesson.is_over:
                tell(lesson.view)
                time.sleep(EVERY)

    def _look(self) -> Observation:
        frame = self._camera.read()
        boxes = self._detector.detect(frame, everybody=True)
        burst = Burst()
        if boxes:
            face = crop(frame, boxes[0])
            answer = self._classifier.predict([face])[0]
            burst.add(Look.of(len(boxes), boxes[0], face, answer))
        else:
            burst.add(Look.of_nobody(frame))
        return burst.observation(time.monotonic())


def store(paths: Paths, fingerprint: str, person: Person | None) -> None:
    """Write the person for the next start of the agent; None forgets. Raises StoreError."""
    known = person is not None and person.is_known
    FaceFile(paths, fingerprint).save(person.as_numbers() if person and known else None)


__all__ = ["Calibrator", "CannotLearn", "store"]
