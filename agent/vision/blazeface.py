"""BlazeFace: a face's box and six of its points, by a small network.

Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs. Two
networks of one family: the short range sees faces that fill a tenth of the picture or more, in a
third of the time; the full range sees small ones, too. A picture is fitted into a black square; the
network answers for each of its anchors (places on a grid) with a score and 16 numbers: box and
points relative to that place. Overlapping answers are blended, weighted by their scores. It is made
of convolutions alone, so that a smaller square, with fewer places, does for a face that fills half
of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError, last_line
from agent.opencv import cv2
from agent.translation import _
from agent.types import Box, Frame, Point
from agent.vision.finder_files import FULL_RANGE, SHORT_RANGE, checked

Floats = NDArray[np.float32]

POINTS = 6
SAME_FACE = 0.3
"""Overlap (intersection over union) from which two answers tell of one face."""
CLIP = 80.0
"""Raw scores beyond it overflow the exponential and mean nothing more."""
CONTEXT = 2.0
"""Side of the square that is searched around a followed face, in sides of its box."""
TILE_FROM = 480
"""A picture whose longer side is at least this long is searched in parts, too."""
TILE_SHARE = 0.6
"""Side of such a part, as a share of the picture's: four of them overlap by a fifth."""
STEP = 0.8
"""Where the whole frame shows no face, squares of it are looked at that lie that much of their side
apart: a face of a tenth of their side is whole in one of them."""
MOST_STEPS = 4
"""A frame that is longer than that many squares is no camera's."""
GROWN, RAISED = 1.05, 0.09
"""The network's box reaches from the brows to the chin. Ours, like Haar's, has the forehead in it:
grown so many times, and raised by that share of its height (medians against Haar's boxes on clips
of five persons)."""
CUT = 0.02
"""A face that reaches so close to the border of a part, as a share of its side, may be cut off
there: a neighbouring part, or the whole picture, sees it better."""


@dataclass(frozen=True, slots=True)
class FinderNetwork:
    """What is fixed in a network, and in how it is used.

    Its file, the side of its picture, (cells a side, anchors a cell) of its grids, the score from
    which its answer counts, chosen on scenes without a face, and the layers that answer for each
    grid: scores, then boxes and points.
    """

    file: str
    side: int
    grids: tuple[tuple[int, int], ...]
    least_score: float
    layers: tuple[tuple[str, str], ...] = ()


_SHORT_LAYERS = (("classificator_8", "regressor_8"), ("classificator_16", "regressor_16"))
SHORT = FinderNetwork(SHORT_RANGE, 128, ((16, 2), (8, 6)), 0.5, _SHORT_LAYERS)
NEAR = FinderNetwork(SHORT_RANGE, 96, ((12, 2), (6, 6)), 0.5, _SHORT_LAYERS)
"""Around a followed face, in half the time. On the scenes of ``moodtray bench --finder`` it finds
all that 128 px find; the points differ by a twentieth of the eyes' distance, as they do at 112."""
FULL = FinderNetwork(FULL_RANGE, 192, ((48, 1),), 0.6, (("classifier_face_4", "regressor_face_4"),))


def anchors(kind: FinderNetwork) -> Floats:
    """Compute the centres of the anchors, [N, 2] (x, y), as shares of the picture.

    Row by row, a coarser grid behind a finer one.
    """
    rows = []
    for cells, each in kind.grids:
        centre = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        x, y = np.meshgrid(centre, centre)
        rows.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(rows).astype(np.float32)


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """Faces in shares of a network's square, or in pixels of a frame.

    ``boxes`` [N, 4]: left, top, right, bottom; ``points`` [N, 6, 2]: the eye to the left in the
    picture, the eye to the right, nose, mouth, the ear to the left, the ear to the right;
    ``scores`` [N].
    """

    boxes: Floats
    points: Floats
    scores: Floats


NOTHING = FoundFaces(
    np.zeros((0, 4), np.float32), np.zeros((0, POINTS, 2), np.float32), np.zeros(0, np.float32)
)


def decode(raw_scores: Floats, raw: Floats, places: Floats, kind: FinderNetwork) -> FoundFaces:
    """Choose the answers that count.

    ``raw_scores`` [N], ``raw`` [N, 16] as the network gives them, ``places`` its anchors [N, 2].
    """
    kept = raw_scores >= -np.log(1.0 / kind.least_score - 1.0)
    scores = 1.0 / (1.0 + np.exp(-np.clip(raw_scores[kept], -CLIP, CLIP)))
    near = raw[kept] / kind.side
    at = places[kept]
    centre, size = near[:, 0:2] + at, near[:, 2:4]
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    points = near[:, 4:].reshape(-1, POINTS, 2) + at[:, None, :]
    sound = (size > 0).all(axis=1) & np.isfinite(points).all(axis=(1, 2))
    return FoundFaces(boxes[sound], points[sound], scores[sound])


