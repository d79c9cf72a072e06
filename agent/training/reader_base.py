"""What every reader of single pictures or rows shares: the book of faults, labels, files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.opencv import cv2
from agent.training.data import CLASSES, SIZE, DataError, Faces, Pictures, one_hot
from agent.training.dataset import decoded
from agent.types import EMOTIONS

CONTEMPT = CLASSES
NAMES = {
    **{name: number for number, name in enumerate(EMOTIONS)},
    "anger": 0, "happiness": 3, "sadness": 4, "surprised": 5, "fearful": 2, "disgusted": 1,
    "contempt": CONTEMPT,
}  # fmt: skip
"""Class names as corpora spell them, in lower case."""
DEBRIS = {"thumbs.db", "desktop.ini"}
"""What file managers leave behind, beside names that begin with a dot: nobody's data."""


@dataclass
class Faults:
    """What could not be used: ``found`` holds (where, kind, detail).

    ``others`` counts faces of an expression that is none of the seven, ``twins`` those that are
    held out for validation or tests. Neither of the two is a fault.
    """

    refuse: bool = False
    found: list[tuple[str, str, str]] = field(default_factory=list)
    others: int = 0
    twins: int = 0

    def add(self, where: str, kind: str, detail: str) -> None:
        """Write a fault down, or raise DataError when faults are to be refused."""
        if self.refuse:
            raise DataError(
                f"{where}: {kind} ({detail}). Mend it, or leave such rows out with --on-fault skip."
            )
        self.found.append((where, kind, detail))

    def summary(self) -> list[str]:
        """Make one line a kind: how many, and the first of them by name."""
        kinds = Counter(kind for _, kind, _ in self.found)
        first = {kind: (where, detail) for where, kind, detail in reversed(self.found)}
        lines = [
            f"{count} left out: {kind}, first {first[kind][0]} ({first[kind][1]})"
            for kind, count in kinds.most_common()
        ]
        if self.others:
            lines.append(f"{self.others} left out: an expression that is none of the seven")
        if self.twins:
            lines.append(
                f"{self.twins} left out: near twins of faces held out for validation and tests"
            )
        return lines


def labelled(pictures: list[Pictures], labels: list[int]) -> Faces:
    """Make faces with one label each, which stands in the head of the single label."""
    label = np.array(labels, np.int64)
    hot = one_hot(label, 0.1)
    none = np.zeros(len(label), np.float32)
    return Faces(
        np.array(pictures, np.uint8).reshape(-1, SIZE, SIZE),
        np.stack([np.zeros_like(hot), hot], axis=1),
        np.stack([none, none + 1], axis=1),
        np.full(len(label), -1, np.int64),
        label,
        np.arange(len(label), dtype=np.int64),
    )


def some(faces: Faces, source: Path, faults: Faults, hint: str = "") -> Faces:
    """Return ``faces``; DataError that says what was left out where there are none."""
    if len(faces):
        return faces
    said = [line for line in (hint, *faults.summary()) if line] or ["There is none in it"]
    raise DataError(f"{source} gives no face to train on. {'; '.join(said)}.")


def whole_number(text: str, highest: int) -> int | None:
    """Read the number that ``text`` spells in plain digits.

    None: it does not, or is above ``highest``. (str.isdigit is true for '²', which int() refuses.)
    """
    plain = text.isascii() and text.isdecimal() and len(text) <= 9
    return number if plain and (number := int(text)) <= highest else None


def class_id(text: str, highest: int, where: str, faults: Faults) -> int | None:
    """Find the class that a label names, 0 to ``highest``; None: a fault, written down."""
    text = text.strip()
    if not text:
        faults.add(where, "missing label", "the label is empty")
        return None
    number = whole_number(text, highest)
    if number is None:
        faults.add(where, "class out of range", f"0 to {highest} wanted, not {text[:40]}")
    return number


def entries(folder: Path) -> list[Path]:
    """List what lies in a folder, by name, without debris. DataError where it cannot be read."""
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}).") from error
    return [p for p in found if not p.name.startswith(".") and p.name.lower() not in DEBRIS]


def open_picture(file: Path, faults: Faults) -> Pictures | None:
    """Read a picture file of any kind that OpenCV reads, as uint8 H x W x 3 BGR.

    None: a fault, written down. Its name's ending does not matter.
    """
    if file.is_dir():
        faults.add(str(file), "nested folder", "its pictures are not read; name it by itself")
        return None
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        faults.add(str(file), "unreadable picture", error.strerror or str(error))
        return None
    picture = decoded(data, cv2.IMREAD_COLOR)
    if picture is None:
        faults.add(str(file), "unreadable picture", "it is damaged, or no picture")
    return picture
