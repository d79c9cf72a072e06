"""One frame to probabilities: the seed's pipeline, our cold search, our following of a face.

The three take turns on the same frames in one thread, and the thread's processor time is counted
where the system tells it finely, so that a busy machine disturbs all three alike or not at all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from agent.errors import BadPicture, ModelError
from agent.opencv import cv2
from agent.ports import Classifier
from agent.types import Box, Frame
from agent.vision.alignment import crop
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker
from agent.vision.sources import Kind, Source, open_capture

SIZE = (640, 480)
FINE = 1e-4
_clock: Callable[[], float] = (
    time.thread_time if time.get_clock_info("thread_time").resolution <= FINE else time.perf_counter
)


def measure(
    clip: Path, frames: int = 150, classifier: Classifier | None = None
) -> dict[str, float | None]:
    """Measure the medians in milliseconds: ``seed`` (None without PyTorch), ``cold``, ``tracked``.

    ``frames`` are taken evenly from the clip at 640 x 480; before each its predecessor is shown to
    the tracker, so that following is following a moving face. Raises BadPicture when the clip shows
    too few faces, ModelError.
    """
    cv2.setNumThreads(1)
    classifier = classifier or ExpressionClassifier.load()
    seed = _seed()
    tracker, cold = FaceTracker(), FaceTracker()
    times: dict[str, list[float]] = {"seed": [], "cold": [], "tracked": []}
    for number, (before, frame) in enumerate(_pairs(clip, frames)):
        warm = number >= 3
        if seed is not None:
            _timed(lambda f=frame: seed(f), times["seed"] if warm else [])  # type: ignore[misc]
        _timed(
            lambda f=frame: _classify(f, cold.search(f), classifier),  # type: ignore[misc]
            times["cold"] if warm else [],
        )
        tracker.detect(before)
        if tracker.following:
            _timed(
                lambda f=frame: _classify(f, tracker.detect(f), classifier),  # type: ignore[misc]
                times["tracked"] if warm else [],
            )
    if len(times["tracked"]) < 3:
        raise BadPicture(f"{clip} shows too few faces to measure how one is followed.")
    return {name: statistics.median(taken) if taken else None for name, taken in times.items()}


def _seed() -> Callable[[Frame], object] | None:
    try:
        from agent.training.seed_pipeline import SeedPipeline
    except (ImportError, ModelError):
        return None
    return SeedPipeline().run


def _classify(frame: Frame, boxes: list[Box], classifier: Classifier) -> None:
    if boxes:
        classifier.predict([crop(frame, boxes[0])])


def _timed(work: Callable[[], object], into: list[float]) -> None:
    began = _clock()
    work()
    into.append((_clock() - began) * 1000.0)


def _pairs(clip: Path, count: int) -> Iterator[tuple[Frame, Frame]]:
    """Take ``count`` times two frames that follow each other, spread over the clip."""
    capture = open_capture(Source(Kind.FILE, str(clip), str(clip)))
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    step = max(2, total // count)
    before: Frame | None = None
    number = 0
    try:
        while capture.grab():
            place = number % step
            number += 1
            if place > 1:
                continue
            ok, frame = capture.retrieve()
            if not ok:
                continue
            sized = np.asarray(frame, dtype=np.uint8)
            if (sized.shape[1], sized.shape[0]) != SIZE:
                sized = np.asarray(cv2.resize(sized, SIZE), dtype=np.uint8)
            if place == 0:
                before = sized
            elif before is not None:
                yield before, sized
    finally:
        capture.release()
