"""Z-buffered triangles and lines, compiled by numba. Depth is distance from the camera."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def draw_triangles(screen, depth, triangles, zbuf, index, bary):  # type: ignore[no-untyped-def]
    """Rasters triangles into zbuf [H, W], index [H, W] (-1 = none) and bary [H, W, 2].

    screen [M, 2] in pixels, depth [M]; triangles turned away from the viewer are left out.
    """
    height, width = zbuf.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = screen[a, 0], screen[a, 1]
        bx, by = screen[b, 0], screen[b, 1]
        cx, cy = screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area >= -1e-9:  # y grows downwards on the screen: the front is clockwise
            continue
        x0 = max(int(np.floor(min(ax, bx, cx))), 0)
        x1 = min(int(np.ceil(max(ax, bx, cx))), width - 1)
        y0 = max(int(np.floor(min(ay, by, cy))), 0)
        y1 = min(int(np.ceil(max(ay, by, cy))), height - 1)
        inv = 1.0 / area
        za, zb, zc = depth[a], depth[b], depth[c]
        if za <= 0.1 or zb <= 0.1 or zc <= 0.1:
            continue
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                u = ((bx - px) * (cy - py) - (cx - px) * (by - py)) * inv
                if u < -1e-6:
                    continue
                v = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) * inv
                if v < -1e-6:
                    continue
                w = 1.0 - u - v
                if w < -1e-6:
                    continue
                z = u * za + v * zb + w * zc
                if z < zbuf[y, x]:
                    zbuf[y, x] = z
                    index[y, x] = t
                    bary[y, x, 0] = u
                    bary[y, x, 1] = v


@njit(cache=True, fastmath=True)
def draw_strands(screen, depth, colour, length, zbuf, image):  # type: ignore[no-untyped-def]
    """Draws strands as one-pixel lines with a depth test.

    screen [S, K, 2], depth [S, K], colour [S, K, 3] linear light, length [S] points used.
    """
    height, width = zbuf.shape
    for s in range(screen.shape[0]):
        for k in range(length[s] - 1):
            x0, y0, z0 = screen[s, k, 0], screen[s, k, 1], depth[s, k]
            x1, y1, z1 = screen[s, k + 1, 0], screen[s, k + 1, 1], depth[s, k + 1]
            steps = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
            for i in range(steps):
                f = i / steps
                x = int(x0 + f * (x1 - x0))
                y = int(y0 + f * (y1 - y0))
                if x < 0 or y < 0 or x >= width or y >= height:
                    continue
                z = z0 + f * (z1 - z0)
                if z < zbuf[y, x]:
                    zbuf[y, x] = z
                    for c in range(3):
                        image[y, x, c] = (1 - f) * colour[s, k, c] + f * colour[s, k + 1, c]


@njit(cache=True, fastmath=True)
def vertex_normals(points, triangles):  # type: ignore[no-untyped-def]
    """Unit normals [M, 3], weighted by the area of the triangles."""
    out = np.zeros(points.shape)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b] - points[a]
        vx, vy, vz = points[c] - points[a]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(out.shape[0]):
        size = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + 1e-12
        out[i] /= size
    return out
