"""One picture or video -> faces and what they express. Nothing is stored."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.errors import BadPicture
from agent.opencv import cv2
from agent.printable import printable
from agent.translation import _, ngettext
from agent.types import EMOTIONS, Box, Frame
from agent.vision.alignment import crop
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker, FinderName
from agent.vision.media import read
from agent.vision.quality import measure, trust, unclear

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 0.5
"""Of a video one frame in so many seconds is looked at."""


@dataclass(frozen=True, slots=True)
class AnalysedFace:
    """``probabilities``: seven, in the order of EMOTIONS, sum 1.

    ``unsure``: the network knows too little of this face; its answer, taken alone, is as likely
    wrong as right. ``quality``, 0..1: how likely the answer is right; ``unclear``: why it cannot be
    told, in words (empty: it can).
    """

    box: Box
    probabilities: tuple[float, ...]
    unsure: bool
    quality: float = 1.0
    unclear: str = ""

    @property
    def emotion(self) -> str:
        """The most probable."""
        return EMOTIONS[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The leading probability."""
        return max(self.probabilities)

    def __str__(self) -> str:
        if self.unclear and self.quality == 0.0:
            return _("not clear ({unclear})").format(unclear=self.unclear)
        told = f"{self.emotion} {self.confidence:.0%}"
        return _("unsure (perhaps {told})").format(told=told) if self.unsure else told

    def as_dict(self) -> dict[str, object]:
        """Make it ready for JSON."""
        box = self.box
        return {
            "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
            "unsure": self.unsure,
            "quality": round(self.quality, 4),
            "unclear": self.unclear,
            "probabilities": {
                name: round(p, 4) for name, p in zip(EMOTIONS, self.probabilities, strict=True)
            },
        }


@dataclass(frozen=True, slots=True)
class AnalysedFrame:
    """``time``: seconds from the video's beginning, None for a picture."""

    time: float | None
    faces: tuple[AnalysedFace, ...]

    def as_dict(self) -> dict[str, object]:
        """Make it ready for JSON."""
        faces = [face.as_dict() for face in self.faces]
        return {"faces": faces} if self.time is None else {"time": self.time, "faces": faces}


@dataclass(frozen=True, slots=True)
class Analysis:
    """One file: a picture has one frame, a video as many as were looked at."""

    path: Path
    kind: str  # "picture" or "video"
    width: int
    height: int
    frames: tuple[AnalysedFrame, ...]
    damaged: bool = False  # a part of the picture is missing

    @property
    def found(self) -> bool:
        """True when there was a face anywhere."""
        return any(frame.faces for frame in self.frames)

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.damaged:
            return _("{seen} The file is damaged: a part of the picture is missing.").format(
                seen=self._seen
            )
        return self._seen

    @property
    def _seen(self) -> str:
        name = printable(self.path.name)
        if not self.found:
            return _("No face found in {name}.").format(name=name)
        if self.kind == "picture":
            (frame,) = self.frames
            said = ", ".join(str(face) for face in frame.faces)
            count = len(frame.faces)
            return ngettext(
                "{count} face in {name}: {said}.", "{count} faces in {name}: {said}.", count
            ).format(count=count, name=name, said=said)
        first = [frame.faces[0] for frame in self.frames if frame.faces]  # the largest of each
        often = Counter("unsure" if face.unsure else face.emotion for face in first)
        said = ", ".join(f"{name} in {count}" for name, count in often.most_common())
        return _("A face in {seen} of {all} moments of {name}: {said}.").format(
            seen=len(first), all=len(self.frames), name=name, said=said
        )

    def as_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "file": str(self.path),
            "kind": self.kind,
            "width": self.width,
            "height": self.height,
            "damaged": self.damaged,
            "found": self.found,
            "summary": self.summary,
            "frames": [frame.as_dict() for frame in self.frames],
        }


def analyze(
    path: Path,
    classifier: ExpressionClassifier,
    *,
    sample_seconds: float = SAMPLE_SECONDS,
    finder: FinderName = "blazeface",
) -> Analysis:
    """Look at a picture, or at a video every ``sample_seconds``.

    A file without a face is a result, not an error. Raises BadPicture: missing, unreadable, or
    neither picture nor video.
    """
    try:
        return _analyze(path, classifier, sample_seconds, finder)
    except (cv2.error, MemoryError) as error:
        log.exception("%s could not be looked at", printable(str(path)))
        raise BadPicture(
            _("{path} could not be looked at; it is probably damaged.").format(
                path=printable(str(path))
            )
        ) from error


def _analyze(
    path: Path, classifier: ExpressionClassifier, sample_seconds: float, finder: FinderName
) -> Analysis:
    media = read(path, sample_seconds)
    tracker = FaceTracker(finder)
    frames: list[AnalysedFrame] = []
    size = (0, 0)
    for time, frame in media.frames:
        # A picture is looked at closely; of each moment of a video all faces are wanted, too.
        boxes = tracker.search_all(frame) if time is None else tracker.search(frame)
        size = (frame.shape[1], frame.shape[0])
        faces = _classified(frame, boxes, classifier)
        frames.append(AnalysedFrame(None if time is None else round(time, 3), faces))
    return Analysis(path, media.kind, *size, tuple(frames), media.damaged)


def _classified(
    frame: Frame, boxes: list[Box], classifier: ExpressionClassifier
) -> tuple[AnalysedFace, ...]:
    crops = [crop(frame, box) for box in boxes]
    faces = []
    for box, face, row in zip(boxes, crops, classifier.predict(crops), strict=True):
        measures = measure(box, face)
        quality = trust(measures, row)
        unsure = quality == 0.0 or float(row.max()) < classifier.unsure_below
        probabilities = tuple(float(p) for p in row)
        faces.append(AnalysedFace(box, probabilities, unsure, quality, unclear(measures, quality)))
    return tuple(faces)
