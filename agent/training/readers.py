"""Readers for corpora that lie on the disk as rows or single pictures.

Every reader takes a :class:`Faults` book. A row that cannot be used is written into it by name
and kind, and left out; a book that was opened with ``refuse`` raises DataError at the first. Faces
of an expression outside the seven (contempt) are no fault; they are counted apart.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from agent.training.data import (
    CLASSES,
    SIZE,
    VOTE_NAMES,
    DataError,
    Faces,
    Pictures,
    as_network_sees,
    join,
    one_hot,
    plurality,
    vote_targets,
)
from agent.training.twins import near_twins
from agent.types import EMOTIONS

CONTEMPT = CLASSES
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
NAMES = {
    **{name: number for number, name in enumerate(EMOTIONS)},
    "anger": 0, "happiness": 3, "sadness": 4, "surprised": 5, "fearful": 2, "disgusted": 1,
    "contempt": CONTEMPT,
}  # fmt: skip
"""Class names as corpora spell them, in lower case."""


@dataclass
class Faults:
    """What could not be used: ``found`` holds (where, kind, detail); ``others`` counts faces of an
    expression that is none of the seven, ``twins`` those that stand in the validation part too.
    Neither of the two is a fault."""

    refuse: bool = False
    found: list[tuple[str, str, str]] = field(default_factory=list)
    others: int = 0
    twins: int = 0

    def add(self, where: str, kind: str, detail: str) -> None:
        """Writes a fault down, or raises DataError when faults are to be refused."""
        if self.refuse:
            raise DataError(
                f"{where}: {kind} ({detail}). Mend it, or leave such rows out with --on-fault skip."
            )
        self.found.append((where, kind, detail))

    def summary(self) -> list[str]:
        """One line a kind: how many, and the first of them by name."""
        kinds = Counter(kind for _, kind, _ in self.found)
        first = {kind: (where, detail) for where, kind, detail in reversed(self.found)}
        lines = [
            f"{count} left out: {kind}, first {first[kind][0]} ({first[kind][1]})"
            for kind, count in kinds.most_common()
        ]
        if self.others:
            lines.append(f"{self.others} left out: an expression that is none of the seven")
        if self.twins:
            lines.append(f"{self.twins} left out: a copy or near twin of a validation face")
        return lines


def _faces(pictures: list[Pictures], labels: list[int]) -> Faces:
    """Faces with one label each, which stands in the head of the single label."""
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


# --- FER2013 and FER+ as csv ----------------------------------------------------------------------


def read_fer_csv(file: Path, faults: Faults, usage: str = "Training") -> Faces:
    """FER2013's fer2013.csv (columns emotion, pixels, Usage), one part of it."""
    pictures, labels = [], []
    for where, row in _rows(file, ("emotion", "pixels", "Usage")):
        if row["Usage"] != usage:
            continue
        picture = _pixels(row["pixels"], where, faults)
        label = _class_id(row["emotion"], CLASSES - 1, where, faults)
        if picture is not None and label is not None:
            pictures.append(picture)
            labels.append(label)
    return _faces(pictures, labels)


