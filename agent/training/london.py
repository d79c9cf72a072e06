"""Portraits for measuring, never for training: each person once at rest and once smiling.

Half of the Face Research Lab London set (DeBruine & Jones 2017, figshare 5047666, CC BY 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.opencv import cv2
from agent.training.dataset import DataError, decoded
from agent.training.npz_corpora import WORDS, Column, open_packed
from agent.types import Box, Frame

FILE = "london.npz"
NEUTRAL, SMILING = "neutral", "smiling"
FACE = Box(190, 194, 255, 255)
"""Where the face lies in a portrait of 640 x 640: they are all framed alike."""
_WORDS = Column(kinds=WORDS)


@dataclass(frozen=True)
class Portraits:
    """``pictures`` BGR, 640 x 640; the rest says of each who it is and how they look."""

    pictures: list[Frame]
    person: NDArray[np.str_]
    expression: NDArray[np.str_]
    age: NDArray[np.int64]  # -1: not told
    gender: NDArray[np.str_]
    ethnicity: NDArray[np.str_]


def read_london(folder: Path) -> Portraits:
    """Read london.npz of ``folder``. Raises DataError: missing, damaged, or of another form."""
    names = ("face_id", "expression", "age", "gender", "ethnicity")
    packed = open_packed(folder / FILE, "jpeg", dict.fromkeys(names, _WORDS))
    pictures = []
    for row, part in enumerate(packed.files()):
        if (picture := decoded(part, cv2.IMREAD_COLOR)) is None:
            raise DataError(f"{packed.file} is damaged: picture {row} cannot be decoded.")
        pictures.append(picture)
    age = [int(text) if str(text).isdecimal() else -1 for text in packed["age"]]
    return Portraits(
        pictures, packed["face_id"], packed["expression"], np.array(age, np.int64),
        packed["gender"], packed["ethnicity"],
    )  # fmt: skip
