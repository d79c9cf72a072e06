"""Near twins: two pictures that are one photograph to us, and must not part in a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TWIN = 0.97
"""Pictures at least this similar are one picture to us and stay on one side of a split."""
HALF = 24
"""Side at which pictures are compared: noise and a little blur are gone, the face is not."""
BLOCK = 2048


def twin_groups(
    number: NDArray[np.int32], twin: NDArray[np.int32], alike: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return group ids [N]: pictures linked by a chain of near twins share one (union-find)."""
    place = {int(n): row for row, n in enumerate(number)}
    parent = np.arange(len(number))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for row in np.flatnonzero(alike):
        other = place.get(int(twin[row]))
        if other is not None:  # a PublicTest picture's twin lies in Training
            parent[root(int(row))] = root(other)
    return np.array([root(row) for row in range(len(number))], np.int64)


def near_twins(pictures: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which of ``pictures`` have a copy or near twin in ``others``: bool [N].

    uint8, [N, 48, 48] and [M, 48, 48]. The similarity is that of ferplus.npz's ``twin_sim``: both
    shrunk to 24 x 24 by averaging, the correlation of their pixels. A flat picture correlates with
    nothing; its twins are its copies.
    """
    copies = {other.tobytes() for other in others}
    known = _patterns(others).T
    alike = np.zeros(len(pictures), np.bool_)
    for start in range(0, len(pictures) if len(others) else 0, BLOCK):
        block = pictures[start : start + BLOCK]
        copied = np.array([picture.tobytes() in copies for picture in block])
        likeness = (_patterns(block) @ known).max(axis=1)
        alike[start : start + BLOCK] = copied | (likeness >= TWIN)
    return alike


def _patterns(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn [N, 48, 48] into [N, 576], each row of mean 0 and length 1.

    So the product of two rows is their correlation; zeros for a flat picture.
    """
    step = pictures.shape[1] // HALF
    small = pictures.reshape(-1, HALF, step, HALF, step).mean(axis=(2, 4), dtype=np.float32)
    rows = small.reshape(len(pictures), HALF * HALF)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    flat = length < 1e-2  # rounding leaves a flat picture a hair above zero
    return np.where(flat, 0, rows / np.where(flat, 1, length)).astype(np.float32)