def read_ferplus_csv(pixels: Path, votes: Path, faults: Faults, usage: str = "Training") -> Faces:
    """FER+: its fer2013new.csv holds the votes of the same rows of fer2013.csv."""
    kept: list[tuple[Pictures, int, list[int]]] = []
    pixel_rows = list(_rows(pixels, ("emotion", "pixels", "Usage")))
    vote_rows = list(_rows(votes, ("Usage", *VOTE_NAMES)))
    if len(pixel_rows) != len(vote_rows):
        raise DataError(
            f"{pixels} has {len(pixel_rows)} rows and {votes} has {len(vote_rows)}; "
            "row n of the one must be row n of the other."
        )
    for (where, row), (vote_where, vote_row) in zip(pixel_rows, vote_rows, strict=True):
        if row["Usage"] != usage:
            continue
        picture = _pixels(row["pixels"], where, faults)
        label = _class_id(row["emotion"], CLASSES - 1, where, faults)
        counts = [vote_row[name] for name in VOTE_NAMES]
        if not all(count.isdigit() and int(count) <= 255 for count in counts):
            faults.add(vote_where, "unreadable votes", f"whole numbers wanted, not {counts}")
        elif picture is not None and label is not None:
            kept.append((picture, label, [int(count) for count in counts]))
    given = np.array([k[1] for k in kept], np.int64)
    table = np.array([k[2] for k in kept], np.uint8).reshape(-1, len(VOTE_NAMES))
    soft, weight = vote_targets(table)
    return Faces(
        np.array([k[0] for k in kept], np.uint8).reshape(-1, SIZE, SIZE),
        np.stack([soft, one_hot(given, 0.1)], axis=1),
        np.stack([weight, np.ones_like(weight)], axis=1),
        plurality(table) if len(table) else given,
        given,
        np.arange(len(given), dtype=np.int64),
    )


def _rows(file: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """('file line n', row) of a csv; DataError when the file or a column is missing."""
    try:
        with file.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text)
            missing = [name for name in wanted if name not in (reader.fieldnames or [])]
            if missing:
                raise DataError(f"{file} has no column {', '.join(missing)}.")
            for row in reader:
                yield f"{file.name} line {reader.line_num}", {k: row[k] or "" for k in wanted}
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from error


def _pixels(text: str, where: str, faults: Faults) -> Pictures | None:
    values = text.split()
    if len(values) != SIZE * SIZE:
        faults.add(where, "unreadable picture", f"{len(values)} pixels, not {SIZE * SIZE}")
        return None
    if not all(value.isdigit() and int(value) <= 255 for value in values):
        faults.add(where, "unreadable picture", "a pixel is no number of 0 to 255")
        return None
    return np.array(values, np.uint8).reshape(SIZE, SIZE)


def _class_id(text: str, highest: int, where: str, faults: Faults) -> int | None:
    text = text.strip()
    if not text:
        faults.add(where, "missing label", "the label is empty")
        return None
    if not text.isdigit() or int(text) > highest:
        faults.add(where, "class out of range", f"0 to {highest} wanted, not {text}")
        return None
    return int(text)


# --- folders --------------------------------------------------------------------------------------


def read_folders(root: Path, faults: Faults) -> Faces:
    """One folder a class, named like the class (angry or anger, happy or happiness, ...)."""
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.")
    pictures, labels = [], []
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        label = NAMES.get(folder.name.lower())
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES)
        if label is None:
            faults.add(str(folder), "class out of range", f"known are {', '.join(NAMES)}")
            continue
        if label == CONTEMPT:
            faults.others += len(files)
            continue
        for file in files:
            picture = _open(file, faults)
            if picture is not None:
                pictures.append(as_network_sees(picture))
                labels.append(label)
    return _faces(pictures, labels)


