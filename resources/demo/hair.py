"""Hair for the actor: some thousand strands, combed from a side parting into a chin-long bob.

Strands are grown once on the resting head and then move with it as one piece.
"""

from __future__ import annotations

import numpy as np
from mesh import SKIN, Mesh
from numba import njit
from scipy.spatial import cKDTree

STRANDS = 15000
POINTS = 30
_STEP = 0.075
_PARTING = 0.22
# Height of the hairline by azimuth (0 = straight ahead, 180 = nape), in degrees.
_AZIMUTH = np.array([0, 25, 45, 60, 72, 85, 100, 115, 140, 180.0])
_HEIGHT = np.array([7.25, 7.23, 7.15, 7.00, 6.80, 6.72, 6.78, 6.35, 5.95, 5.85])


def over_hairline(points: np.ndarray) -> np.ndarray:
    """Height of resting points [N, 3] above the hairline, negative below it."""
    azimuth = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - 0.25))
    return points[:, 1] - np.interp(azimuth, _AZIMUTH, _HEIGHT)


def grow(mesh: Mesh, normals: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Strands on the resting head.

    Returns points [S, K, 3], used [S] (points in use) and shade [S, K] (0..1, how much light
    reaches the strand there).
    """
    skin = mesh.kind == SKIN
    points, normal = mesh.rest[skin], normals[skin]
    tree = cKDTree(points)
    # roots: triangles of the scalp, by area
    corners = mesh.rest[mesh.triangles]
    centre = corners.mean(axis=1)
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    scalp = (mesh.kind[mesh.triangles[:, 0]] == SKIN) & (over_hairline(centre) > 0)
    area = np.where(scalp, area, 0)
    pick = rng.choice(len(area), STRANDS, p=area / area.sum())
    a, b = rng.random((2, STRANDS, 1))
    flip = (a + b) > 1
    a, b = np.where(flip, 1 - a, a), np.where(flip, 1 - b, b)
    root = corners[pick, 0] * (1 - a - b) + corners[pick, 1] * a + corners[pick, 2] * b
    layer = rng.random(STRANDS)  # 0 lies on the scalp, 1 on top

    # locks: strands near each other share their whims
    seeds = cKDTree(root[rng.choice(STRANDS, 420, replace=False)])
    lock = seeds.query(root)[1]
    whim = rng.normal(size=(420, 3))[lock]
    wave = rng.uniform(0, 6.28, 420)[lock]
    reach = 6.02 + 0.16 * rng.normal(size=420)[lock] * 0.6 + 0.07 * rng.normal(size=STRANDS)

    side = np.where(root[:, 0] > _PARTING, 1.0, -1.0)
    front = np.clip((root[:, 2] - 0.1) / 0.9, 0, 1)
    path = np.zeros((STRANDS, POINTS, 3))
    path[:, 0] = root
    spot = root.copy()
    heading = normal[tree.query(root)[1]] * 0.5
    used = np.full(STRANDS, POINTS)
    thick = 0.035 + 0.13 * layer
    for k in range(1, POINTS):
        low = np.clip((7.2 - spot[:, 1]) / 0.8, 0, 1)  # 0 on the crown, 1 at the cheek
        pull = np.stack(
            [
                side * (0.85 - 0.75 * low) + 0.05 * whim[:, 0],
                -0.25 - 0.9 * low + 0.03 * whim[:, 1],
                -0.55 * front * (1 - 0.5 * low) - 0.12 + 0.05 * whim[:, 2],
            ],
            axis=1,
        )
        pull[:, 0] += 0.10 * np.sin(wave + 0.5 * k)
        pull[:, 2] += 0.08 * np.cos(wave + 0.4 * k)
        heading = 0.62 * heading + 0.38 * pull
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        spot = spot + _STEP * heading
        near = tree.query(spot)[1]
        out = normal[near]
        gap = ((spot - points[near]) * out).sum(axis=1)
        lift = thick * min(1.0, k / 4)
        spot = spot + out * np.clip(lift - gap, 0, 0.2)[:, None]
        # the hair stays a cap: strands that stand off too far are drawn back
        spot = spot - out * (0.35 * np.clip(gap - lift - 0.04, 0, 0.3))[:, None]
        path[:, k] = spot
        used = np.where((spot[:, 1] < reach) & (used == POINTS), k, used)
    along = np.linspace(0, 1, POINTS)[None]
    shade = (0.42 + 0.58 * layer[:, None]) * (0.75 + 0.25 * along)
    shade *= 1 + 0.16 * rng.normal(size=(420, 1))[lock] + 0.08 * rng.normal(size=(STRANDS, 1))
    shade *= np.clip(0.55 + 0.45 * (path[:, :, 1] - 5.9) / 0.6, 0.4, 1)
    return {"points": path, "used": used.astype(np.int32), "shade": np.clip(shade, 0.1, 1.4)}


@njit(cache=True, fastmath=True)
def light_strands(points, shade, camera, light, tone):  # type: ignore[no-untyped-def]
    """Colour [S, K, 3] of posed strands after Kajiya and Kay: sin(tangent, light) and a gloss.

    points [S, K, 3] in the world, shade [S, K]; `light` is the vector that `shade.shade` takes.
    """
    many, long = shade.shape
    out = np.empty((many, long, 3), dtype=np.float32)
    middle = np.zeros(3)
    for s in range(many):
        for c in range(3):
            middle[c] += points[s, 0, c] / many
    middle[1] -= 0.5
    tangent, view, outward = np.zeros(3), np.zeros(3), np.zeros(3)
    soft = (0.35, 0.6, 0.1)
    for s in range(many):
        for k in range(long):
            before, after = max(k - 1, 0), min(k + 1, long - 1)
            nt, nv, no = 1e-18, 1e-18, 1e-18
            for c in range(3):
                tangent[c] = points[s, after, c] - points[s, before, c]
                view[c] = camera[c] - points[s, k, c]
                outward[c] = points[s, k, c] - middle[c]
                nt += tangent[c] ** 2
                nv += view[c] ** 2
                no += outward[c] ** 2
            nt, nv, no = 1 / np.sqrt(nt), 1 / np.sqrt(nv), 1 / np.sqrt(no)
            for c in range(3):
                tangent[c] *= nt
                view[c] *= nv
                outward[c] *= no
                out[s, k, c] = tone[c] * (light[18 + c] * 0.6 + light[21 + c] * 0.4)
            for lamp in range(3):
                at = 6 * lamp
                facing, along, half, across = 0.0, 0.0, 1e-18, 0.0
                for c in range(3):
                    facing += outward[c] * light[at + c]
                    along += tangent[c] * light[at + c]
                    h = view[c] + light[at + c]
                    half += h * h
                    across += tangent[c] * h
                facing = min(max((facing + soft[lamp]) / (1 + soft[lamp]), 0.0), 1.0)
                sine = np.sqrt(max(1 - along * along, 0.0))
                gloss = max(1 - across * across / half, 0.0)
                sheen, tint = 0.035 * gloss**40, sine + 0.25 * gloss**10
                for c in range(3):
                    out[s, k, c] += facing * light[at + 3 + c] * (tone[c] * tint + sheen)
            for c in range(3):
                out[s, k, c] *= shade[s, k]
    return out
