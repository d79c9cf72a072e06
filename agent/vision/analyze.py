"""One picture or video -> faces and what they express. Nothing is stored."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from agent.errors import BadPicture
from agent.types import EMOTIONS, Box, Frame
from agent.vision.alignment import crop
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker, FinderName
from agent.vision.quality import measure, trust, unclear
from agent.vision.sources import Kind, Source, open_capture

SAMPLE_SECONDS = 0.5
"""Of a video one frame in so many seconds is looked at."""


@dataclass(frozen=True, slots=True)
class AnalysedFace:
    """``probabilities``: seven, in the order of EMOTIONS, sum 1. ``unsure``: the network knows too
    little of this face; its answer, taken alone, is as likely wrong as right. ``quality``, 0..1:
    how likely the answer is right; ``unclear``: why it cannot be told, in words (empty: it can)."""

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
        return max(self.probabilities)

    def __str__(self) -> str:
        if self.unclear and self.quality == 0.0:
            return f"not clear ({self.unclear})"
        told = f"{self.emotion} {self.confidence:.0%}"
        return f"unsure (perhaps {told})" if self.unsure else told

    def as_dict(self) -> dict[str, object]:
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

    @property
    def found(self) -> bool:
        """Was there a face anywhere?"""
        return any(frame.faces for frame in self.frames)

    @property
    def summary(self) -> str:
        """One sentence for people."""
        if not self.found:
            return f"No face found in {self.path.name}."
        if self.kind == "picture":
            (frame,) = self.frames
            said = ", ".join(str(face) for face in frame.faces)
            count = len(frame.faces)
            return f"{count} face{'s' if count > 1 else ''} in {self.path.name}: {said}."
        first = [frame.faces[0] for frame in self.frames if frame.faces]  # the largest of each
        often = Counter("unsure" if face.unsure else face.emotion for face in first)
        said = ", ".join(f"{name} in {count}" for name, count in often.most_common())
        return f"A face in {len(first)} of {len(self.frames)} moments of {self.path.name}: {said}."

    def as_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "file": str(self.path),
            "kind": self.kind,
            "width": self.width,
            "height": self.height,
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
    _check_readable(path)
    tracker = FaceTracker(finder)
    picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is not None:
        frame = np.asarray(picture, dtype=np.uint8)
        seen = AnalysedFrame(None, _classified(frame, tracker.search_all(frame), classifier))
        return Analysis(path, "picture", frame.shape[1], frame.shape[0], (seen,))
    frames: list[AnalysedFrame] = []
    size = (0, 0)
    for time, frame in _sampled(path, sample_seconds):
        size = (frame.shape[1], frame.shape[0])
        faces = _classified(frame, tracker.search(frame), classifier)
        frames.append(AnalysedFrame(round(time, 3), faces))
    if not frames:
        raise BadPicture(_neither(path))
    return Analysis(path, "video", *size, tuple(frames))


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise BadPicture(f"The file {path} is not there. Check its name and folder.")
    if not path.is_file():
        raise BadPicture(f"{path} is a folder, not a picture or video. Name the files in it.")
    if not os.access(path, os.R_OK):
        raise BadPicture(f"{path} cannot be read. Check its permissions.")
    if path.stat().st_size == 0:
        raise BadPicture(f"{path} is empty.")


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


def _sampled(path: Path, seconds: float) -> Iterator[tuple[float, Frame]]:
    """(time, frame) of a video; the first frame at once, then one every ``seconds``."""
    try:
        capture = open_capture(Source(Kind.FILE, str(path), str(path)))
    except BadPicture as error:
        raise BadPicture(_neither(path)) from error
    fps = capture.get(cv2.CAP_PROP_FPS)
    rate = fps if 0.1 <= fps <= 240.0 else 25.0
    try:
        number, due = 0, 0.0
        while capture.grab():
            time = number / rate
            number += 1
            if time + 1e-9 < due:
                continue
            ok, frame = capture.retrieve()
            if ok:
                yield time, np.asarray(frame, dtype=np.uint8)
                due += seconds
    finally:
        capture.release()


def _neither(path: Path) -> str:
    return (
        f"{path} is neither a picture nor a video that can be read. Pictures: JPEG, PNG, WebP, "
        "BMP, TIFF; videos: MP4, MOV, MKV, WebM, AVI. Check that the file is complete."
    )
