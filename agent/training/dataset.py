"""What all of training means by a face: its size, its labels, and how it is made of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.errors import AgentError
from agent.opencv import cv2
from agent.types import EMOTIONS

SIZE = 48
CLASSES = len(EMOTIONS)

Pictures = NDArray[np.uint8]


class DataError(AgentError):
    """Training data that is missing or cannot be used; the message names file and row."""

    title = "The training data cannot be used"


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    ``pictures`` uint8 [N, 48, 48]; ``targets`` float32 [N, 2, 7], each row a distribution or zeros;
    ``weights`` float32 [N, 2]; ``plurality`` and ``label`` int64 [N], -1 where the corpus does not
    say; ``group`` int64 [N], equal for pictures that are near twins.
    """

    pictures: Pictures
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    plurality: NDArray[np.int64]
    label: NDArray[np.int64]
    group: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Faces:
        """Return the same with the given rows only."""
        return Faces(
            self.pictures[rows], self.targets[rows], self.weights[rows],
            self.plurality[rows], self.label[rows], self.group[rows],
        )  # fmt: skip

    def best_label(self) -> NDArray[np.int64]:
        """Return the votes' plurality where there is one, else the single label; -1: neither."""
        return np.where(self.plurality >= 0, self.plurality, self.label)


def join(*parts: Faces) -> Faces:
    """Put several corpora behind one another; their groups stay apart."""
    offset, groups = 0, []
    for part in parts:
        groups.append(part.group + offset)
        offset += int(part.group.max(initial=0)) + 1
    return Faces(
        np.concatenate([p.pictures for p in parts]), np.concatenate([p.targets for p in parts]),
        np.concatenate([p.weights for p in parts]), np.concatenate([p.plurality for p in parts]),
        np.concatenate([p.label for p in parts]), np.concatenate(groups),
    )  # fmt: skip


def as_network_sees(picture: Pictures) -> Pictures:
    """Prepare a face of any size, grey or BGR, by the run time's own function: 48 x 48 grey."""
    if picture.shape == (SIZE, SIZE):
        return picture  # nothing to change, and thousands of them to read
    from agent.vision.expression import preprocess

    return preprocess(picture)


def decoded(data: Pictures, flag: int) -> Pictures | None:
    """Decode the picture of an encoded file's bytes (uint8 [N]), ``flag`` one of cv2.IMREAD_....

    None: damaged, or none that OpenCV knows.
    """
    try:
        picture = cv2.imdecode(data, flag)
    except cv2.error:  # no byte at all, or more pixels than OpenCV takes on
        return None
    return None if picture is None else np.asarray(picture, np.uint8)
