"""FER2013 and FER+ as csv: a row a face."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agent.training.data import (
    CLASSES,
    SIZE,
    VOTE_NAMES,
    DataError,
    Faces,
    Pictures,
    one_hot,
    plurality,
    vote_targets,
)
from agent.training.reader_base import Faults, class_id, labelled, some, whole_number

COLUMNS = ("emotion", "pixels", "Usage")
USAGES = ("Training", "PublicTest", "PrivateTest")


def read_fer_csv(file: Path, faults: Faults, usage: str = "Training") -> Faces:
    """Read FER2013's fer2013.csv (columns emotion, pixels, Usage), one part of it.

    Raises DataError for a file that cannot be read or has no such part.
    """
    pictures, labels, usages = [], [], Counter[str]()
    for where, row in _rows(file, COLUMNS):
        usages[row["Usage"]] += 1
        if not _of_part(row, usage, where, faults):
            continue
        picture = _pixels(row["pixels"], where, faults)
        label = class_id(row["emotion"], CLASSES - 1, where, faults)
        if picture is not None and label is not None:
            pictures.append(picture)
            labels.append(label)
    return some(labelled(pictures, labels), file, faults, _no_part(usages, usage))


def read_ferplus_csv(pixels: Path, votes: Path, faults: Faults, usage: str = "Training") -> Faces:
    """Read FER+: its fer2013new.csv holds the votes of the same rows of fer2013.csv.

    Raises DataError for a file that cannot be read or has no such part, and for files of unequal
    length.
    """
    kept: list[tuple[Pictures, int, list[int]]] = []
    usages = Counter[str]()
    pixel_rows = list(_rows(pixels, COLUMNS))
    vote_rows = list(_rows(votes, ("Usage", *VOTE_NAMES)))
    if len(pixel_rows) != len(vote_rows):
        raise DataError(
            f"{pixels} has {len(pixel_rows)} rows and {votes} has {len(vote_rows)}; "
            "row n of the one must be row n of the other."
        )
    for (where, row), (vote_where, vote_row) in zip(pixel_rows, vote_rows, strict=True):
        usages[row["Usage"]] += 1
        if usage in (row["Usage"], vote_row["Usage"]) and row["Usage"] != vote_row["Usage"]:
            detail = f"{vote_row['Usage']}, where {where} says {row['Usage']}"
            faults.add(vote_where, "votes of another part", detail)
            continue
        if not _of_part(row, usage, where, faults):
            continue
        picture = _pixels(row["pixels"], where, faults)
        label = class_id(row["emotion"], CLASSES - 1, where, faults)
        texts = [vote_row[name].strip() for name in VOTE_NAMES]
        counts = [count for text in texts if (count := whole_number(text, 255)) is not None]
        if len(counts) < len(texts):
            faults.add(vote_where, "unreadable votes", f"whole numbers wanted, not {texts}")
        elif picture is not None and label is not None:
            kept.append((picture, label, counts))
    given = np.array([k[1] for k in kept], np.int64)
    table = np.array([k[2] for k in kept], np.uint8).reshape(-1, len(VOTE_NAMES))
    soft, weight = vote_targets(table)
    faces = Faces(
        np.array([k[0] for k in kept], np.uint8).reshape(-1, SIZE, SIZE),
        np.stack([soft, one_hot(given, 0.1)], axis=1),
        np.stack([weight, np.ones_like(weight)], axis=1),
        plurality(table),
        given,
        np.arange(len(given), dtype=np.int64),
    )
    return some(faces, pixels, faults, _no_part(usages, usage))


def _rows(file: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ('file line n', row) of a csv; DataError when the file or a column is missing."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            missing = [name for name in wanted if name not in (reader.fieldnames or [])]
            if missing:
                raise DataError(f"{file} has no column {', '.join(missing)}.")
            for row in reader:
                yield f"{file.name} line {reader.line_num}", {k: row[k] or "" for k in wanted}
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text; save it as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{file} is no csv that can be read ({error}).") from error


def _of_part(row: dict[str, str], usage: str, where: str, faults: Faults) -> bool:
    """Tell whether a row belongs to the part asked for; a part that nobody knows is a fault."""
    if row["Usage"] not in USAGES:
        detail = f"{', '.join(USAGES)} are known, not '{row['Usage'][:40]}'"
        faults.add(where, "unknown Usage", detail)
    return row["Usage"] == usage


def _no_part(usages: Counter[str], usage: str) -> str:
    """Say which parts a file has, where it lacks the one asked for."""
    there = ", ".join(f"'{name[:40]}' ({count})" for name, count in usages.most_common(5))
    return "" if usage in usages else f"No row's Usage is {usage}; there are: {there or 'no rows'}"


def _pixels(text: str, where: str, faults: Faults) -> Pictures | None:
    values = text.split()
    if len(values) != SIZE * SIZE:
        faults.add(where, "unreadable picture", f"{len(values)} pixels, not {SIZE * SIZE}")
        return None
    plain = re.fullmatch(r"[0-9]{1,3}(?: [0-9]{1,3})*", " ".join(values))
    levels = np.array(values, np.int16) if plain else None
    if levels is None or levels.max() > 255:
        faults.add(where, "unreadable picture", "a pixel is no number of 0 to 255")
        return None
    return levels.astype(np.uint8).reshape(SIZE, SIZE)
