"""Draws the README's picture of the finder: the preview of a tilted, a dark and a far face, and
beside it what OpenCV's Haar cascade made of the same frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from agent.desktop.preview.picture import compose
from agent.desktop.preview.shared_frame import Shown
from agent.types import EMOTIONS, Frame, MoodState
from agent.vision.burst import Look, crop
from agent.vision.expression import ExpressionClassifier
from agent.vision.faces import FaceTracker, FinderName
from agent.wording import MOOD_WORDS
from tests.vision.scenes import actor, dark, tilted

OUT = Path(__file__).parent.parent / "resources" / "screenshots" / "finder.png"
SIZE = (480, 360)
GAP = 8
SMILE = 330
"""A frame of the demo clip in which the actor smiles."""
NOBODY = 1230
"""And one of the empty room."""


def main() -> None:
    """Write the picture: Haar above, BlazeFace below."""
    smiling = actor(SMILE)
    frames = [tilted(smiling, 35), dark(smiling), far_away(smiling)]
    classifier = ExpressionClassifier.load()
    finders: dict[str, FinderName] = {"Haar": "haar", "BlazeFace": "blazeface"}
    rows = [
        [shown(frame, name, finder, classifier) for frame in frames]
        for name, finder in finders.items()
    ]
    side = np.full((SIZE[1], GAP, 3), 255, np.uint8)
    strips = [np.hstack([row[0], side, row[1], side, row[2]]) for row in rows]
    between = np.full((GAP, strips[0].shape[1], 3), 255, np.uint8)
    whole = np.vstack([strips[0], between, strips[1]])
    picture = Image.fromarray(np.ascontiguousarray(whole[:, :, ::-1]))
    picture.quantize(256, kmeans=3).save(OUT, optimize=True)  # a third of the size
    print(OUT.name)


def far_away(frame: Frame, share: float = 0.2) -> Frame:
    """The actor at the far end of their room."""
    labels = np.zeros(frame.shape[:2], np.uint8)
    scratch = np.zeros((1, 65)), np.zeros((1, 65))
    around = (130, 40, 390, frame.shape[0] - 40)
    cv2.grabCut(frame, labels, around, *scratch, 4, cv2.GC_INIT_WITH_RECT)
    person = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    small = cv2.resize(frame, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(person, small.shape[1::-1], interpolation=cv2.INTER_AREA)[:, :, None]
    height, width = small.shape[:2]
    empty = actor(NOBODY)
    y, x = 300, (frame.shape[1] - width) // 2
    part = empty[y : y + height, x : x + width]
    part[:] = np.round(0.8 * small * mask + part * (1 - mask))  # it is evening there
    empty[y + height :] = (64, 84, 104)  # a table before them
    return empty


def shown(frame: Frame, name: str, finder: FinderName, classifier: ExpressionClassifier) -> Frame:
    """The preview's picture of ``frame``."""
    boxes = FaceTracker(finder).search(frame)
    if not boxes:
        return compose(Shown(frame, (), None, 30.0, f"{name}: nobody is here"), SIZE)
    face = crop(frame, boxes[0])
    look = Look.of(len(boxes), boxes[0], face, classifier.predict([face])[0])
    assert look.probabilities is not None
    words = MOOD_WORDS[MoodState(EMOTIONS[int(look.probabilities.argmax())])]
    line = f"{name}: you look {words}" if not look.unclear else f"{name}: {look.unclear}"
    bars = tuple(float(p) for p in look.probabilities)
    return compose(Shown(frame, tuple(boxes), bars, 30.0, line), SIZE)


if __name__ == "__main__":
    main()
