"""Corpora that lie on the disk as rows or single pictures, by kind, and how they join training.

Every reader takes a :class:`Faults` book. A row that cannot be used is written into it by name
and kind, and left out; a book that was opened with ``refuse`` raises DataError at the first. Faces
of an expression outside the seven (contempt) are no fault; they are counted apart. A corpus of
which no face can be used is a DataError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from agent.training.data import DataError, Faces, as_network_sees, join
from agent.training.fer_csv import read_fer_csv, read_ferplus_csv
from agent.training.near_duplicates import near_twins
from agent.training.reader_base import (
    CONTEMPT,
    NAMES,
    Faults,
    entries,
    labelled,
    open_picture,
    some,
)
from agent.training.yolo import read_yolo

__all__ = ["READERS", "Faults", "join_added", "read_added", "read_folders"]

LOOSE = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif",
    ".jp2", ".pgm", ".ppm",
}  # fmt: skip
"""Pictures by their names: beside the class folders, where a licence or a list may lie too."""


def read_folders(root: Path, faults: Faults) -> Faces:
    """Read one folder a class, its pictures right in it.

    Named like the class (angry or anger, happy or happiness, ...). Raises DataError where no face
    can be used.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.")
    pictures, labels = [], []
    for folder in entries(root):
        label = NAMES.get(folder.name.lower())
        if not folder.is_dir():
            if folder.suffix.lower() in LOOSE:
                faults.add(str(folder), "loose picture", "it lies in no class folder")
            continue
        if label is None:
            faults.add(str(folder), "class out of range", f"known are {', '.join(NAMES)}")
            continue
        for file in entries(folder):
            picture = open_picture(file, faults)
            if picture is not None and label == CONTEMPT:
                faults.others += 1
            elif picture is not None:
                pictures.append(as_network_sees(picture))
                labels.append(label)
    hint = f"Wanted is one folder a class, named as one of {', '.join(NAMES)}"
    return some(labelled(pictures, labels), root, faults, hint)


READERS: dict[str, Callable[[Path, Faults], Faces]] = {
    "fer-csv": read_fer_csv,
    "folders": read_folders,
    "affectnet-yolo": read_yolo,
}
"""What ``moodtray train --add KIND=PATH`` can read beside the packed corpora."""


def read_added(spec: str, faults: Faults) -> Faces:
    """Read KIND=PATH; DataError names the kinds that there are.

    For the kind ``ferplus-csv`` the path is the folder of fer2013.csv and fer2013new.csv.
    """
    kind, _, path = spec.partition("=")
    if kind == "ferplus-csv" and path:
        return read_ferplus_csv(Path(path) / "fer2013.csv", Path(path) / "fer2013new.csv", faults)
    if kind not in READERS or not path:
        kinds = ", ".join([*READERS, "ferplus-csv"])
        raise DataError(f"'{spec}' is not KIND=PATH with one of the kinds {kinds}.")
    return READERS[kind](Path(path), faults)


def join_added(training: Faces, held: Faces, specs: Sequence[str], faults: Faults) -> Faces:
    """Put ``training`` and the faces of each KIND=PATH of ``specs`` behind one another.

    Without those that are near twins of one of ``held``: FER2013's csv, or a folder of its
    pictures, holds the very faces that validation and PublicTest are made of. They are counted in
    ``faults.twins``. Raises DataError where a spec cannot be read.
    """
    parts = [training]
    for spec in specs:
        added = read_added(spec, faults)
        alike = near_twins(added.pictures, held.pictures)
        faults.twins += int(alike.sum())
        parts.append(added.take(~alike))
    return join(*parts) if specs else training
