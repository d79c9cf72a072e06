"""Opens packed corpora: an .npz of all pictures' files, and a row a picture of what is known.

Opened in one place, so that whatever is wrong with such a file is said in words.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.training.dataset import SIZE, DataError, Pictures, as_network_sees, decoded
from agent.training.paths import whole

BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for a file that is torn, empty or none of its own."""

WHOLE, REAL, WORDS = "iu", "f", "US"


@dataclass(frozen=True)
class Column:
    """What an array of a packed corpus may hold.

    A row a picture, of ``width`` numbers (0: of one) between ``lowest`` and ``highest``; ``kinds``
    are numpy's letters for the types allowed, whole numbers if nothing is said.
    """

    lowest: float = -math.inf
    highest: float = math.inf
    width: int = 0
    kinds: str = WHOLE


@dataclass(frozen=True)
class Packed:
    """A packed corpus that was found whole; its arrays by name. Made by :func:`open_packed`."""

    file: Path
    blob: str
    arrays: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def files(self) -> list[NDArray[np.uint8]]:
        """Give the pictures' files as they are packed, views of bytes. Raises DataError."""
        offsets = self["off"]
        data = _arrays(self.file, [self.blob])[self.blob]
        if data.dtype != np.uint8 or data.ndim != 1 or len(data) < offsets[-1]:
            raise _torn(self.file, f"its {self.blob} ends before the last picture")
        return [data[a:b] for a, b in pairwise(offsets)]

    def pictures(
        self, cache: Path, seen: Callable[[Pictures], Pictures] = as_network_sees, way: str = ""
    ) -> Pictures:
        """Read all pictures as uint8 [N, 48, 48], each brought there by ``seen``.

        Decoded once, then kept in ``cache`` where that can be written, under a name that tells of
        the ``way``. Raises DataError that names a picture which cannot be decoded.
        """
        stamp = self.file.stat()
        kept = cache / f"{self.file.stem}-{stamp.st_size}-{stamp.st_mtime_ns}-{SIZE}{way}.npy"
        count = len(self["off"]) - 1
        if (known := _kept(kept, count)) is not None:
            return known
        pictures = np.empty((count, SIZE, SIZE), np.uint8)
        for row, part in enumerate(self.files()):
            if (picture := decoded(part, cv2.IMREAD_GRAYSCALE)) is None:
                raise _torn(self.file, f"picture {row} cannot be decoded")
            pictures[row] = seen(picture)
        # A folder that cannot be written, or a full disk, costs the decoding every time, no more.
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
            with whole(kept) as part_file, part_file.open("wb") as out:
                np.save(out, pictures)
        return pictures


def open_packed(file: Path, blob: str, columns: Mapping[str, Column]) -> Packed:
    """Open the packed corpus ``file``.

    An array ``blob`` of bytes, picture i from ``off[i]`` to ``off[i + 1]``, and an array for each
    of ``columns``.

    Raises DataError that names the file and what is wrong: it is missing, torn or empty, lacks an
    array, an array's length does not fit, a value is out of range.
    """
    arrays = _arrays(file, ["off", *columns], seen=[blob])
    offsets = arrays["off"]
    if offsets.dtype.kind not in WHOLE or offsets.ndim != 1 or len(offsets) < 2:
        raise _torn(file, "its off names no picture")
    if offsets[0] < 0 or (offsets[1:] < offsets[:-1]).any():
        raise _torn(file, "its off does not rise from 0")
    for name, column in columns.items():
        wrong = _wrong(arrays[name], column, len(offsets) - 1)
        if wrong:
            raise _torn(file, f"its {name} {wrong}")
    return Packed(file, blob, arrays)


def _wrong(array: NDArray[Any], column: Column, count: int) -> str:
    """Say what about an array is not as its column says; empty: nothing."""
    wanted = (count, column.width) if column.width else (count,)
    if array.shape != wanted:
        return f"has the shape {array.shape}, where {count} pictures want {wanted}"
    if array.dtype.kind not in column.kinds:
        wanted_kind = {WHOLE: "whole numbers", REAL: "fractions", WORDS: "words"}[column.kinds]
        return f"holds {array.dtype}, not {wanted_kind}"
    if column.kinds == WORDS:
        return ""
    outside = ~((array >= column.lowest) & (array <= column.highest))  # catches nan, too
    if outside.any():
        row = np.argwhere(outside)[0]
        allowed = f"{column.lowest:g} to {column.highest:g}"
        return f"holds {array[tuple(row)]} in row {row[0]}, where {allowed} is allowed"
    return ""


def _arrays(file: Path, names: list[str], seen: list[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the named arrays of an .npz; those of ``seen`` have to be there, but are not read."""
    try:
        packed = np.load(file)
        if not isinstance(packed, np.lib.npyio.NpzFile):
            raise _torn(file, "it is no .npz")
        with packed:
            missing = [name for name in [*names, *(seen or [])] if name not in packed.files]
            if missing:
                raise _torn(file, f"it has no {', '.join(missing)}")
            return {name: packed[name] for name in names}
    except FileNotFoundError as error:
        raise DataError(f"There is no file {file}.") from error
    except BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "torn"
        raise _torn(file, f"it cannot be read as .npz ({reason})") from error


def _torn(file: Path, what: str) -> DataError:
    return DataError(f"{file} is damaged, or not the file it should be: {what}. Fetch it again.")


def _kept(file: Path, count: int) -> Pictures | None:
    """Read the pictures kept in a cache; None: there are none, or not those wanted."""
    try:
        pictures = np.load(file)
    except BROKEN:
        return None
    whole = pictures.shape == (count, SIZE, SIZE) and pictures.dtype == np.uint8
    return np.asarray(pictures) if whole else None