def blend(found: FoundFaces) -> FoundFaces:
    """Make one answer a face: the best, and with it all that overlap it, weighted by scores."""
    order = np.argsort(-found.scores, kind="stable")
    boxes, points, scores = [], [], []
    while len(order):
        best = order[0]
        same = _overlaps(found.boxes[best], found.boxes[order]) >= SAME_FACE
        same[0] = True
        together = order[same]
        weights = found.scores[together] / found.scores[together].sum()
        boxes.append(weights @ found.boxes[together])
        points.append(np.einsum("n,npk->pk", weights, found.points[together]))
        scores.append(found.scores[best])
        order = order[~same]
    if not boxes:
        return NOTHING
    return FoundFaces(
        np.asarray(boxes, np.float32), np.asarray(points, np.float32),
        np.asarray(scores, np.float32),
    )  # fmt: skip


def _overlaps(box: Floats, boxes: Floats) -> Floats:
    """Compute intersection over union of ``box`` [4] with each of ``boxes`` [N, 4]."""
    corner = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(corner, 0, None).prod(axis=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(shared / ((box[2:] - box[:2]).prod() + area - shared), np.float32)


@dataclass(frozen=True, slots=True)
class Square:
    """Where a network's square lies over the frame: its upper left corner and side, in pixels.

    It may reach beyond the frame; there it is black.
    """

    left: int
    top: int
    side: int

    def picture(self, frame: Frame, side: int) -> Frame:
        """Cut out what of ``frame`` lies in the square, ``side`` x ``side`` pixels."""
        height, width = frame.shape[:2]
        x0, y0 = max(0, self.left), max(0, self.top)
        x1, y1 = min(width, self.left + self.side), min(height, self.top + self.side)
        square = np.zeros((side, side, 3), np.uint8)
        if x1 <= x0 or y1 <= y0:
            return square
        factor = side / self.side
        place_x, place_y = round((x0 - self.left) * factor), round((y0 - self.top) * factor)
        new = (
            min(side - place_x, max(1, round((x1 - x0) * factor))),
            min(side - place_y, max(1, round((y1 - y0) * factor))),
        )
        if min(new) < 1:
            return square
        part = _halved(frame[y0:y1, x0:x1], new)
        part = np.asarray(cv2.resize(part, new, interpolation=cv2.INTER_LINEAR), np.uint8)
        if new == (side, side):
            return part
        square[place_y : place_y + new[1], place_x : place_x + new[0]] = part
        return square


def _halved(part: Frame, size: tuple[int, int]) -> Frame:
    """Halve ``part`` as long as it stays as large as ``size`` (width, height).

    Bilinear looks at two neighbours only; an area mean over a fraction of pixels would take longer
    than the network, and over two by two it takes next to nothing.
    """
    while part.shape[1] >= 2 * size[0] and part.shape[0] >= 2 * size[1]:
        height, width = part.shape[0] // 2, part.shape[1] // 2
        even = part[: 2 * height, : 2 * width]
        part = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return part


def around(frame: Frame) -> Square:
    """Return the square in whose middle the whole frame lies."""
    height, width = frame.shape[:2]
    side = max(height, width)
    return Square((width - side) // 2, (height - side) // 2, side)


def parts(frame: Frame) -> list[Square]:
    """List overlapping squares as large as the frame's shorter side allows, along its longer.

    None for a frame that is square already.
    """
    height, width = frame.shape[:2]
    side, rest = min(height, width), abs(height - width)
    steps = math.ceil(rest / (STEP * side))
    if steps > MOST_STEPS:
        return []
    places = [round(rest * step / steps) for step in range(steps + 1)] if steps else []
    return [
        Square(place, 0, side) if width > height else Square(0, place, side) for place in places
    ]


class _Network:
    """One of the two, loaded from its file."""

    def __init__(self, kind: FinderNetwork, file: Path) -> None:
        self._kind = kind
        self._places = anchors(kind)
        try:
            self._net: Any = cv2.dnn.readNetFromTFLite(str(file))
            self._answers(np.zeros((kind.side, kind.side, 3), np.uint8))
        except (cv2.error, ValueError) as error:
            raise ModelError(
                _(
                    "OpenCV {version} cannot load the face finder {file} "
                    "({why}). Install opencv-python 4.14 or a later one, or "
                    'set camera.finder to "haar".'
                ).format(
                    version=cv2.__version__,
                    file=file,
                    why=last_line(error),
                )
            ) from error

    def run(self, frame: Frame, square: Square) -> FoundFaces:
        """Find faces in ``square`` of the frame, in pixels of the frame."""
        raw_scores, raw = self._answers(square.picture(frame, self._kind.side))
        found = blend(decode(raw_scores, raw, self._places, self._kind))
        corner = np.array([square.left, square.top], np.float32)
        return FoundFaces(
            found.boxes * square.side + np.tile(corner, 2),
            found.points * square.side + corner,
            found.scores,
        )

    def _answers(self, picture: Frame) -> tuple[Floats, Floats]:
        """Ask for (raw scores [N], raw numbers [N, 16]) of a BGR picture of the network's side."""
        self._net.setInput(
            cv2.dnn.blobFromImage(picture, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
        )
        outputs = self._net.forward([name for pair in self._kind.layers for name in pair])
        scores: list[Floats] = []
        raw: list[Floats] = []
        for number, (cells, each) in enumerate(self._kind.grids):
            for out, width, into in (
                (outputs[2 * number], 1, scores),
                (outputs[2 * number + 1], 4 + 2 * POINTS, raw),
            ):
                if out.shape != (1, each * width, cells, cells):
                    raise ValueError(f"it answers with {out.shape} for {cells} x {cells} places")
                into.append(out[0].transpose(1, 2, 0).reshape(-1, width))
        return np.concatenate(scores)[:, 0], np.concatenate(raw)


class BlazeFinder:
    """Implements :class:`agent.vision.faces.Finder`.

    A network is loaded when it is needed, and the other one let go, for each takes 9 MB: one is for
    a followed face, the other for when there is none. ``folder`` holds the two files.
    """

    name = "blazeface"

    def __init__(self, folder: Path | None = None) -> None:
        self._files = {kind: checked(kind.file, folder) for kind in (NEAR, SHORT, FULL)}
        self._loaded: dict[FinderNetwork, _Network] = {}

    def load(self) -> None:
        """Load one network after the other, to see whether they can be. Raises ModelError."""
        for kind in self._files:
            self._network(kind)

    def whole(self, frame: Frame) -> list[Box]:
        """Find faces of the whole frame, from about a fifteenth of its width on.

        Those that only its parts show are searched for when there is no other.
        """
        network = self._network(FULL)
        found = network.run(frame, around(frame))
        if not len(found.scores):
            found = blend(_together([network.run(frame, part) for part in parts(frame)]))
        return _boxes(found, frame)

    def near(self, frame: Frame, last: Box) -> list[Box]:
        """Find faces around the place of ``last``."""
        side = round(CONTEXT * max(last.width, last.height))
        left = last.x + (last.width - side) // 2
        square = Square(left, last.y + (last.height - side) // 2, side)
        return _boxes(self._network(NEAR).run(frame, square), frame)

    def large(self, frame: Frame) -> list[Box]:
        """Find faces that fill a good part of the frame, which is a face's surroundings already."""
        return _boxes(self._network(SHORT).run(frame, around(frame)), frame)

    def every(self, frame: Frame) -> list[Box]:
        """Find every face of a picture, the small ones too: in the whole and in its parts."""
        network = self._network(FULL)
        seen = [network.run(frame, around(frame))]
        height, width = frame.shape[:2]
        if max(height, width) >= TILE_FROM:
            for row in _tiles(height):
                for column in _tiles(width):
                    tile = frame[row, column]
                    inside = _uncut(network.run(tile, around(tile)), tile)
                    corner = np.array([column.start, row.start], np.float32)
                    seen.append(
                        FoundFaces(
                            inside.boxes + np.tile(corner, 2), inside.points + corner, inside.scores
                        )
                    )
        return _boxes(blend(_together(seen)), frame)

    def _network(self, kind: FinderNetwork) -> _Network:
        if kind not in self._loaded:
            self._loaded.clear()  # before the other is made
            self._loaded[kind] = _Network(kind, self._files[kind])
        return self._loaded[kind]


def _together(found: list[FoundFaces]) -> FoundFaces:
    if not found:
        return NOTHING
    return FoundFaces(
        np.concatenate([one.boxes for one in found]),
        np.concatenate([one.points for one in found]),
        np.concatenate([one.scores for one in found]),
    )


def _tiles(length: int) -> tuple[slice, slice]:
    side = round(length * TILE_SHARE)
    return slice(0, side), slice(length - side, length)


def _uncut(found: FoundFaces, tile: Frame) -> FoundFaces:
    """Leave out those that do not lie clear of the part's borders."""
    height, width = tile.shape[:2]
    margin = CUT * max(height, width)
    inside = (
        (found.boxes[:, :2] >= margin).all(axis=1)
        & (found.boxes[:, 2] <= width - margin)
        & (found.boxes[:, 3] <= height - margin)
    )
    return FoundFaces(found.boxes[inside], found.points[inside], found.scores[inside])


def _boxes(found: FoundFaces, frame: Frame) -> list[Box]:
    """Give the faces boxes as the rest of the program knows them: with the forehead, clipped."""
    height, width = frame.shape[:2]
    size = found.boxes[:, 2:] - found.boxes[:, :2]
    middle = found.boxes[:, :2] + size * np.array([0.5, 0.5 - RAISED], np.float32)
    corners = np.concatenate([middle - size * GROWN / 2, middle + size * GROWN / 2], axis=1)
    boxes = []
    for (left, top, right, bottom), points, score in zip(
        corners.round(), found.points, found.scores, strict=True
    ):
        x, y = max(0, int(left)), max(0, int(top))
        x1, y1 = min(width, int(right)), min(height, int(bottom))
        if x1 - x < 1 or y1 - y < 1:
            continue
        landmarks: tuple[Point, ...] = tuple((float(px), float(py)) for px, py in points)
        boxes.append(Box(x, y, x1 - x, y1 - y, landmarks=landmarks, score=float(score)))
    return boxes