def read_yolo(root: Path, faults: Faults) -> Faces:
    """AffectNet in YOLO's form: ``images/NAME.png`` and ``labels/NAME.txt`` with lines of
    ``class cx cy w h``, the box in shares of the picture. Each box's face is cut out.

    A ``data.yaml`` with a line ``names: [...]`` says which class is which; without one the ids are
    in the order of EMOTIONS, then contempt.
    """
    folder = root / "images"
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; wanted are images/ and labels/ in {root}.")
    classes = _yolo_classes(root)
    pictures, labels = [], []
    for file in sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES):
        text = root / "labels" / f"{file.stem}.txt"
        if not text.is_file() or not text.read_text(encoding="utf-8").strip():
            faults.add(str(file), "missing label", f"wanted in {text.name}")
            continue
        picture = _open(file, faults)
        if picture is None:
            continue
        for number, line in enumerate(text.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{text} line {number}"
            face = _yolo_face(line, picture, classes, where, faults) if line.strip() else None
            if face is not None and face[1] == CONTEMPT:
                faults.others += 1
            elif face is not None:
                pictures.append(as_network_sees(face[0]))
                labels.append(face[1])
    return _faces(pictures, labels)


def _yolo_classes(root: Path) -> list[int]:
    for file in (root / "data.yaml", root.parent / "data.yaml"):
        if not file.is_file():
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "names" and value.strip().startswith("["):
                names = [n.strip(" '\"").lower() for n in value.strip(" []").split(",")]
                unknown = [n for n in names if n not in NAMES]
                if unknown:
                    raise DataError(f"{file} names unknown classes: {', '.join(unknown)}.")
                return [NAMES[n] for n in names]
        raise DataError(f"{file} has no line 'names: [..]' that says which class is which.")
    return list(range(CLASSES + 1))


def _yolo_face(
    line: str, picture: Pictures, classes: list[int], where: str, faults: Faults
) -> tuple[Pictures, int] | None:
    parts = line.split()
    try:
        cx, cy, w, h = (float(part) for part in parts[1:])
    except ValueError:
        faults.add(where, "unreadable label", f"'class cx cy w h' wanted, not '{line.strip()}'")
        return None
    number = _class_id(parts[0], len(classes) - 1, where, faults)
    if number is None:
        return None
    height, width = picture.shape[:2]
    left, right = round((cx - w / 2) * width), round((cx + w / 2) * width)
    top, bottom = round((cy - h / 2) * height), round((cy + h / 2) * height)
    # A box may touch the border, and rounding may put it one pixel beyond.
    inside = left >= -1 and top >= -1 and right <= width + 1 and bottom <= height + 1
    if not inside or right - left < 1 or bottom - top < 1:
        box = f"x {left}..{right}, y {top}..{bottom} in a picture of {width} x {height}"
        faults.add(where, "box outside the image", box)
        return None
    return picture[max(top, 0) : bottom, max(left, 0) : right], classes[number]


def _open(file: Path, faults: Faults) -> Pictures | None:
    data = np.frombuffer(file.read_bytes(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        faults.add(str(file), "unreadable picture", "it is damaged, or no picture")
        return None
    return np.asarray(picture, np.uint8)


READERS: dict[str, Callable[[Path, Faults], Faces]] = {
    "fer-csv": read_fer_csv,
    "folders": read_folders,
    "affectnet-yolo": read_yolo,
}
"""What ``moodtray train --add KIND=PATH`` can read beside the packed corpora."""


def read_added(spec: str, faults: Faults) -> Faces:
    """Reads KIND=PATH; DataError names the kinds that there are. For the kind ``ferplus-csv`` the
    path is the folder of fer2013.csv and fer2013new.csv."""
    kind, _, path = spec.partition("=")
    if kind == "ferplus-csv" and path:
        return read_ferplus_csv(Path(path) / "fer2013.csv", Path(path) / "fer2013new.csv", faults)
    if kind not in READERS or not path:
        kinds = ", ".join([*READERS, "ferplus-csv"])
        raise DataError(f"'{spec}' is not KIND=PATH with one of the kinds {kinds}.")
    return READERS[kind](Path(path), faults)


def join_added(training: Faces, validation: Faces, specs: Sequence[str], faults: Faults) -> Faces:
    """``training`` and the faces of each KIND=PATH of ``specs`` behind one another, without those
    that are near twins of a validation face: FER2013's csv, or a folder of its pictures, holds the
    very faces that validation is made of. They are counted in ``faults.twins``. Raises DataError
    where a spec cannot be read."""
    parts = [training]
    for spec in specs:
        added = read_added(spec, faults)
        alike = near_twins(added.pictures, validation.pictures)
        faults.twins += int(alike.sum())
        parts.append(added.take(~alike))
    return join(*parts) if specs else training
